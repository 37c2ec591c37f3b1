import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { GraftError } from "../base/errors.ts";
import type { Shape } from "../base/shapes.ts";
import { Tensor } from "../base/tensor.ts";
import type { Graph, Model, Node, ValueInfo } from "../onnx/model.ts";
import { ModelProtoSchema, TensorProtoSchema } from "../onnx/onnx_pb.ts";
import { readModel } from "../onnx/read.ts";
import { writeModel } from "../onnx/write.ts";
import { file, graph, i, ints, node, type Parts, rewritten, run, tensor } from "./importModel.fixture.ts";
import { importModel } from "./importModel.ts";
import { randomTensor } from "./operators.fixture.ts";
import { processorMs } from "./processorTime.fixture.ts";

/** What importing says, which must be a GraftError within a second. */
function refusal(bytes: Uint8Array): string {
  const start = processorMs();
  try {
    importModel(readModel(bytes, "bad.onnx"), { fileName: "bad.onnx" });
  } catch (error) {
    expect(error).toBeInstanceOf(GraftError);
    expect(processorMs() - start).toBeLessThan(1000);
    return error instanceof Error ? error.message : "";
  }
  return "";
}

const chain = (count: number, make: (from: string, to: string) => Node): readonly Node[] =>
  Array.from({ length: count }, (_, at) => make(at === 0 ? "x" : `v${at - 1}`, `v${at}`));

