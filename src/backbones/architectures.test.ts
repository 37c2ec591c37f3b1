import { readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import type { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { constant, input } from "../graph/value.ts";
import { Parameters, Scope, startBuild } from "../nn/scope.ts";
import { mul } from "../ops/arithmetic.ts";
import { evaluate } from "../ops/operators.fixture.ts";
import { reduceSum } from "../ops/reductions.ts";
import { type Architecture, isUnused } from "./architecture.ts";
import { architectureNamed, architectures } from "./architectures.ts";
import { mapMeans } from "./blocks.ts";
import { deterministicValues, deterministicWeight } from "./parity.fixture.ts";

const schema = z.array(
  z.object({
    name: z.string(),
    images: z.string(),
    shape: z.array(z.number()),
    output: z.enum(["scores", "means"]),
    values: z.array(z.number()),
    gradientNorm: z.number(),
    gradientSamples: z.array(z.number()),
  }),
);
const references = schema.parse(JSON.parse(readFileSync("test/reference/architectures.json", "utf8")));
type Reference = (typeof references)[number];

/** Names and shapes of each published state dict, as lines such as "fc.weight 10x512"; a shape of no axes is left out. */
const stateDicts = new Map(
  gunzipSync(readFileSync("test/reference/stateDicts.txt.gz"))
    .toString()
    .split("= ")
    .slice(1)
    .map((section): [string, string[]] => {
      const [name = "", ...lines] = section.trimEnd().split("\n");
      return [name, lines];
    }),
);
const classes = 10;

function built(architecture: Architecture, shape: readonly number[], output: Reference["output"]) {
  const parameters = new Parameters();
  const scope = new Scope(startBuild(parameters));
  const images = input("images", "float32", shape);
  const features = architecture.body(scope, images);
  const result = output === "means" ? mapMeans(features) : architecture.top(scope, features, classes);
  return { parameters, images, result };
}

const torchName = (path: string) => path.replaceAll("/", ".");

describe("every architecture", () => {
  it("has reference values", () => {
    expect([...architectures.keys()].sort()).toEqual(references.map(({ name }) => name).sort());
  });

  it.each([...architectures.values()].map((one) => [one.name, one] as const))(
    "%s has the names and shapes of its published state dict",
    (name, architecture) => {
      const { side, channels } = architecture;
      const { parameters } = built(architecture, [2, channels, side, side], "scores");
      const ours = parameters.list.map(({ path, shape }) => `${torchName(path)} ${shape.join("x")}`);
      const theirs = (stateDicts.get(name) ?? []).filter((line) => !isUnused(architecture, line.split(" ")[0] ?? ""));
      expect(theirs.filter((line) => !ours.includes(line)).slice(0, 5)).toEqual([]);
      expect(ours.filter((line) => !theirs.includes(line)).slice(0, 5)).toEqual([]);
      expect(ours.length).toBeGreaterThan(0);
    },
  );

  it.each([...architectures.values()].map((one) => [one.name, one] as const))(
    "%s works on images of its smallest side and on none smaller",
    (_, architecture) => {
      const { smallestSide, sideStep, channels } = architecture;
      const features = (side: number) => built(architecture, [2, channels, side, side], "means").result.shape;
      expect(features(smallestSide)[0]).toBe(2);
      if (smallestSide > sideStep) expect(() => features(smallestSide - sideStep)).toThrow();
    },
  );
});

describe("scores and the gradient of the images agree with PyTorch", () => {
  it.each(references.map((one) => [one.name, one] as const))("%s", async (name, reference) => {
    const { parameters, images, result } = built(architectureNamed(name), reference.shape, reference.output);
    const cotangent = constant(deterministicValues("cotangent", result.staticShape, 0, 1));
    const [gradient] = differentiate(reduceSum(mul(result, cotangent), { keepdims: 0 }), [images]);
    const feeds: Record<string, Tensor> = { images: deterministicValues(reference.images, reference.shape, 0, 1) };
    for (const { path, shape } of parameters.list) feeds[path] = deterministicWeight(torchName(path), shape);
    const inputs = [images, ...parameters.list.map(({ value }) => value)];
    const outputs = await evaluate(inputs, { result, gradient: gradient ?? images }, feeds);
    expectClose(outputs["result"]?.floats, reference.values);
    const floats = outputs["gradient"]?.floats ?? new Float32Array();
    const step = Math.floor(floats.length / reference.gradientSamples.length) + 1;
    const samples = reference.gradientSamples.map((_, i) => floats[(i * step) % floats.length] ?? Number.NaN);
    expectClose(samples, reference.gradientSamples);
    expectClose([Math.hypot(...floats)], [reference.gradientNorm]);
  });
});

/** Within 1e-4 of the largest value. */
function expectClose(actual: ArrayLike<number> | undefined, expected: readonly number[]): void {
  expect(actual?.length).toBe(expected.length);
  const largest = Math.max(...expected.map(Math.abs));
  const worst = Math.max(...expected.map((value, i) => Math.abs(value - (actual?.[i] ?? Number.NaN))));
  expect(worst).toBeLessThan(1e-4 * largest);
}
