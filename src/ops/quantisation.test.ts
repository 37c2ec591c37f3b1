import { expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { constant, constantOf, input, scalar } from "../graph/value.ts";
import { mul } from "./arithmetic.ts";
import { evaluate } from "./operators.fixture.ts";
import { dequantizeLinear, quantizeLinear, straightThrough } from "./quantisation.ts";
import { reduceSum } from "./reductions.ts";

it("rounds values and lets gradients through as if it did not", async () => {
  const x = input("x", "float32", [4]);
  const zeroPoint = constant(Tensor.of("uint8", [], Uint8Array.of(128)));
  const quantised = dequantizeLinear(quantizeLinear(x, scalar(0.25), zeroPoint), scalar(0.25), zeroPoint);
  const [y] = straightThrough([quantised]);
  const loss = reduceSum(mul(y, constantOf("float32", [4], [1, 2, 3, 4])), { keepdims: 0 });
  const [gradient] = differentiate(loss, [x]);
  const results = await evaluate([x], { y, gradient }, { x: Tensor.float32([4], [0.1, 0.3, -0.9, 0.5]) });
  expect([...results["y"].floats]).toEqual([0, 0.25, -1, 0.5]);
  expect([...results["gradient"].floats]).toEqual([1, 2, 3, 4]);
});