describe("a model file", () => {
  it.each<readonly [string, Partial<Parts>, RegExp]>([
    [
      "a name that is defined twice",
      { nodes: [node("Relu", "x", "y"), node("Neg", "x", "y")] },
      /defines "y" twice, the second time by node "y" \(Neg\)/,
    ],
    ["a node that takes an input's name", { nodes: [node("Relu", "x", "x")] }, /defines "x" twice/],
    [
      "a cycle",
      { nodes: [node("Relu", "b", "a"), node("Relu", "a", "b")] },
      /node "a" \(Relu\) uses "b", which nothing before defines: the file is cyclic/,
    ],
    ["an output that nothing gives", { nodes: [], outputs: ["y"] }, /the graph's outputs use "y"/],
    [
      "shapes that do not fit",
      { nodes: [node("Reshape", "x shape", "y")], weights: { shape: Tensor.int64([5, 5]) } },
      /"bad.onnx": node "y": Reshape: 96 elements of \[2,3,4,4\] do not fill \[5,5\]/,
    ],
    [
      "an axis outside",
      { nodes: [node("Softmax", "x", "y", { axis: i(9) })] },
      /Softmax: axis 9 is outside a tensor of rank 4/,
    ],
    ["an input left out", { nodes: [node("Conv", "x", "y")] }, /node "y" \(Conv\): Conv: the input "w" is missing/],
    ["operands of the wrong rank", { nodes: [node("BatchNormalization", "x x x x x", "y")] }, /node "y"/],
    [
      "a branch without a graph",
      {
        nodes: [node("If", "c", "y", { then_branch: ints(1) })],
        weights: { c: new Tensor("bool", [], Uint8Array.of(1)) },
      },
      /^$/,
    ],
    [
      "an impossible shape",
      {
        nodes: [node("Unsqueeze", "x axes", "y")],
        weights: { axes: Tensor.int64(Array.from({ length: 100 }, (_, at) => at)) },
      },
      /node "y" \(Unsqueeze\): it would give a tensor of the impossible shape/,
    ],
    [
      "a tensor larger than any memory",
      { nodes: [node("Expand", "x shape", "y")], weights: { shape: Tensor.int64([2 ** 40, 2 ** 40, 1, 1, 1, 1]) } },
      /impossible shape/,
    ],
  ])("with %s is refused by name", (_, parts, message) => {
    expect(refusal(file({ opset: 13, nodes: [], ...parts }))).toMatch(message);
  });

  it("that asks for a huge constant does not get it", () => {
    const huge = (shape: readonly number[]) => [
      node("Constant", "", "shape", { value: tensor(Tensor.int64(shape)) }),
      node("ConstantOfShape", "shape", "y"),
      node("Relu", "x", "z"),
    ];
    expect(refusal(file({ opset: 13, nodes: huge([2 ** 30, 2 ** 20]) }))).toBe("");
    const long = [
      node("Constant", "", "a", { value_int: i(0) }),
      node("Constant", "", "b", { value_int: i(2 ** 52) }),
      node("Constant", "", "c", { value_int: i(1) }),
      node("Range", "a b c", "y"),
      node("Relu", "x", "z"),
    ];
    expect(refusal(file({ opset: 13, nodes: long }))).toBe("");
  });

  it("whose lengths double at every node stays quick", () => {
    const nodes = chain(400, (from, to) => node("Concat", `${from} ${from}`, to, { axis: i(0) }));
    expect(refusal(file({ opset: 13, nodes, inputs: { x: ["N", "H"] } }))).toBe("");
    expect(refusal(file({ opset: 13, nodes }))).toMatch(/impossible shape/);
  });

  it("with constants that double at every node stays quick", () => {
    const weights = { x: Tensor.int64(new Array<number>(4096).fill(1)) };
    const add = chain(5000, (from, to) => node("Add", `${from} ${from}`, to));
    expect(refusal(file({ opset: 13, nodes: add, inputs: {}, weights }))).toBe("");
    const fed = chain(10_000, (from, to) => node("Add", `${from} w`, to));
    const large = { w: Tensor.float32([4096], new Array<number>(4096).fill(1)) };
    expect(refusal(file({ opset: 13, nodes: fed, inputs: { x: [4096] }, weights: large }))).toBe("");
  });

  it("with a million axes at every node is refused", () => {
    const nodes = chain(2000, (from, to) => node("Squeeze", `${from} axes`, to));
    const weights = { axes: new Tensor("int64", [1_000_000], new Uint8Array(8_000_000)) };
    expect(refusal(file({ opset: 13, nodes, weights }))).toMatch(/node "v0" \(Squeeze\): input 1 has 1000000 entries/);
  });

  it("of twenty thousand nodes is read in a second", () => {
    const nodes = chain(20_000, (from, to) => node("Relu", from, to));
    const bytes = file({ opset: 13, nodes });
    const start = processorMs();
    importModel(readModel(bytes));
    expect(processorMs() - start).toBeLessThan(1000);
  });

  it("with graphs nested without end is refused", () => {
    let inner: Graph = { name: "g", inputs: [], outputs: [], valueInfos: [], nodes: [], initializers: new Map() };
    const condition = new Map([["c", new Tensor("bool", [], Uint8Array.of(1))]]);
    for (let depth = 0; depth < 60; depth++) {
      const branch = graph(inner);
      const outer = node("If", "c", "", { then_branch: branch, else_branch: branch.type === "graph" ? i(0) : branch });
      inner = { ...inner, nodes: [outer], initializers: depth === 59 ? condition : new Map() };
    }
    const opsets = new Map([["", 13]]);
    const model: Model = { irVersion: 8, opsets, producer: "", metadata: new Map(), graph: inner };
    expect(refusal(writeModel(model))).toMatch(/"bad.onnx" is not a whole ONNX file: .*maximum recursion depth/);
  });

  it("may list its weights among the inputs, as files before IR version 4 must", async () => {
    const weights = { w: Tensor.float32([1], [2]) };
    const parts: Parts = { opset: 8, nodes: [node("Mul", "x w", "y")], weights, inputs: { x: [2], w: [1] } };
    expect(
      importModel(readModel(file(parts))).inputs.map(({ source }) => source.kind === "input" && source.name),
    ).toEqual(["x"]);
    const [y] = await run(rewritten(file(parts)), { x: Tensor.float32([2], [1, 3]) });
    expect(y?.numbers).toEqual([2, 6]);
  });

  it("keeps the names of lengths, and names the nameless", () => {
    const { inputs } = importModel(
      readModel(file({ opset: 13, nodes: [node("Relu", "x", "y")], inputs: { x: ["batch", 3, undefined, 8] } })),
    );
    expect(inputs[0]?.shape).toEqual(["batch", 3, "x.2", 8]);
  });

  it("written for one image takes many when its input is given anew", () => {
    const nodes = [node("Reshape", "x flat", "y"), node("Reshape", "x open", "z")];
    const weights = { flat: Tensor.int64([1, 48]), open: Tensor.int64([1, -1]) };
    const bytes = file({ opset: 13, nodes, inputs: { x: [1, 3, 4, 4] }, weights, outputs: ["y", "z"] });
    const { outputs } = importModel(readModel(bytes), { shapes: new Map([["x", ["N", 3, 4, 4]]]) });
    expect([...outputs.values()].map(({ shape }) => shape)).toEqual([
      ["N", 48],
      ["N", 48],
    ]);
  });

  it("may state types by other names than its input is given", () => {
    const nodes = [node("Strange", "x", "y")];
    const typed = (inputs: Parts["inputs"], declared: ValueInfo["shape"], now: Shape) => {
      const bytes = file({ opset: 13, nodes, inputs: inputs ?? {}, declared });
      return importModel(readModel(bytes), { shapes: new Map([["x", now]]) }).outputs.get("y")?.type?.shape;
    };
    expect(typed({ x: ["batch", 3] }, ["batch", "k", 7], ["N", 3])).toEqual(["N", "k", 7]);
    expect(typed({ x: [1, 3] }, [1, 1, 7], ["N", 3])).toEqual(["N", 1, 7]);
    expect(typed({ x: [1, 3, 8] }, [1, 1, 7], ["N", 3, 9])).toBeUndefined();
  });

  it("may use operators of a newer operator set than Graft writes", async () => {
    const bytes = file({ opset: 24, nodes: [node("Swish", "x", "y")], declared: [2, 3, 4, 4] });
    expect(readModel(rewritten(bytes)).opsets.get("")).toBe(24);
    const x = randomTensor("x", [2, 3, 4, 4], { low: -1, high: 1 });
    const [found] = await run(rewritten(bytes), { x });
    const [expected] = await run(bytes, { x });
    expect(found?.numbers).toEqual(expected?.numbers);
  });
});

describe("a model in other float types", () => {
  it("has its bfloat16 weights as float32", async () => {
    const proto = fromBinary(
      ModelProtoSchema,
      file({ opset: 13, nodes: [node("Add", "x w", "y")], inputs: { x: [2] } }),
    );
    const brain = { name: "w", dataType: 16, dims: [2n], rawData: Uint8Array.of(0x80, 0x3f, 0, 0xc0) };
    proto.graph?.initializer.push(create(TensorProtoSchema, brain));
    const [y] = await run(rewritten(toBinary(ModelProtoSchema, proto)), { x: Tensor.float32([2], [1, 2]) });
    expect(y?.numbers).toEqual([2, 0]);
  });

  it.each(["float16", "float64"] as const)("%s is float32 throughout once imported", async (dtype) => {
    const one = dtype === "float16" ? Uint16Array.of(0x3c00) : Float64Array.of(1);
    const code = dtype === "float16" ? 10 : 11;
    const info = (name: string): ValueInfo => ({ name, dtype, shape: [2] });
    const model: Model = {
      irVersion: 8,
      opsets: new Map([["", 13]]),
      producer: "",
      metadata: new Map(),
      graph: {
        name: "g",
        inputs: [info("x")],
        outputs: [info("y")],
        valueInfos: [info("a")],
        nodes: [
          node("Add", "x w", "a"),
          node("Cast", "a", "b", { to: i(1) }),
          node("Cast", "b", "c", { to: i(code) }),
          node("Constant", "", "k", { value: tensor(Tensor.of(dtype, [1], one)) }),
          node("Strange", "c", "unused", { to: i(code) }),
          node("Add", "c k", "y"),
        ],
        initializers: new Map([["w", Tensor.of(dtype, [1], one)]]),
      },
    };
    const bytes = writeModel(model);
    const { inputs, outputs } = importModel(readModel(bytes));
    expect([inputs[0]?.dtype, outputs.get("y")?.dtype]).toEqual(["float32", "float32"]);
    const [y] = await run(rewritten(bytes), { x: Tensor.float32([2], [1, 2.5]) });
    expect(y?.numbers).toEqual([3, 4.5]);
    expect(writeModel(readModel(bytes))).toEqual(bytes);
  });
});
