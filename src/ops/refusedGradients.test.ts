import { expect, it } from "vitest";
import { differentiate } from "../graph/differentiate.ts";
import { constantOf, type Value } from "../graph/value.ts";
import { einsum } from "./einsum.ts";
import { gridSample } from "./gridSample.ts";
import { scatterElements, scatterND } from "./indexing.ts";
import { lrn } from "./layerNormalisation.ts";
import { batchNormalization } from "./normalisation.ts";
import { floatInput } from "./operators.fixture.ts";
import { reduceSum } from "./reductions.ts";

const indices = constantOf("int64", [1, 1], [0]);
const ones = constantOf("float32", [2], [1, 1]);
const updates = constantOf("float32", [1, 1], [2]);

/** Forms that run but have no gradient: each says so instead of giving a wrong one. */
const refused: readonly (readonly [
  title: string,
  shape: readonly number[],
  build: (x: Value) => Value,
  message: RegExp,
])[] = [
  ["a diagonal", [3, 3], (x) => einsum(x, { equation: "ii->i" }), /Einsum "ii->i" takes a diagonal/],
  [
    "a product scattered",
    [3, 3],
    (x) => scatterElements(x, indices, updates, { reduction: "mul" }),
    /ScatterElements with reduction "mul" has no gradient; expected "none" or "add"/,
  ],
  [
    "a maximum scattered",
    [3, 1],
    (x) => scatterND(x, indices, updates, { reduction: "max" }),
    /ScatterND with reduction "max"/,
  ],
  [
    "cubic sampling",
    [1, 1, 3, 3],
    (x) => gridSample(x, constantOf("float32", [1, 1, 1, 2], [0, 0]), { mode: "cubic" }),
    /no gradient for rank 4 and mode "cubic"/,
  ],
  [
    "a running mean",
    [3, 2],
    (x) => batchNormalization.outputs(x, ones, ones, ones, ones, { training_mode: 1 })[1],
    /the running statistics that BatchNormalization gives have no gradient/,
  ],
];

it.each(refused)("%s is refused", (_, shape, build, message) => {
  const x = floatInput("x", shape);
  expect(() => differentiate(reduceSum(build(x), { keepdims: 0 }), [x])).toThrow(message);
});

it("LRN refuses what the runtime cannot run", () => {
  expect(() => lrn(floatInput("x", [1, 3, 5]), { size: 3 })).toThrow("LRN: [1,3,5] is not [N, C, H, W].");
  expect(() => lrn(floatInput("x", [1, 3, 5, 5]), { size: 4 })).toThrow("LRN: size 4 must be odd.");
});
