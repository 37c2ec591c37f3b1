import { describe, expect, it } from "vitest";
import { input } from "../graph/value.ts";
import { conv } from "./convolution.ts";
import { gemm, matmul } from "./products.ts";
import { multiplyAdds } from "./work.ts";

const of = (...shape: (number | string)[]) => input("x", "float32", shape);

describe("the work of a graph", () => {
  it.each([
    [
      "a convolution: 8·5·5 answers of 3·3·3 products",
      conv(of(1, 3, 5, 5), of(8, 3, 3, 3), undefined, { pads: [1, 1, 1, 1] }),
      5400,
    ],
    [
      "a depthwise one: one channel a filter",
      conv(of(1, 8, 5, 5), of(8, 1, 3, 3), undefined, { group: 8, pads: [1, 1, 1, 1] }),
      1800,
    ],
    ["a product of 2×3 and 3×4", matmul(of(2, 3), of(3, 4)), 24],
    ["the same transposed", gemm(of(3, 2), of(4, 3), undefined, { transA: 1, transB: 1 }), 24],
    ["an unknown batch", matmul(of("N", 3), of(3, 4)), Number.POSITIVE_INFINITY],
  ])("counts %s", (_, value, expected) => {
    expect(multiplyAdds([value])).toBe(expected);
  });
});
