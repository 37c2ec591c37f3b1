import { describe, expect, it } from "vitest";
import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { loadStateDict, type ParameterShape } from "./stateDict.ts";

const model: readonly ParameterShape[] = [
  { path: "layer1/0/conv1/weight", shape: [2, 1, 1, 1] },
  { path: "layer1/0/bn1/running_mean", shape: [2] },
  { path: "fc/weight", shape: [3, 2] },
  { path: "fc/bias", shape: [3] },
];

function state(prefix = "", changes: Readonly<Record<string, Tensor | undefined>> = {}): Map<string, Tensor> {
  const tensors: Record<string, Tensor | undefined> = {
    "layer1.0.conv1.weight": Tensor.float32([2, 1, 1, 1], [1, 2]),
    "layer1.0.bn1.running_mean": Tensor.float32([2], [3, 4]),
    "layer1.0.bn1.num_batches_tracked": Tensor.of("int64", [], BigInt64Array.of(7n)),
    "fc.weight": Tensor.float32([3, 2], [1, 2, 3, 4, 5, 6]),
    "fc.bias": Tensor.float32([3], [7, 8, 9]),
    ...changes,
  };
  return new Map(Object.entries(tensors).flatMap(([name, tensor]) => (tensor ? [[prefix + name, tensor]] : [])));
}

const options = { fileName: "weights.pth" };

describe("a state dict", () => {
  it("gives each parameter the tensor of its name", () => {
    const loaded = loadStateDict(model, state(), options);
    expect([...loaded.keys()]).toEqual(model.map(({ path }) => path));
    expect(loaded.get("layer1/0/conv1/weight")?.numbers).toEqual([1, 2]);
  });

  it.each(["module.", "model.", "backbone.", "module.model.", "_orig_mod.module."])(
    "does without %s before all names",
    (prefix) => {
      expect(loadStateDict(model, state(prefix), options).size).toBe(model.length);
    },
  );

  it("fits a model that lies below a wrapper itself", () => {
    const inner = model.map(({ path, shape }) => ({ path: `backbone/${path}`, shape }));
    expect([...loadStateDict(inner, state("module."), options).keys()]).toEqual(inner.map(({ path }) => path));
  });

  it("keeps a first part that all names share and that is no wrapper", () => {
    const one = [{ path: "conv/weight", shape: [1] }];
    expect(loadStateDict(one, new Map([["conv.weight", Tensor.float32([1], [1])]]), options).size).toBe(1);
    expect(() => loadStateDict(one, new Map([["stem.conv.weight", Tensor.float32([1], [1])]]), options)).toThrow(
      /1 missing in the file: "conv.weight"/,
    );
  });

  it("is widened to float32", () => {
    // 1.5 and −2 in binary16.
    const half = Tensor.of("float16", [2], Uint16Array.of(0x3e00, 0xc000));
    const double = Tensor.of("float64", [3], Float64Array.of(1, 2, 0.5));
    const loaded = loadStateDict(model, state("", { "layer1.0.bn1.running_mean": half, "fc.bias": double }), options);
    expect(loaded.get("layer1/0/bn1/running_mean")?.floats).toEqual(Float32Array.of(1.5, -2));
    expect(loaded.get("fc/bias")?.floats).toEqual(Float32Array.of(1, 2, 0.5));
  });

  it("may use other names, or hold more than the model needs", () => {
    const theirs = new Map([...state()].map(([name, tensor]) => [name.replace("layer1", "stage1"), tensor]));
    theirs.set("extra.weight", Tensor.float32([1], [1]));
    const rename = (name: string) => (name.startsWith("extra.") ? undefined : name.replace("stage1", "layer1"));
    expect(loadStateDict(model, theirs, { ...options, rename }).size).toBe(model.length);
  });

  it("is refused with what is missing, extra and misshapen, and the nearest names", () => {
    const wrong = state("", {
      "layer1.0.conv1.weight": undefined,
      "layer1.0.conv.weight": Tensor.float32([2, 1, 1, 1], [1, 2]),
      "fc.weight": Tensor.float32([2, 3], [1, 2, 3, 4, 5, 6]),
      "fc.bias": Tensor.of("int64", [3], BigInt64Array.of(1n, 2n, 3n)),
    });
    const load = () => loadStateDict(model, wrong, options);
    expect(load).toThrow(GraftError);
    expect(load).toThrow('"weights.pth" does not fit the model, which has 4 tensors; the file has 4.');
    expect(load).toThrow('1 missing in the file: "layer1.0.conv1.weight" (nearest: "layer1.0.conv.weight").');
    expect(load).toThrow('1 unknown to the model: "layer1.0.conv.weight" (nearest: "layer1.0.conv1.weight").');
    expect(load).toThrow(
      '2 of another shape or type: "fc.weight" is float32 [2, 3], expected float32 [3, 2], "fc.bias" is int64 [3]',
    );
  });

  it("lists ten names at most", () => {
    const many = Array.from({ length: 14 }, (_, i) => ({ path: `block${i}/weight`, shape: [1] }));
    const load = () => loadStateDict(many, new Map([["block0.weight", Tensor.float32([1], [1])]]), options);
    expect(load).toThrow(/13 missing in the file: "block1.weight".*"block10.weight".*, and 3 more\./);
    expect(load).not.toThrow(/"block11.weight"/);
  });

  it("may lack the classifier, hold one that is not wanted, or one for other classes", () => {
    const classifier = { ...options, classifier: "fc" };
    const features = model.slice(0, 2);
    expect(loadStateDict(features, state(), classifier).size).toBe(2);
    expect(() => loadStateDict(features, state(), options)).toThrow(/2 unknown to the model: "fc.weight"/);
    const headless = state("", { "fc.weight": undefined, "fc.bias": undefined });
    expect([...loadStateDict(model, headless, classifier).keys()]).toEqual(features.map(({ path }) => path));
    const others = state("", { "fc.weight": Tensor.float32([1, 2], [1, 2]), "fc.bias": Tensor.float32([1], [1]) });
    expect([...loadStateDict(model, others, classifier).keys()]).toEqual(features.map(({ path }) => path));
  });
});
