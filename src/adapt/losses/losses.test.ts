import { describe, expect, it } from "vitest";
import { stream } from "../../base/random.ts";
import { Tensor } from "../../base/tensor.ts";
import { compileGraph } from "../../graph/compile.ts";
import { differentiate } from "../../graph/differentiate.ts";
import { constantOf, input, type Value } from "../../graph/value.ts";
import { input as modelInput } from "../../nn/layer.ts";
import { forward, functionalNetwork } from "../../nn/network.ts";
import { startBuild } from "../../nn/scope.ts";
import { createEngine } from "../../node/engine.ts";
import { softmax } from "../../ops/activations.ts";
import { add, mul, sub } from "../../ops/arithmetic.ts";
import { reverseGradient, stopGradient } from "../../ops/gradientControl.ts";
import { matmul } from "../../ops/products.ts";
import { reduceSum } from "../../ops/reductions.ts";
import { coralDistance } from "../coralDistance.ts";
import { mmd } from "../mmd.ts";
import { adversarial, adversarialStrength, conditionalReversal, entropyConditioned } from "./adversarial.ts";
import { classConfusion } from "./classConfusion.ts";
import { deepCoral } from "./deepCoral.ts";
import { type DomainTerm, domainLoss, targetRow } from "./domainBatch.ts";
import { multiKernelMmd } from "./multiKernelMmd.ts";
import { openSetBoundary } from "./openSetBoundary.ts";

const engine = createEngine({ threads: 1 });
const [count, width, classes] = [10, 4, 3];
/** Six of the source and four of the target, mixed. */
const isTarget = [0, 1, 0, 0, 1, 0, 1, 0, 1, 0];

const drawn = (name: string, length: number) => {
  const random = stream(7, name);
  return Float32Array.from({ length }, () => random.uniform(-1, 1));
};
const points = { features: drawn("features", count * width), scores: drawn("scores", count * classes) };
const shapes = { features: [count, width], scores: [count, classes] };
const direction = constantOf("float32", [width, 1], Array.from(drawn("direction", width)));

/** A term on given features and class scores, with its gradient for both. */
function written(term: DomainTerm, logitsOf: (features: Value) => Value = (x) => matmul(x, direction)) {
  const features = input("features", "float32", shapes.features);
  const scores = input("scores", "float32", shapes.scores);
  const column = constantOf("float32", [count, 1], isTarget);
  const sourceCount = isTarget.filter((one) => one === 0).length;
  const layers: Record<string, Value> = { shared: features, logits: logitsOf(features) };
  const value = term({
    isTarget: column,
    sourceShares: mul(sub(1, column), 1 / sourceCount),
    targetShares: mul(column, 1 / (count - sourceCount)),
    prediction: softmax(scores, { axis: 1 }),
    layerOutput: (name) => layers[name] ?? features,
  });
  // A term need not depend on both.
  const nothing = mul(add(reduceSum(features, { keepdims: 0 }), reduceSum(scores, { keepdims: 0 })), 0);
  const total = add(value, nothing);
  const [ofFeatures, ofScores] = differentiate(total, [features, scores]);
  if (ofFeatures === undefined || ofScores === undefined) throw new Error("both have a gradient");
  return {
    inputs: [features, scores],
    outputs: { value: total, gradient_features: ofFeatures, gradient_scores: ofScores },
  };
}

async function evaluate(graph: ReturnType<typeof written>, at: typeof points) {
  const program = await compileGraph({ name: "term", ...graph }, engine);
  const results = await program.run({
    features: Tensor.of("float32", shapes.features, at.features),
    scores: Tensor.of("float32", shapes.scores, at.scores),
  });
  await program.dispose();
  return (name: string) => results[name]?.floats ?? new Float32Array(0);
}

