import { expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { input, type Value } from "../graph/value.ts";
import { mul } from "./arithmetic.ts";
import { reverseGradient, stopGradient } from "./gradientControl.ts";
import { evaluate } from "./operators.fixture.ts";
import { reduceSum } from "./reductions.ts";

const x = input("x", "float32", [3]);
const strength = input("strength", "float32", []);
const feeds = { x: Tensor.float32([3], [1, -2, 3]), strength: Tensor.float32([], [0.25]) };

/** The value and the gradient of Σ control(x)·x. */
async function throughProduct(control: (x: Value) => Value) {
  const loss = reduceSum(mul(control(x), x), { keepdims: 0 });
  const [gradient] = differentiate(loss, [x]);
  const unused = mul(strength, 1);
  return evaluate([x, strength], { value: loss, gradient, unused }, feeds);
}

it("stops a gradient and keeps the value", async () => {
  const { value, gradient } = await throughProduct(stopGradient);
  expect(value.floats[0]).toBe(14);
  expect([...gradient.floats]).toEqual([1, -2, 3]);
});

it("reverses a gradient by a strength that may be fed, and keeps the value", async () => {
  for (const by of [0.25, strength]) {
    const { value, gradient } = await throughProduct((given) => reverseGradient(given, by));
    expect(value.floats[0]).toBe(14);
    expect([...gradient.floats]).toEqual([0.75, -1.5, 2.25]);
  }
});
