import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { input, type Value } from "../graph/value.ts";
import { sigmoid, softmax } from "../ops/activations.ts";
import { mul } from "../ops/arithmetic.ts";
import { evaluate } from "../ops/operators.fixture.ts";
import { reduceSum } from "../ops/reductions.ts";
import { buildLoss, type Loss } from "./loss.ts";
import {
  binaryCrossentropy,
  categoricalCrossentropy,
  distillation,
  meanSquaredError,
  sparseCategoricalCrossentropy,
} from "./losses.ts";
import { Parameters, startBuild } from "./scope.ts";

const tensor = z.object({ shape: z.array(z.number()), data: z.array(z.number()), dtype: z.string().optional() });
const cases = z
  .array(
    z.object({
      name: z.string(),
      loss: z.enum(["crossEntropy", "binaryCrossEntropy", "meanSquaredError", "distillation"]),
      labelSmoothing: z.number().optional(),
      temperature: z.number().optional(),
      teacherShare: z.number().optional(),
      logits: tensor,
      targets: tensor,
      weights: z.array(z.number()).optional(),
      perSample: z.array(z.number()),
      gradient: tensor,
    }),
  )
  .parse(JSON.parse(readFileSync("test/reference/losses.json", "utf8")));

describe("losses and their gradients agree with PyTorch", () => {
  it.each(cases.filter(({ weights }) => weights === undefined).map((one) => [one.name, one] as const))(
    "%s",
    async (_, one) => {
      const logits = input("logits", "float32", one.logits.shape);
      const sparse = one.targets.dtype === "int32";
      const target = sparse
        ? Tensor.of("int32", one.targets.shape, Int32Array.from(one.targets.data))
        : Tensor.float32(one.targets.shape, one.targets.data);
      const { fed, perSample } = built(lossOf(one), predictionOf(one.loss, logits));
      const mean = mul(reduceSum(perSample, { keepdims: 0 }), 1 / (one.logits.shape[0] ?? 1));
      const [gradient] = differentiate(mean, [logits]);
      const feeds = { logits: Tensor.float32(one.logits.shape, one.logits.data), target };
      const result = await evaluate([logits, fed], { perSample, gradient }, feeds);
      expectClose(result["perSample"]?.floats, one.perSample);
      expectClose(result["gradient"]?.floats, one.gradient.data);
    },
  );
});

it("refuses label smoothing of 1 and a categorical loss on one output", () => {
  const one = input("p", "float32", [2, 1]);
  expect(() => built(categoricalCrossentropy(), one)).toThrow(/two classes or more.*binaryCrossentropy/s);
  const two = input("p", "float32", [2, 2]);
  expect(() => built(categoricalCrossentropy({ labelSmoothing: 1 }), two)).toThrow(/labelSmoothing 1/);
});

/** A loss on a prediction alone, without a network around it. */
function built(loss: Loss, prediction: Value) {
  return buildLoss(loss, prediction, startBuild(new Parameters()));
}

function lossOf(one: (typeof cases)[number]): Loss {
  const options = one.labelSmoothing === undefined ? {} : { labelSmoothing: one.labelSmoothing };
  const { temperature = 1, teacherShare = 0 } = one;
  if (one.loss === "distillation") return distillation({ temperature, teacherShare });
  if (one.loss === "meanSquaredError") return meanSquaredError();
  if (one.loss === "binaryCrossEntropy") return binaryCrossentropy(options);
  return one.targets.dtype === "int32" ? sparseCategoricalCrossentropy(options) : categoricalCrossentropy(options);
}

function predictionOf(loss: string, logits: Value): Value {
  if (loss === "crossEntropy" || loss === "distillation") return softmax(logits, { axis: 1 });
  return loss === "binaryCrossEntropy" ? sigmoid(logits) : logits;
}

/** float32 logarithms and sums: parts in a million of the largest value. */
function expectClose(actual: Float32Array | undefined, expected: readonly number[]): void {
  const scale = Math.max(1, ...expected.map(Math.abs));
  expected.forEach((value, i) => {
    expect(Math.abs(value - (actual?.[i] ?? Number.NaN))).toBeLessThan(2e-6 * scale);
  });
}
