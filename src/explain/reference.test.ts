import { readFileSync } from "node:fs";
import { afterAll, describe, expect, it } from "vitest";
import { z } from "zod";
import { Tensor } from "../base/tensor.ts";
import { constant, input, type Value } from "../graph/value.ts";
import { createEngine } from "../node/engine.ts";
import { relu, softmax } from "../ops/activations.ts";
import { conv } from "../ops/convolution.ts";
import { flatten, transpose } from "../ops/layout.ts";
import { matmul } from "../ops/products.ts";
import { attribute, layerMethods } from "./attribute.ts";
import { integratedGradients } from "./integratedGradients.ts";
import { chooseLayer } from "./layers.ts";
import type { ExplainedNetwork } from "./network.ts";
import { Probe } from "./probe.ts";

const tensor = z.object({ shape: z.array(z.number()), data: z.array(z.number()) });
const reference = z
  .object({
    chosen: z.number(),
    steps: z.number(),
    image: tensor,
    kernel: tensor,
    bias: tensor,
    hidden: tensor,
    output: tensor,
    gradcam: z.array(z.number()),
    "gradcam++": z.array(z.number()),
    eigencam: z.array(z.number()),
    integratedGradients: z.array(z.number()),
  })
  .parse(JSON.parse(readFileSync("test/reference/explanations.json", "utf8")));

const { chosen, steps } = reference;
const image = Float32Array.from(reference.image.data);
const probe = new Probe(network(), createEngine({ runtime: "native" }));
afterAll(() => probe.dispose());

/** float32 over sums of some hundred products against float64: 1e-5 of the largest value. */
const tolerance = 1e-5;

function expectNear(found: ArrayLike<number>, expected: readonly number[]): void {
  expect(found.length).toBe(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  const differences = expected.map((value, i) => Math.abs(value - (found[i] ?? Number.NaN)));
  expect(Math.max(...differences)).toBeLessThan(tolerance * largest);
}

describe("as PyTorch computes it", () => {
  it.each(["gradcam", "gradcam++", "eigencam"] as const)("%s", async (method) => {
    const layer = chooseLayer(probe.network);
    const { width, height, values } = await attribute(image, chosen, { method, layer }, probe);
    expect([width, height]).toEqual([6, 6]);
    expectNear(values, reference[method]);
  });

  it("integrated gradients", async () => {
    const levels = await integratedGradients(image, (images) => probe.gradients(images, chosen), { steps });
    expectNear(levels, reference.integratedGradients);
  });
});

it("every method that looks into a layer is compared", () => {
  expect(Object.keys(layerMethods)).toEqual(["gradcam", "gradcam++", "eigencam"]);
});

function network(): ExplainedNetwork {
  const side = 6;
  const pixels = input("pixels", "float32", ["N", side, side, 3]);
  const first = transpose(pixels, { perm: [0, 3, 1, 2] });
  const maps = relu(conv(first, stored(reference.kernel), stored(reference.bias), { pads: [1, 1, 1, 1] }));
  const inner = relu(matmul(flatten(maps), turned(stored(reference.hidden))));
  const scores = matmul(inner, turned(stored(reference.output)));
  return { pixels, side, scores, probabilities: softmax(scores), classes: 3 };
}

function stored({ shape, data }: z.output<typeof tensor>): Value {
  return constant(Tensor.float32(shape, data));
}

function turned(matrix: Value): Value {
  return transpose(matrix, { perm: [1, 0] });
}
