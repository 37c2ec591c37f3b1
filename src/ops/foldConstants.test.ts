import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { nodesOf } from "../graph/traverse.ts";
import { constantNumbers } from "../graph/value.ts";
import type { Graph, Node } from "../onnx/model.ts";
import { readModel } from "../onnx/read.ts";
import { f, file, floats, graph, i, ints, node, type Parts, rewritten, run, tensor } from "./importModel.fixture.ts";
import { importModel } from "./importModel.ts";
import { randomTensor } from "./operators.fixture.ts";

const longs = (...values: readonly number[]) => tensor(Tensor.int64(values));
const long = (value: number) => tensor(new Tensor("int64", [], Tensor.int64([value]).bytes));

/** The operators left after importing, in order, and the first output. */
function imported(parts: Parts) {
  const { outputs } = importModel(readModel(file(parts)));
  const [output] = [...outputs.values()];
  if (output === undefined) throw new Error("no output");
  return { output, operators: nodesOf([output]).map(({ operator }) => operator.name) };
}

function targetOf(parts: Parts): readonly number[] | undefined {
  const { output } = imported(parts);
  const target = output.source.kind === "node" ? output.source.node.inputs[1] : undefined;
  return target && constantNumbers(target);
}

const images = { x: ["N", 3, 4, 4] };

