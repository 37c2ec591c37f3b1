import { expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { input, type Value } from "../graph/value.ts";
import { and, argMax, argMin, equal, greaterOrEqual, lessOrEqual, or, xor } from "./comparison.ts";
import { evaluate } from "./operators.fixture.ts";
import { not } from "./selection.ts";

const x = input("x", "float32", [2, 3]);
const row = input("row", "float32", [3]);
const high = greaterOrEqual(x, row);
const low = lessOrEqual(x, row);
const cases: Readonly<Record<string, readonly [value: Value, numbers: readonly number[]]>> = {
  GreaterOrEqual: [high, [0, 1, 1, 1, 1, 0]],
  LessOrEqual: [low, [1, 1, 0, 0, 1, 1]],
  Equal: [equal(x, row), [0, 1, 0, 0, 1, 0]],
  And: [and(high, low), [0, 1, 0, 0, 1, 0]],
  Or: [or(high, low), [1, 1, 1, 1, 1, 1]],
  Xor: [xor(high, low), [1, 0, 1, 1, 0, 1]],
  Not: [not(high), [1, 0, 0, 0, 0, 1]],
  "ArgMax, last axis, dropped": [argMax(x, { axis: -1, keepdims: 0 }), [2, 0]],
  "ArgMin, first axis, kept": [argMin(x, { axis: 0 }), [0, 0, 1]],
};

it.each(Object.entries(cases))(
  "%s has the type and the numbers that the runtime gives",
  async (_, [value, numbers]) => {
    const feeds = { x: Tensor.float32([2, 3], [1, 2, 4, 5, 2, 0]), row: Tensor.float32([3], [3, 2, 1]) };
    const { y } = await evaluate([x, row], { y: value }, feeds);
    expect(y.numbers.map(Number)).toEqual(numbers);
    expect({ dtype: y.dtype, shape: y.shape }).toEqual({ dtype: value.dtype, shape: value.shape });
  },
);

it("ArgMax refuses an axis that is not there", () => {
  expect(() => argMax(x, { axis: 2 })).toThrow("ArgMax: axis 2 is outside a tensor of rank 2.");
});
