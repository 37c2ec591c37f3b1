import { describe, expect, it } from "vitest";
import { input } from "../graph/value.ts";
import { Parameters, Scope, startBuild } from "../nn/scope.ts";
import { architectureNamed } from "./architectures.ts";
import { gluonMobilenetV2 } from "./gluonNames.ts";
import { kerasMobilenetV1 } from "./kerasNames.ts";

function namesOf(architecture: string): readonly string[] {
  const parameters = new Parameters();
  architectureNamed(architecture).body(new Scope(startBuild(parameters)), input("images", "float32", [1, 3, 64, 64]));
  return parameters.list.map(({ path }) => path.replaceAll("/", ".")).sort();
}

const range = (end: number, start = 0) => Array.from({ length: end - start }, (_, i) => i + start);
const statistics = ["running_mean", "running_var"];

describe("names of other libraries", () => {
  it("cover MobileNetV1 as keras.applications has it", () => {
    const layers = ["conv1", ...range(14, 1).flatMap((i) => [`conv_dw_${i}`, `conv_pw_${i}`])];
    const names = layers.flatMap((layer) => [
      `${layer}.weight`,
      ...["weight", "bias", ...statistics].map((last) => `${layer}_bn.${last}`),
    ]);
    expect(names.map(kerasMobilenetV1).sort()).toEqual(namesOf("tf_mobilenetv1_025"));
    expect(["conv_preds.bias", "conv_dw_14.weight", "other"].map(kerasMobilenetV1)).toEqual([
      "classifier.bias",
      "conv_dw_14.weight",
      "other",
    ]);
  });

  it("cover MobileNetV2 as Gluon has it", () => {
    const unit = (above: string, i: number) => [
      `features_${above}conv${i}_weight`,
      ...["gamma", "beta", ...statistics].map((last) => `features_${above}batchnorm${i}_${last}`),
    ];
    const blocks = range(17).flatMap((block) => range(3).flatMap((i) => unit(`linearbottleneck${block}_`, i)));
    const names = [...unit("", 0), ...blocks, ...unit("", 1)];
    expect(names.map(gluonMobilenetV2).sort()).toEqual(namesOf("gluon_mobilenet_v2"));
    expect(gluonMobilenetV2("output_weight")).toBe("output_weight");
  });
});
