import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { substitute } from "../graph/substitute.ts";
import { input, type Value } from "../graph/value.ts";
import type { Attribute, Graph, Node } from "../onnx/model.ts";
import { readModel } from "../onnx/read.ts";
import { mul } from "./arithmetic.ts";
import { f, file, graph, i, ints, node, type Parts, rewritten, run } from "./importModel.fixture.ts";
import { importModel } from "./importModel.ts";
import { evaluate, floatInput } from "./operators.fixture.ts";
import { reduceSum } from "./reductions.ts";

/** A branch of these nodes. Its outputs are the names in `outputs`, which it may also capture. */
function inner(outputs: string, nodes: readonly Node[], weights: Readonly<Record<string, Tensor>> = {}): Attribute {
  const value: Graph = {
    name: "inner",
    inputs: [],
    outputs: outputs.split(" ").map((name) => ({ name, dtype: "float32", shape: undefined })),
    valueInfos: [],
    nodes,
    initializers: new Map(Object.entries(weights)),
  };
  return graph(value);
}

/** A branch that passes a value on: through a Cast, as the runtime takes no captured value for an output. Graft drops it. */
const same = (captured: string) => inner("out", [node("Cast", captured, "out", { to: i(1) })]);

/** `positive`: whether the largest entry of x is over 0, which only a run tells. */
const condition = [
  node("ReduceMax", "x", "largest", { keepdims: i(0) }),
  node("Greater", "largest zero", "positive"),
  node("Exp", "x", "outer"),
];
const zero = Tensor.float32([], [0]);
const choice = (outputs: string, then_branch: Attribute, else_branch: Attribute) =>
  node("If", "positive", outputs, { then_branch, else_branch });

const cases: Readonly<Record<string, Pick<Parts, "nodes"> & Partial<Parts>>> = {
  "captures an input, a computed value and weights": {
    nodes: [
      ...condition,
      choice(
        "y",
        inner("sum", [node("Mul", "x w", "scaled"), node("Add", "scaled outer", "sum")]),
        inner("own", [node("Mul", "x own_w", "own")], { own_w: Tensor.float32([1], [3]) }),
      ),
    ],
  },
  "gives what is there already": {
    nodes: [...condition, choice("y", same("outer"), inner("w_alone", [], { w_alone: Tensor.float32([2], [1, 2]) }))],
  },
  "holds operators in an older form": {
    nodes: [
      ...condition,
      choice(
        "y",
        inner("cut", [node("Clip", "x", "cut", { min: f(-0.5), max: f(0.5) })]),
        inner("wide", [
          node("Unsqueeze", "outer", "a", { axes: ints(0) }),
          node("Squeeze", "a", "wide", { axes: ints(0) }),
        ]),
      ),
    ],
  },
  "gives two outputs, used by later nodes": {
    nodes: [
      ...condition,
      choice(
        "a b",
        inner("p q", [node("Neg", "x", "p"), node("Neg", "outer", "q")]),
        inner("r s", [node("Abs", "x", "r"), node("Mul", "r r", "s")]),
      ),
      node("Sub", "a b", "y"),
    ],
  },
  "holds another, whose condition it computes": {
    nodes: [
      ...condition,
      choice(
        "y",
        inner("nested", [
          node("Greater", "largest one", "positive2"),
          node("If", "positive2", "nested", {
            then_branch: inner("deep", [node("Add", "outer x", "deep")]),
            else_branch: same("x"),
          }),
        ]),
        inner("minus", [node("Neg", "outer", "minus")]),
      ),
    ],
    weights: { one: Tensor.float32([], [1]) },
  },
};

/** Inputs that take each branch, the inner ones too. */
const feeds = [
  [-1, -2],
  [0.25, -2],
  [0.5, 3],
].map((values) => ({ x: Tensor.float32([2], values) }));

const fileOf = (parts: Pick<Parts, "nodes"> & Partial<Parts>) =>
  file({
    opset: 9,
    inputs: { x: [2] },
    outputs: ["y"],
    ...parts,
    weights: { zero, w: Tensor.float32([1], [2]), ...parts.weights },
  });

