import { describe, expect, it } from "vitest";
import { relu } from "../ops/activations.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { evaluate, randomTensor } from "../ops/operators.fixture.ts";
import { matmul } from "../ops/products.ts";
import { reduceSum } from "./coreOperators.ts";
import { differentiate } from "./differentiate.ts";
import { inputsOf, partition } from "./partition.ts";
import { nodesOf } from "./traverse.ts";
import { input } from "./value.ts";

const x = input("x", "float32", [4, 3]);
const [first, second, third] = [3, 5, 5].map((rows, i) => input(`w${i}`, "float32", [rows, 5]));
const low = relu(matmul(x, first));
const high = relu(matmul(low, second));
// A residual connection around the part that is trained: one value crosses, though two nodes use it.
const loss = reduceSum(mul(add(matmul(high, third), high), high), { keepdims: 0 });
const feeds = Object.fromEntries(
  [x, first, second, third].map((value, i) => {
    const name = i === 0 ? "x" : `w${i - 1}`;
    return [name, randomTensor(name, value.staticShape, { low: -1, high: 1 })];
  }),
);

describe("a graph in two parts", () => {
  it("is cut once before the first trained parameter, and gives the same loss and gradient", async () => {
    const { frontier, received, outputs } = partition([loss], [third], [x]);
    expect(frontier).toEqual([high]);
    expect(inputsOf(outputs)).toEqual(expect.arrayContaining([third, ...received]));
    expect(inputsOf(outputs)).not.toContain(first);
    const [whole] = differentiate(loss, [third]);
    const expected = await evaluate([x, first, second, third], { loss, gradient: whole }, feeds);
    const { w2: _own, ...lower } = feeds;
    const { frozen } = await evaluate([x, first, second], { frozen: high }, lower);
    const [rest] = differentiate(outputs[0], [third]);
    const actual = await evaluate(
      [received[0], third],
      { loss: outputs[0], gradient: rest },
      {
        "frozen.0": frozen,
        w2: feeds["w2"],
      },
    );
    expect(actual["loss"].floats).toEqual(expected["loss"].floats);
    expect(actual["gradient"].floats).toEqual(expected["gradient"].floats);
  });

  it("has no frozen part when the first layer is trained, and nothing but one when nothing is", () => {
    const all = partition([loss], [first], [x]);
    expect(all.frontier).toEqual([]);
    expect(all.outputs).toEqual([loss]);
    const none = partition([loss], [], [x]);
    expect(none.frontier).toEqual([loss]);
    expect(nodesOf(none.outputs)).toEqual([]);
  });

  it("keeps what depends on frozen parameters alone with the rest", () => {
    const penalty = reduceSum(mul(second, second), { keepdims: 0 });
    const { frontier } = partition([add(loss, penalty)], [third], [x]);
    expect(frontier).toEqual([high]);
  });
});
