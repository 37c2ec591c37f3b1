import { describe, expect, it } from "vitest";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { loadStateDict } from "../weights/stateDict.ts";
import { architectureNamed } from "./architectures.ts";
import { timmMobilenetV2, timmVgg } from "./timmNames.ts";
import { vgg, vggs } from "./vgg.ts";

function zeros(...shape: readonly number[]): Tensor {
  return Tensor.of("float32", shape, new Float32Array(sizeOf(shape)));
}

function norm(name: string, channels: number): [string, Tensor][] {
  return ["weight", "bias", "running_mean", "running_var"].map((part) => [`${name}.${part}`, zeros(channels)]);
}

/** The names and shapes of timm's mobilenetv2_100: expansion, channels and blocks of each stage as in table 2 of Sandler et al. 2018. */
function timmStateDict(): Map<string, Tensor> {
  const entries: [string, Tensor][] = [["conv_stem.weight", zeros(32, 3, 3, 3)], ...norm("bn1", 32)];
  const stages = [
    [1, 16, 1],
    [6, 24, 2],
    [6, 32, 3],
    [6, 64, 4],
    [6, 96, 3],
    [6, 160, 3],
    [6, 320, 1],
  ] as const;
  let inputs = 32;
  stages.forEach(([expansion, outputs, count], stage) => {
    for (let block = 0; block < count; block++) {
      const at = `blocks.${stage}.${block}`;
      const inner = inputs * expansion;
      const depthwise = zeros(inner, 1, 3, 3);
      if (expansion === 1) {
        entries.push([`${at}.conv_dw.weight`, depthwise], ...norm(`${at}.bn1`, inner));
        entries.push([`${at}.conv_pw.weight`, zeros(outputs, inner, 1, 1)], ...norm(`${at}.bn2`, outputs));
      } else {
        entries.push([`${at}.conv_pw.weight`, zeros(inner, inputs, 1, 1)], ...norm(`${at}.bn1`, inner));
        entries.push([`${at}.conv_dw.weight`, depthwise], ...norm(`${at}.bn2`, inner));
        entries.push([`${at}.conv_pwl.weight`, zeros(outputs, inner, 1, 1)], ...norm(`${at}.bn3`, outputs));
      }
      inputs = outputs;
    }
  });
  entries.push(["conv_head.weight", zeros(1280, 320, 1, 1)], ...norm("bn2", 1280));
  entries.push(["classifier.weight", zeros(1000, 1280)], ["classifier.bias", zeros(1000)]);
  return new Map(entries);
}

describe("weights of timm", () => {
  it("of MobileNetV2 fit Graft's network, name by name and shape by shape", () => {
    const network = sequentialNetwork([moduleLayer("backbone", architectureNamed("mobilenet_v2").body)], [32, 32, 3]);
    const options = { fileName: "model.safetensors", rename: timmMobilenetV2, classifier: "classifier" };
    const loaded = loadStateDict(network.parameters.list, timmStateDict(), options);
    expect(loaded.size).toBe(network.parameters.list.length);
    expect(timmMobilenetV2("blocks.1.0.conv_pw.weight")).toBe("features.2.conv.0.0.weight");
    expect(timmMobilenetV2("something.else")).toBe("something.else");
  });

  it("of VGG fit its features", () => {
    const layer = moduleLayer("backbone", (scope, x) => vgg(scope, x, vggs.vgg11, false));
    const { list } = sequentialNetwork([layer], [32, 32, 3]).parameters;
    const names = list.map(({ path, shape }): [string, Tensor] => [
      path.replace("backbone/", "").replaceAll("/", "."),
      zeros(...shape),
    ]);
    const given = new Map([
      ...names,
      ["pre_logits.fc1.weight", zeros(1)] as const,
      ["head.fc.bias", zeros(1)] as const,
    ]);
    expect(loadStateDict(list, given, { fileName: "x", rename: timmVgg }).size).toBe(list.length);
    expect([...given.keys()].slice(0, 2)).toEqual(["features.0.weight", "features.0.bias"]);
  });
});