describe("a branch with a computed condition", () => {
  it.each(Object.entries(cases))("that %s runs as in the file", async (_, parts) => {
    const bytes = fileOf(parts);
    for (const feed of feeds) {
      const [expected] = await run(bytes, feed);
      const [found] = await run(rewritten(bytes), feed);
      expect(found?.shape).toEqual(expected?.shape);
      expect([...(found?.floats ?? [])]).toEqual([...(expected?.floats ?? [])]);
    }
  });

  it("keeps its shapes where both give the same, and follows the shapes that it is fed", () => {
    const relu = inner("up", [node("Relu", "x", "up")]);
    const pad = inner("joined", [node("Concat", "x x", "joined", { axis: i(1) })]);
    const nodes = [...condition, choice("y", relu, inner("z", [node("Neg", "x", "z")])), choice("v", relu, pad)];
    const parts = { nodes, inputs: { x: ["N", 3] }, outputs: ["y", "v"] };
    const { inputs, outputs } = importModel(readModel(fileOf(parts)));
    expect([...outputs.values()].map(({ shape }) => shape)).toEqual([
      ["N", 3],
      ["N", "(3|6)"],
    ]);
    const fed = substitute([...outputs.values()], new Map(inputs.map((value) => [value, floatInput("x", [4, 3])])));
    expect(fed.map(({ shape }) => shape)).toEqual([
      [4, 3],
      [4, "(3|6)"],
    ]);
  });

  it("is refused when its graphs give unlike numbers of outputs", () => {
    const nodes = [...condition, choice("y", inner("x outer", []), inner("x", []))];
    expect(() => importModel(readModel(fileOf({ nodes })))).toThrow(
      /node "y" \(If\): its branches give another number of outputs/,
    );
  });
});

describe("the gradient of what a branch gives", () => {
  const [x, weight] = [floatInput("x", [2]), floatInput("weight", [2])];
  const imported = (over: Value) => {
    const branches = choice("y", inner("sum", [node("Add", "x outer", "sum")]), inner("up", [node("Neg", "x", "up")]));
    const { inputs, outputs } = importModel(readModel(fileOf({ nodes: [...condition, branches] })));
    return substitute([...outputs.values()], new Map(inputs.map((value) => [value, over])))[0];
  };
  const total = (y: Value) => reduceSum(y, { keepdims: 0 });

  it("is no matter before the first trained parameter", async () => {
    const [gradient] = differentiate(total(mul(imported(x), weight)), [weight]);
    for (const feed of feeds) {
      const result = await evaluate([x, weight], { gradient }, { ...feed, weight: feed.x });
      const [a, b] = feed.x.floats;
      const chosen = Math.max(a, b) > 0 ? [a + Math.exp(a), b + Math.exp(b)] : [-a, -b];
      for (const [at, value] of chosen.entries()) expect(result["gradient"]?.floats[at]).toBeCloseTo(value, 5);
    }
  });

  it("is no matter where only the condition depends on a parameter", () => {
    const learned = input("learned", "float32", []);
    const nodes = [
      node("Greater", "learned zero", "positive"),
      choice("y", inner("up", [node("Neg", "x", "up")]), inner("x", [])),
    ];
    const { inputs, outputs } = importModel(readModel(fileOf({ nodes, inputs: { x: [2], learned: [] } })));
    const bound = new Map(inputs.map((value, at) => [value, at === 0 ? x : learned]));
    const [y] = substitute([...outputs.values()], bound);
    const [gradient, other] = differentiate(total(mul(y, weight)), [learned, weight]);
    expect([gradient.shape, other.shape]).toEqual([[], [2]]);
  });

  it("is refused on the path, with the node and with what to freeze", () => {
    expect(() => differentiate(total(imported(mul(x, weight))), [weight])).toThrow(
      'If (node "y") lies between a trainable parameter and the loss, but has no gradient. ' +
        'Freeze everything up to output 0 of Greater "positive" and output 0 of Mul and output 0 of Exp "outer", which it reads.',
    );
  });
});

it("a loop is refused where it is needed", () => {
  const body = inner("go x", []);
  const nodes = [node("Constant", "", "count", { value_int: i(2) }), node("Loop", "count - x", "y", { body })];
  expect(() => rewritten(file({ opset: 13, nodes, inputs: { x: [2] }, declared: [2] }))).toThrow(
    /node "y" \(Loop\) runs a graph of its own, which Graft does not rebuild. Export the model/,
  );
});