/** dL along a random direction, by central differences of two step sizes (Richardson), and by the gradient. */
async function slopes(graph: ReturnType<typeof written>, name: keyof typeof points) {
  const along = drawn(`along ${name}`, points[name].length);
  const at = async (step: number) => {
    const moved = points[name].map((value, i) => value + step * (along[i] ?? 0));
    return (await evaluate(graph, { ...points, [name]: moved }))("value")[0] ?? Number.NaN;
  };
  const central = async (step: number) => ((await at(step)) - (await at(-step))) / (2 * step);
  const numeric = (4 * (await central(0.02)) - (await central(0.04))) / 3;
  const gradient = (await evaluate(graph, points))(`gradient_${name}`);
  return { numeric, written: gradient.reduce((sum, one, i) => sum + one * (along[i] ?? 0), 0) };
}

/** float32 values near 1 differ by 6e-8, over steps of 0.02: 3e-6, several times that after a sum over all rows. */
const digits = 4;

const domains = () => {
  const rowsOf = (wanted: number) => {
    const rows = isTarget.flatMap((one, row) => (one === wanted ? [row] : []));
    const values = rows.flatMap((row) => [...points.features.subarray(row * width, (row + 1) * width)]);
    return { values, count: rows.length, width };
  };
  return { source: rowsOf(0), target: rowsOf(1) };
};

