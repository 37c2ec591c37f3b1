import { expect, it } from "vitest";
import { spreadOf } from "./spread.ts";

it("a spread has the sample's deviation, none of a single value", () => {
  expect(spreadOf([1, 2, 3])).toEqual({ mean: 2, deviation: 1 });
  expect(spreadOf([5])).toEqual({ mean: 5, deviation: undefined });
});
