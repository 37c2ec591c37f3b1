import { expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { fittingWeights } from "./fitting.ts";

it("takes layers whose tensors all have the same name and shape and lists the others, in the model's order", () => {
  const given = new Map([
    ["conv/kernel", Tensor.float32([2, 3], [1, 2, 3, 4, 5, 6])],
    ["head/kernel", Tensor.float32([3, 2], [1, 2, 3, 4, 5, 6])],
    ["head/bias", Tensor.float32([4], [1, 2, 3, 4])],
    ["steps", Tensor.int64([1])],
    ["unused", Tensor.float32([1], [1])],
  ]);
  const parameters = [
    { path: "head/kernel", shape: [3, 4] },
    { path: "conv/kernel", shape: [2, 3] },
    { path: "steps", shape: [1] },
    { path: "head/bias", shape: [4] },
  ];
  const { taken, left } = fittingWeights(parameters, (path) => given.get(path));
  expect([...taken.keys()]).toEqual(["conv/kernel"]);
  expect(taken.get("conv/kernel")).toBe(given.get("conv/kernel"));
  expect(left).toEqual(["head/kernel", "steps", "head/bias"]);
});