describe("shape arithmetic in a file", () => {
  const flatten: readonly Node[] = [
    node("Shape", "x", "shape"),
    node("Constant", "", "zero", { value: long(0) }),
    node("Gather", "shape zero", "count", { axis: i(0) }),
    node("Constant", "", "at", { value_ints: ints(0) }),
    node("Unsqueeze", "count at", "first"),
    node("Constant", "", "rest", { value_ints: ints(-1) }),
    node("Concat", "first rest", "target", { axis: i(0) }),
    node("Reshape", "x target", "y"),
  ];

  it("x.view(x.size(0), -1) becomes a Reshape to a constant shape, for any number of images", async () => {
    const parts = { opset: 13, nodes: flatten, inputs: images };
    expect(imported(parts).operators).toEqual(["Reshape"]);
    expect(targetOf(parts)).toEqual([0, -1]);
    expect(imported(parts).output.shape).toEqual(["N", 48]);
    const x = randomTensor("x", [5, 3, 4, 4], { low: -1, high: 1 });
    const [y] = await run(rewritten(file(parts)), { x });
    expect(y?.shape).toEqual([5, 48]);
    expect(y?.numbers).toEqual(x.numbers);
  });

  it("x.view(-1, x.size(1), x.size(2) * x.size(3)) is computed where the lengths are known", () => {
    const nodes = [
      node("Shape", "x", "channels", { start: i(1), end: i(2) }),
      node("Shape", "x", "sides", { start: i(2) }),
      node("ReduceProd", "sides", "area", { keepdims: i(1) }),
      node("Constant", "", "any", { value_ints: ints(-1) }),
      node("Concat", "any channels area", "target", { axis: i(0) }),
      node("Reshape", "x target", "y"),
    ];
    expect(targetOf({ opset: 18, nodes, inputs: images })).toEqual([-1, 3, 16]);
    expect(imported({ opset: 18, nodes, inputs: { x: ["N", 3, "H", "W"] } }).output.shape).toEqual(["N", 3, "H*W"]);
  });

  it("a target keeps its meaning where zeros are lengths", () => {
    const zeros = flatten.map((each) => (each.op === "Reshape" ? { ...each, attributes: { allowzero: i(1) } } : each));
    const parts = { opset: 18, nodes: zeros, inputs: images };
    expect(imported(parts).output.shape).toEqual(["N", 48]);
    const empty = [
      node("Constant", "", "none", { value_ints: ints(0, 5) }),
      node("Reshape", "x none", "y", { allowzero: i(1) }),
    ];
    expect(imported({ opset: 18, nodes: empty, inputs: { x: [0, 3] } }).output.shape).toEqual([0, 5]);
  });

  it("a Squeeze without axes never drops the images, be it one", async () => {
    const parts = { opset: 13, nodes: [node("Squeeze", "x", "y")], inputs: { x: ["N", 3, 1, 1] } };
    const [y] = await run(rewritten(file(parts)), { x: randomTensor("x", [1, 3, 1, 1], { low: -1, high: 1 }) });
    expect(y?.shape).toEqual([1, 3]);
  });

  it("a class token is repeated for each image through a computed Expand", async () => {
    const nodes = [
      node("Shape", "x", "count", { start: i(0), end: i(1) }),
      node("Constant", "", "rest", { value: longs(-1, -1) }),
      node("Concat", "count rest", "wanted", { axis: i(0) }),
      node("Constant", "", "three", { value_ints: ints(3) }),
      node("ConstantOfShape", "three", "ones", { value: longs(1) }),
      node("Constant", "", "minus", { value_int: i(-1) }),
      node("Mul", "ones minus", "keep"),
      node("Equal", "wanted keep", "kept"),
      node("Where", "kept ones wanted", "target"),
      node("Expand", "token target", "tokens"),
      node("Constant", "", "lengths", { value_ints: ints(0, 3, 16) }),
      node("Reshape", "x lengths", "patches"),
      node("Concat", "tokens patches", "y", { axis: i(1) }),
    ];
    const parts = {
      opset: 15,
      nodes,
      inputs: images,
      weights: { token: randomTensor("t", [1, 1, 16], { low: 0, high: 1 }) },
    };
    expect(imported(parts).output.shape).toEqual(["N", 4, 16]);
    const [y] = await run(rewritten(file(parts)), { x: randomTensor("x", [2, 3, 4, 4], { low: -1, high: 1 }) });
    expect(y?.shape).toEqual([2, 4, 16]);
  });

  it("the pads of torch.nn.functional.pad are computed: built, reversed and reordered", () => {
    const nodes = [
      node("Constant", "", "four", { value_ints: ints(4) }),
      node("ConstantOfShape", "four", "zeros", { value: longs(0) }),
      node("Constant", "", "given", { value_ints: ints(1, 2, 3, 4) }),
      node("Concat", "given zeros", "all", { axis: i(0) }),
      node("Constant", "", "pairs", { value_ints: ints(-1, 2) }),
      node("Reshape", "all pairs", "rows"),
      node("Constant", "", "zero", { value_ints: ints(0) }),
      node("Constant", "", "minus", { value_ints: ints(-1) }),
      node("Constant", "", "low", { value_ints: ints(-(2 ** 53 - 1)) }),
      node("Slice", "rows minus low zero minus", "reversed"),
      node("Transpose", "reversed", "columns", { perm: ints(1, 0) }),
      node("Reshape", "columns minus", "flat"),
      node("Cast", "flat", "pads", { to: i(7) }),
      node("Pad", "x pads", "y"),
    ];
    expect(targetOf({ opset: 15, nodes })).toEqual([0, 0, 3, 1, 0, 0, 4, 2]);
  });

  it("sizes for Resize are computed in floats", () => {
    const nodes = [
      node("Shape", "x", "sides", { start: i(2) }),
      node("Cast", "sides", "real", { to: i(1) }),
      node("Constant", "", "half", { value_float: f(0.6) }),
      node("Mul", "real half", "scaled"),
      node("Floor", "scaled", "whole"),
      node("Cast", "whole", "target", { to: i(7) }),
      node("Shape", "x", "front", { end: i(2) }),
      node("Concat", "front target", "sizes", { axis: i(0) }),
      node("Resize", "x - - sizes", "y"),
    ];
    expect(imported({ opset: 18, nodes }).output.shape).toEqual([2, 3, 2, 2]);
  });

  it("a transposed or reshaped weight is a weight", async () => {
    const weights = { w: randomTensor("w", [2, 4, 3], { low: -1, high: 1 }), shape: Tensor.int64([2, 12]) };
    const nodes = [
      node("Reshape", "w shape", "flat"),
      node("Transpose", "flat", "turned"),
      node("MatMul", "x turned", "y"),
    ];
    const parts = { opset: 13, nodes, inputs: { x: [3, 12] }, weights };
    expect(imported(parts).operators).toEqual(["MatMul"]);
    const feeds = { x: randomTensor("x", [3, 12], { low: -1, high: 1 }) };
    const [found] = await run(rewritten(file(parts)), feeds);
    const [expected] = await run(file(parts), feeds);
    expect(found?.numbers).toEqual(expected?.numbers);
  });

  it("constants come in every form", () => {
    const forms = [
      [{ value: tensor(Tensor.float32([2], [1, 2])) }, [2], [1, 2]],
      [{ value_float: f(1.5) }, [], [1.5]],
      [{ value_floats: floats(1.5, 2.5) }, [2], [1.5, 2.5]],
      [{ value_int: i(3) }, [], [3]],
      [{ value_ints: ints(3, 4) }, [2], [3, 4]],
    ] as const;
    for (const [attributes, shape, numbers] of forms) {
      const { output } = imported({ opset: 13, nodes: [node("Constant", "", "y", attributes)] });
      expect([output.shape, constantNumbers(output)]).toEqual([shape, numbers]);
    }
    const range = [
      node("Constant", "", "a", { value_int: i(1) }),
      node("Constant", "", "b", { value_int: i(9) }),
      node("Constant", "", "c", { value_int: i(3) }),
      node("Range", "a b c", "y"),
    ];
    expect(constantNumbers(imported({ opset: 13, nodes: range }).output)).toEqual([1, 4, 7]);
  });
});

describe("a branch", () => {
  const branch = (op: string, initializers: Graph["initializers"] = new Map()): Graph => ({
    name: op,
    inputs: [],
    outputs: [{ name: "out", dtype: "float32", shape: undefined }],
    valueInfos: [],
    nodes: [node(op, "x", "out")],
    initializers,
  });
  const chosen = { then_branch: graph(branch("Relu")), else_branch: graph(branch("Neg")) };

  it("is taken when its condition is constant: a shape's, say", () => {
    const nodes = (length: number) => [
      node("Shape", "x", "lengths", { start: i(1), end: i(2) }),
      node("Constant", "", "wanted", { value_ints: ints(length) }),
      node("Equal", "lengths wanted", "same"),
      node("If", "same", "y", chosen),
    ];
    expect(imported({ opset: 15, nodes: nodes(3), inputs: images }).operators).toEqual(["Relu"]);
    expect(imported({ opset: 15, nodes: nodes(4), inputs: images }).operators).toEqual(["Neg"]);
  });
});
