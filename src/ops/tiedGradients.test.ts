import { expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { input, type Value } from "../graph/value.ts";
import { max, min } from "./arithmetic.ts";
import { evaluate } from "./operators.fixture.ts";
import { reduceL2, reduceMax, reduceSum } from "./reductions.ts";

const a = input("a", "float32", [4]);
const b = input("b", "float32", [4]);
const c = input("c", "float32", [4]);

/** Gradients of Σ y, as PyTorch gives them. */
async function gradients(y: Value, values: readonly number[], others: readonly number[]) {
  const [da, db] = differentiate(reduceSum(y, { keepdims: 0 }), [a, b]);
  const feeds = { a: Tensor.float32([4], values), b: Tensor.float32([4], others) };
  const results = await evaluate([a, b], { da, db }, feeds);
  return [[...results["da"].floats], [...results["db"].floats]];
}

it("halves the gradient between equal operands, infinite ones too", async () => {
  const [values, others] = [
    [1, 2, 3, Number.NEGATIVE_INFINITY],
    [2, 1, 3, Number.NEGATIVE_INFINITY],
  ];
  expect(await gradients(max(a, b), values, others)).toEqual([
    [0, 1, 0.5, 0.5],
    [1, 0, 0.5, 0.5],
  ]);
  expect(await gradients(min(a, b), values, others)).toEqual([
    [1, 0, 0.5, 0.5],
    [0, 1, 0.5, 0.5],
  ]);
});

it.each([
  ["largest", max, 1],
  ["smallest", min, -1],
] as const)("shares the gradient of the %s of many operands evenly", async (_, choose, sign) => {
  const gradientsOf = differentiate(reduceSum(choose(a, b, c, b), { keepdims: 0 }), [a, b, c]);
  const [da, db, dc] = gradientsOf;
  const infinite = sign * Number.POSITIVE_INFINITY;
  const feeds = {
    a: Tensor.float32([4], [sign, 2 * sign, 0, infinite]),
    b: Tensor.float32([4], [sign, sign, sign, infinite]),
    c: Tensor.float32([4], [sign, 2 * sign, -sign, 0]),
  };
  const results = await evaluate([a, b, c], { da, db, dc }, feeds);
  const third = Math.fround(1 / 3);
  // b counts twice: as in `torch.stack([a, b, c, b]).amax(0)`.
  expect([...results["da"].floats]).toEqual([0.25, 0.5, 0, third]);
  expect([...results["db"].floats]).toEqual([0.5, 0, 1, Math.fround(2 * third)]);
  expect([...results["dc"].floats]).toEqual([0.25, 0.5, 0, 0]);
});

it("shares the gradient of a maximum among equal entries", async () => {
  const [da] = await gradients(reduceMax(a, [0]), [3, 1, 3, 2], [0, 0, 0, 0]);
  expect(da).toEqual([0.5, 0, 0.5, 0]);
});

it("gives a norm of nothing the gradient 0", async () => {
  const [da] = await gradients(reduceL2(a, [0]), [0, 0, 0, 0], [0, 0, 0, 0]);
  expect(da).toEqual([0, 0, 0, 0]);
});