describe("terms that hold domains together", () => {
  it.each([
    ["the domain classifier of DANN", adversarial("logits")],
    ["the domain classifier of CDAN+E", entropyConditioned("logits")],
  ] as const)("%s: the gradient is the slope", async (_, term) => {
    const found = await slopes(written(term), "features");
    expect(found.written).toBeCloseTo(found.numeric, digits);
    expect(Math.abs(found.numeric)).toBeGreaterThan(1e-3);
  });

  it.each([
    ["deep CORAL", deepCoral("shared"), "features", coralByHand],
    ["the multi-kernel discrepancy", multiKernelMmd("shared"), "features", mmdByHand()],
    ["minimum class confusion", classConfusion(), "scores", confusionByHand()],
  ] as const)(
    "%s: value and gradient are those of double precision, what gets no gradient held",
    async (_, term, of, byHand) => {
      const found = await evaluate(written(term), points);
      const at = Float64Array.from(points[of]);
      expect(Math.abs((found("value")[0] ?? Number.NaN) / byHand(at) - 1)).toBeLessThan(1e-4);
      const gradient = found(`gradient_${of}`);
      const largest = Math.max(...gradient.map(Math.abs));
      for (const place of at.keys()) {
        const step = (by: number) => byHand(at.with(place, (at[place] ?? 0) + by));
        const slope = (step(1e-5) - step(-1e-5)) / 2e-5;
        expect(Math.abs(slope - (gradient[place] ?? Number.NaN)) / largest).toBeLessThan(1e-4);
      }
    },
  );

  it("deep CORAL is the distance of the covariances", async () => {
    const value = (await evaluate(written(deepCoral("shared")), points))("value")[0];
    expect(value).toBeCloseTo(await coralDistance(domains(), { engine }), 6);
  });

  it("the multi-kernel discrepancy is the biased one of the library", async () => {
    const value = (await evaluate(written(multiKernelMmd("shared")), points))("value")[0];
    expect(value).toBeCloseTo(await mmd(domains(), { kernel: { kind: "multi" }, estimator: "biased" }, { engine }), 4);
  });

  it("the gradient passes reversed through the domain classifier's entry", async () => {
    const plain = await evaluate(written(adversarial("logits")), points);
    const turned = await evaluate(
      written(adversarial("logits"), (x) => matmul(reverseGradient(x, 1), direction)),
      points,
    );
    expect(turned("value")).toEqual(plain("value"));
    expect([...turned("gradient_features")]).toEqual([...plain("gradient_features")].map((one) => -one));
  });

  it("CDAN's condition is the outer product of features and answers", async () => {
    const symbol = modelInput([6]);
    const network = functionalNetwork(conditionalReversal("outer")(symbol, symbol));
    const x = input("input", "float32", [1, 6]);
    const outer = forward(network, x, startBuild(network.parameters));
    const program = await compileGraph({ name: "outer", inputs: [x], outputs: { outer } }, engine);
    const row = Float32Array.of(1, 2, 3, 4, 5, 6);
    const { outer: found } = await program.run({ input: Tensor.of("float32", [1, 6], row) });
    await program.dispose();
    expect([...(found?.floats ?? [])]).toEqual(
      [...row].flatMap((answer) => [...row].map((feature) => answer * feature)),
    );
  });

  it("λ rises from 0 to 1 as in the paper", () => {
    expect(adversarialStrength(0)).toBe(0);
    expect(adversarialStrength(0.1)).toBeCloseTo(2 / (1 + Math.exp(-1)) - 1, 12);
    expect(adversarialStrength(1)).toBeCloseTo(0.9999092, 6);
  });

  it("OSBP's classifier learns as much at any λ, and features as much as λ says", async () => {
    const ofUnknown = input("classifier", "float32", [width, 2]);
    const features = input("features", "float32", shapes.features);
    const answers = (x: Value) => softmax(matmul(x, ofUnknown), { axis: 1 });
    const layers = { reversed: answers(reverseGradient(features, 1)), detached: answers(stopGradient(features)) };
    const shares = constantOf("float32", [count, 1], new Array<number>(count).fill(1 / count));
    const batch = { sourceShares: shares, targetShares: shares, isTarget: shares, prediction: answers(features) };
    const layerOutput = (name: string) => (name === "reversed" ? layers.reversed : layers.detached);
    const at = async (strength: number) => {
      const term = openSetBoundary({ reversed: "reversed", detached: "detached" });
      const value = term({ ...batch, layerOutput }, constantOf("float32", [], [strength]));
      const [ofFeatures, ofClassifier] = differentiate(value, [features, ofUnknown]);
      if (ofFeatures === undefined || ofClassifier === undefined) throw new Error("both have a gradient");
      const outputs = { value, ofFeatures, ofClassifier };
      const program = await compileGraph({ name: "term", inputs: [features, ofUnknown], outputs }, engine);
      const found = await program.run({
        features: Tensor.of("float32", shapes.features, points.features),
        classifier: Tensor.of("float32", [width, 2], drawn("classifier", width * 2)),
      });
      await program.dispose();
      return (name: keyof typeof outputs) => [...(found[name]?.floats ?? [])];
    };
    const [full, quarter] = [await at(1), await at(0.25)];
    expect(quarter("value")[0]).toBeCloseTo(full("value")[0] ?? Number.NaN, 6);
    for (const [i, slope] of full("ofClassifier").entries()) expect(quarter("ofClassifier")[i]).toBeCloseTo(slope, 6);
    expect(full("ofFeatures").some((slope) => Math.abs(slope) > 1e-3)).toBe(true);
    for (const [i, slope] of full("ofFeatures").entries()) expect(quarter("ofFeatures")[i]).toBeCloseTo(slope / 4, 6);
  });

  it("a batch's loss is the mean cross-entropy of its source plus λ times the term", async () => {
    const scores = input("scores", "float32", [4, 2]);
    const target = input("target", "float32", [4, 5]);
    const loss = domainLoss("constant", 2, () => constantOf("float32", [], [3]));
    const prediction = softmax(scores, { axis: 1 });
    const perSample = loss.perSample(target, prediction, () => prediction);
    const program = await compileGraph({ name: "loss", inputs: [scores, target], outputs: { perSample } }, engine);
    const rows = [
      targetRow(2, 0, 0.5),
      targetRow(2, undefined, 0.5),
      targetRow(2, 1, 0.5),
      targetRow(2, undefined, 0.5),
    ];
    const result = await program.run({
      scores: Tensor.of("float32", [4, 2], Float32Array.of(0, 0, 9, 0, 1, 0, 0, 9)),
      target: Tensor.of("float32", [4, 5], Float32Array.from(rows.flatMap((row) => [...row]))),
    });
    await program.dispose();
    const mean = (result["perSample"]?.floats ?? new Float32Array(0)).reduce((sum, one) => sum + one, 0) / 4;
    // −log ½ and −log(1/(1 + e)), the target's scores count for nothing.
    expect(mean).toBeCloseTo((Math.LN2 + Math.log(1 + Math.E)) / 2 + 0.5 * 3, 5);
  });
});

