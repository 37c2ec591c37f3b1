import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { compileGraph } from "../graph/compile.ts";
import { input } from "../graph/value.ts";
import { Parameters, Scope, startBuild } from "../nn/scope.ts";
import { createEngine } from "../node/engine.ts";
import { type DomainName, domainNormalization } from "./domainNormalization.ts";

const engine = createEngine({ threads: 1 });
/** By turns of the source, around 1, and of the target, around 10: two channels each. */
const rows = [0, 9, 1, 10, 2, 11].flatMap((value) => [value, 2 * value]);

async function normalised(domain: DomainName, isTraining: boolean, statistics?: Record<string, readonly number[]>) {
  const parameters = new Parameters();
  const x = input("x", "float32", [6, 2]);
  const build = startBuild(parameters, isTraining ? input("keys", "uint32", [6]) : undefined);
  const y = domainNormalization("normalization", domain).build(new Scope(build, "n"), [x]);
  const updates = Object.fromEntries([...build.updates].map(([path, value]) => [path.replace("n/", "next_"), value]));
  const inputs = [x, ...parameters.list.map(({ value }) => value)];
  const program = await compileGraph({ name: "normalised", inputs, outputs: { y, ...updates } }, engine);
  const start: Record<string, readonly number[]> = {
    "n/gamma": [1, 1],
    "n/beta": [0, 0],
    "n/movingMean": [0, 0, 0, 0],
    "n/movingVariance": [1, 1, 1, 1],
    ...statistics,
  };
  const feeds = parameters.list.map(({ path, shape }) => [
    path,
    Tensor.of("float32", shape, Float32Array.from(start[path] ?? [])),
  ]);
  const named = Object.fromEntries(feeds) as Record<string, Tensor>;
  const fed = Object.fromEntries(program.inputNames.flatMap((name) => (named[name] ? [[name, named[name]]] : [])));
  const result = await program.run({ ...fed, x: Tensor.of("float32", [6, 2], Float32Array.from(rows)) });
  await program.dispose();
  return (name: string) => [...(result[name]?.floats ?? [])];
}

describe("normalisation by domain", () => {
  it("takes from each domain its own mean and variance in training, and keeps both", async () => {
    const found = await normalised("both", true);
    // Each of −1, 0, 1 around its mean, of variance ⅔; the second channel is twice that.
    const scaled = (value: number, factor: number) => (factor * value) / Math.sqrt((factor ** 2 * 2) / 3 + 1e-3);
    const expected = [-1, -1, 0, 0, 1, 1].flatMap((value) => [scaled(value, 1), scaled(value, 2)]);
    for (const [at, value] of found("y").entries()) expect(value).toBeCloseTo(expected[at] ?? Number.NaN, 5);
    const means = [0.1, 0.2, 1, 2];
    for (const [at, value] of found("next_movingMean").entries()) expect(value).toBeCloseTo(means[at] ?? 0, 5);
    const variances = [0.9 + 0.2 / 3, 0.9 + 0.8 / 3, 0.9 + 0.2 / 3, 0.9 + 0.8 / 3];
    for (const [at, value] of found("next_movingVariance").entries()) expect(value).toBeCloseTo(variances[at] ?? 0, 5);
  });

  it("keeps the source's statistics for both where the source alone is seen, and the target's apart", async () => {
    const ofSource = (await normalised("source", true))("next_movingMean");
    expect(ofSource.slice(0, 2)).toEqual(ofSource.slice(2));
    const ofTarget = (await normalised("target", true))("next_movingMean");
    expect(ofTarget.slice(0, 2)).toEqual([0, 0]);
    expect(ofTarget[2]).toBeCloseTo(0.55, 5);
  });

  it("judges images by the running statistics of their domain", async () => {
    const statistics = { "n/movingMean": [1, 2, 10, 20] };
    const [source, target] = [
      await normalised("source", false, statistics),
      await normalised("target", false, statistics),
    ];
    const scale = Math.sqrt(1 + 1e-3);
    expect(source("y")[2]).toBeCloseTo(8 / scale, 5);
    expect(target("y")[2]).toBeCloseTo(-1 / scale, 5);
  });
});
