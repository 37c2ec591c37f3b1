import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { createEngine } from "../node/engine.ts";
import { ModelProtoSchema } from "../onnx/onnx_pb.ts";
import { readModel } from "../onnx/read.ts";
import { widenTensor } from "../onnx/widen.ts";
import { writeModel } from "../onnx/write.ts";
import { importModel } from "../ops/importModel.ts";
import { loadOnnxBackbone } from "./onnxBackbone.ts";

const folder = join(import.meta.dirname, "../../../shared/data/backbones");
const files = existsSync(folder) ? readdirSync(folder).filter((file) => file.endsWith(".onnx")) : [];
const skipped = files.length === 0 ? " (skipped: no folder ../shared/data/backbones beside the repository)" : "";
const engine = createEngine({ runtime: "native" });

function pixels(shape: readonly number[]): Tensor {
  const random = stream(3, "pixels");
  return Tensor.float32(
    shape,
    Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1)),
  );
}

describe.skipIf(files.length === 0)(`a published model${skipped}`, () => {
  it.each(files)("%s is written as it was read", (file) => {
    const bytes = new Uint8Array(readFileSync(join(folder, file)));
    const again = writeModel(readModel(bytes, file));
    // Compared with the file as the protobuf library writes it: order of fields and packing of lists are the writer's choice.
    expect(Buffer.compare(again, toBinary(ModelProtoSchema, fromBinary(ModelProtoSchema, bytes)))).toBe(0);
  });

  it.each(files)("%s gives features of several images", async (file) => {
    const backbone = loadOnnxBackbone(new Uint8Array(readFileSync(join(folder, file))), file, "unknown", 64);
    const { input, features } = backbone;
    const program = await engine.compile(
      writeModel(emit({ name: "features", inputs: [input], outputs: { features } })),
    );
    const result = (await program.run({ input: pixels([2, 3, 64, 64]) }))["features"];
    await program.dispose();
    expect(result?.shape).toEqual([2, backbone.width]);
    expect(result?.floats.every(Number.isFinite)).toBe(true);
  });
});

describe.skipIf(!files.includes("squeezenet1.1-fp16.onnx"))(`SqueezeNet in float16${skipped}`, () => {
  const bytes = () => new Uint8Array(readFileSync(join(folder, "squeezenet1.1-fp16.onnx")));

  it("gives in float32 what the runtime makes of the file, within float16's precision", async () => {
    const { inputs, outputs } = importModel(readModel(bytes()));
    expect(inputs.map(({ dtype, shape }) => [dtype, shape])).toEqual([["float32", [1, 3, 224, 224]]]);
    // −1, −½, ½ and 1: the same numbers in both types.
    const choices = [0xbc00, 0xb800, 0x3800, 0x3c00];
    const random = stream(4, "halves");
    const halves = Uint16Array.from({ length: 3 * 224 * 224 }, () => choices[random.below(4)] ?? 0);
    const image = Tensor.of("float16", [1, 3, 224, 224], halves);
    const theirs = widenTensor((await runOnce(bytes(), image)) ?? image).floats;
    const emitted = writeModel(emit({ name: "widened", inputs, outputs: Object.fromEntries(outputs) }));
    const ours = (await runOnce(emitted, widenTensor(image)))?.floats ?? new Float32Array();
    expect(ours.length).toBe(1000);
    // Logits near 20 carry an error of 20·2⁻¹¹ a layer in float16; over 26 layers √26 times that, and softmax makes it relative.
    const tolerance = 20 * 2 ** -11 * Math.sqrt(26);
    ours.forEach((value, i) => {
      expect(Math.abs(value - (theirs[i] ?? 0))).toBeLessThan(tolerance * value + 2 ** -14);
    });
  });
});

/** The first output for one input. */
async function runOnce(model: Uint8Array, image: Tensor): Promise<Tensor | undefined> {
  const program = await engine.compile(model);
  const [name = ""] = program.inputNames;
  const results = await program.run({ [name]: image });
  await program.dispose();
  return Object.values(results)[0];
}