/** ‖C_S − C_T‖² / 4d², entry by entry. */
function coralByHand(x: Float64Array): number {
  const entry = (of: number, a: number, b: number) => {
    const rows = isTarget.flatMap((one, row) => (one === of ? [row] : []));
    const mean = (c: number) => rows.reduce((sum, row) => sum + (x[row * width + c] ?? 0), 0) / rows.length;
    const [ma, mb] = [mean(a), mean(b)];
    const products = rows.map((row) => ((x[row * width + a] ?? 0) - ma) * ((x[row * width + b] ?? 0) - mb));
    return products.reduce((sum, one) => sum + one, 0) / (rows.length - 1);
  };
  let total = 0;
  for (let a = 0; a < width; a++) {
    for (let b = 0; b < width; b++) total += (entry(0, a, b) - entry(1, a, b)) ** 2;
  }
  return total / (4 * width ** 2);
}

/** The mean over pairs of five kernels, whose widths come from the median at `points`. */
function mmdByHand(): (x: Float64Array) => number {
  const distance = (x: ArrayLike<number>, i: number, j: number) => {
    let sum = 0;
    for (let c = 0; c < width; c++) sum += ((x[i * width + c] ?? 0) - (x[j * width + c] ?? 0)) ** 2;
    return sum;
  };
  const pairs = isTarget.flatMap((_, i) =>
    isTarget.flatMap((_, j) => (j > i ? [distance(points.features, i, j)] : [])),
  );
  const median = pairs.sort((a, b) => a - b)[pairs.length >> 1] ?? Number.NaN;
  const sizes = [isTarget.filter((one) => one === 0).length, isTarget.filter((one) => one === 1).length];
  const sign = (i: number) => (isTarget[i] === 1 ? -1 / (sizes[1] ?? 0) : 1 / (sizes[0] ?? 0));
  return (x) => {
    let total = 0;
    for (let i = 0; i < count; i++) {
      for (let j = 0; j < count; j++) {
        const kernels = [0.25, 0.5, 1, 2, 4].map((factor) => Math.exp(-distance(x, i, j) / (median * factor)));
        total += (sign(i) * sign(j) * kernels.reduce((sum, one) => sum + one, 0)) / 5;
      }
    }
    return total;
  };
}

/** Confusion of softened answers, weighted by their certainty at `points`. */
function confusionByHand(): (scores: Float64Array) => number {
  const softened = (scores: ArrayLike<number>, row: number) => {
    const powers = Array.from({ length: classes }, (_, c) => Math.exp((scores[row * classes + c] ?? 0) / 2.5));
    const total = powers.reduce((sum, one) => sum + one, 0);
    return powers.map((power) => power / total);
  };
  const rows = isTarget.flatMap((one, row) => (one === 1 ? [row] : []));
  const weights = rows.map((row) => {
    const entropy = softened(points.scores, row).reduce((sum, p) => sum - p * Math.log(p), 0);
    return 1 + Math.exp(-entropy);
  });
  return (scores) => {
    const answers = rows.map((row) => softened(scores, row));
    let total = 0;
    for (let a = 0; a < classes; a++) {
      const row = Array.from({ length: classes }, (_, b) =>
        answers.reduce((sum, p, i) => sum + (weights[i] ?? 0) * (p[a] ?? 0) * (p[b] ?? 0), 0),
      );
      const whole = row.reduce((sum, one) => sum + one, 0);
      total += (whole - (row[a] ?? 0)) / whole;
    }
    return total / classes;
  };
}
