import { existsSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { createStore } from "../node/store.ts";
import { kerasToTorch } from "./kerasToTorch.ts";
import { openWeights } from "./openWeights.ts";

/** 0, 1, 2, … */
function counting(...shape: readonly number[]): Tensor {
  return Tensor.float32(
    shape,
    Array.from({ length: sizeOf(shape) }, (_, i) => i),
  );
}

function converted(name: string, tensor: Tensor): Tensor {
  return kerasToTorch(new Map([[name, tensor]])).get("block.layer.weight") ?? Tensor.int64([]);
}

describe("weights of Keras", () => {
  it("have the kernel of a convolution with its filters first", () => {
    const [height, width, inputs, filters] = [2, 3, 4, 5];
    const torch = converted("block/layer/kernel", counting(height, width, inputs, filters));
    expect(torch.shape).toEqual([filters, inputs, height, width]);
    const { floats } = torch;
    for (let o = 0, at = 0; o < filters; o++)
      for (let i = 0; i < inputs; i++)
        for (let h = 0; h < height; h++)
          for (let w = 0; w < width; w++) expect(floats[at++]).toBe(((h * width + w) * inputs + i) * filters + o);
  });

  it("have a depthwise kernel as one filter for each input and multiplier", () => {
    const [height, width, inputs, multiplier] = [2, 3, 4, 2];
    const torch = converted("block/layer/depthwise_kernel", counting(height, width, inputs, multiplier));
    expect(torch.shape).toEqual([inputs * multiplier, 1, height, width]);
    const { floats } = torch;
    for (let i = 0, at = 0; i < inputs; i++)
      for (let m = 0; m < multiplier; m++)
        for (let h = 0; h < height; h++)
          for (let w = 0; w < width; w++) expect(floats[at++]).toBe(((h * width + w) * inputs + i) * multiplier + m);
  });

  it("have a dense kernel with its units first", () => {
    expect(converted("block/layer/kernel", counting(2, 3))).toMatchObject({
      shape: [3, 2],
      numbers: [0, 3, 1, 4, 2, 5],
    });
  });

  it("have batch norm by PyTorch's names", () => {
    const names = ["gamma", "beta", "moving_mean", "moving_variance", "other"].map((name) => `bn/${name}`);
    const torch = kerasToTorch(new Map(names.map((name) => [name, counting(3)])));
    expect([...torch.keys()]).toEqual(["bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "bn.other"]);
  });

  const published = join(import.meta.dirname, "../../../shared/data/backbones/mobilenetv1-0.25-keras.h5");
  it.skipIf(!existsSync(published))("of MobileNetV1 have PyTorch's shapes", async () => {
    const torch = kerasToTorch(await openWeights(published, createStore()));
    expect(torch.get("conv1.weight")?.shape).toEqual([8, 3, 3, 3]);
    expect(torch.get("conv_dw_1.weight")?.shape).toEqual([8, 1, 3, 3]);
    expect(torch.get("conv_pw_1.weight")?.shape).toEqual([16, 8, 1, 1]);
    expect(torch.get("conv_pw_13_bn.running_var")?.shape).toEqual([256]);
  });
});
