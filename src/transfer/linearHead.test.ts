import { Matrix, solve } from "ml-matrix";
import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { nodePlatform } from "../node/platform.ts";
import { arrays } from "../train/data.ts";
import { solveLinearHead } from "./linearHead.ts";

const { engine } = nodePlatform();

/** Three clouds in six dimensions, one of them constant and one on a scale of its own. */
function clouds(count: number, spread: number) {
  const x = new Float32Array(count * 6);
  const y = Int32Array.from({ length: count }, (_, i) => i % 3);
  for (let i = 0; i < count; i++) {
    const random = stream(7, "clouds", 0, i);
    for (let k = 0; k < 6; k++) {
      const noise = random.uniform(-1, 1) + random.uniform(-1, 1) + random.uniform(-1, 1);
      const value = (k === i % 3 ? 1 : 0) + spread * noise;
      x[i * 6 + k] = k === 4 ? 5 : k === 5 ? 3 * value : value;
    }
  }
  return arrays({ x, y, inputShape: [6] });
}

function centred(matrix: Matrix): Matrix {
  return matrix.center("column");
}

describe("the linear head", () => {
  it("is at the optimum: the gradient of the penalised loss is zero there", async () => {
    const data = clouds(90, 0.6);
    const folds = Int32Array.from({ length: 90 }, (_, i) => Math.floor(i / 3) % 5);
    const head = await solveLinearHead(data, { units: 3, folds, classWeights: undefined }, engine);
    // Written again in plain numbers: at the optimum no small change of any entry lowers the loss.
    const x = (
      await data.load(
        Uint32Array.from({ length: 90 }, (_, i) => i),
        undefined,
      )
    ).floats;
    const variances = Array.from({ length: 6 }, (_, k) => {
      const column = Array.from({ length: 90 }, (_, i) => x[i * 6 + k] ?? 0);
      const mean = column.reduce((a, b) => a + b) / 90;
      return column.reduce((a, b) => a + (b - mean) ** 2, 0) / 90;
    });
    const deviation = variances.map(() => Math.sqrt(variances.reduce((a, b) => a + b) / 6));
    const loss = (kernel: readonly number[], bias: readonly number[]) => {
      let sum = 0;
      for (let i = 0; i < 90; i++) {
        const logits = bias.map(
          (b, c) => b + deviation.reduce((a, _, k) => a + (x[i * 6 + k] ?? 0) * (kernel[k * 3 + c] ?? 0), 0),
        );
        sum += Math.log(logits.reduce((a, logit) => a + Math.exp(logit), 0)) - (logits[i % 3] ?? 0);
      }
      const squares = kernel.reduce((a, w, at) => a + (w * (deviation[Math.floor(at / 3)] ?? 0)) ** 2, 0);
      return sum / 90 + (head.penalty / 2) * squares;
    };
    const kernel = [...head.kernel.floats];
    const bias = [...head.bias.floats];
    const best = loss(kernel, bias);
    for (const [at, entry] of kernel.entries()) {
      const scale = Math.sqrt(variances[Math.floor(at / 3)] ?? 0);
      if (scale === 0) expect(entry).toBeCloseTo(0, 6);
      for (const change of scale === 0 ? [] : [0.02 / scale, -0.02 / scale])
        expect(loss(kernel.with(at, entry + change), bias)).toBeGreaterThan(best);
    }
    for (const [at, entry] of bias.entries())
      for (const change of [0.02, -0.02]) expect(loss(kernel, bias.with(at, entry + change))).toBeGreaterThan(best);
  });

  it("chooses a penalty by what held-out images say", async () => {
    const data = clouds(60, 1.2);
    const folds = Int32Array.from({ length: 60 }, (_, i) => Math.floor(i / 3) % 5);
    const head = await solveLinearHead(data, { units: 3, folds, classWeights: undefined }, engine);
    const best = Math.min(...head.trials.map(({ loss }) => loss));
    expect(head.trials.find(({ penalty }) => penalty === head.penalty)?.loss).toBe(best);
    // Neither end of the path: too stiff and too loose are both worse.
    expect(head.penalty).toBeLessThan(10);
    expect(head.trials.at(-1)?.loss).toBeGreaterThan(best);
  });

  it("takes a given penalty: between two of the path, the kernel's length lies between theirs", async () => {
    const data = clouds(60, 1.2);
    const folds = new Int32Array(60).fill(-1);
    const lengthAt = async (penalty: number) => {
      const head = await solveLinearHead(data, { units: 3, folds, classWeights: undefined, penalty }, engine);
      expect(head).toMatchObject({ penalty, trials: [] });
      return Math.hypot(...head.kernel.floats);
    };
    const lengths = [await lengthAt(1), await lengthAt(0.2), await lengthAt(0.01)];
    expect(lengths).toEqual([...lengths].sort((a, b) => a - b));
    expect(lengths[0]).toBeLessThan(0.9 * (lengths[2] ?? 0));
  });

  it("weighs classes as it is told", async () => {
    const data = clouds(60, 1.5);
    const folds = new Int32Array(60).fill(-1);
    const shares = async (classWeights: readonly number[] | undefined) => {
      const { bias, kernel } = await solveLinearHead(data, { units: 3, folds, classWeights }, engine);
      const x = (
        await data.load(
          Uint32Array.from({ length: 60 }, (_, i) => i),
          undefined,
        )
      ).floats;
      let first = 0;
      for (let i = 0; i < 60; i++) {
        const logits = [...bias.floats].map(
          (b, c) =>
            b + [0, 1, 2, 3, 4, 5].reduce((a, k) => a + (x[i * 6 + k] ?? 0) * (kernel.floats[k * 3 + c] ?? 0), 0),
        );
        if (logits.indexOf(Math.max(...logits)) === 0) first++;
      }
      return first;
    };
    expect(await shares([20, 1, 1])).toBeGreaterThan((await shares(undefined)) + 10);
  });

  it("is ridge regression where the targets are numbers: equal to the closed form", async () => {
    const count = 60;
    const rows = Array.from({ length: count }, (_, i) => {
      const random = stream(9, "ridge", 0, i);
      const x = [random.uniform(-1, 1), random.uniform(0, 4), random.uniform(-2, 2)];
      return { x, y: 2 * (x[0] ?? 0) - (x[2] ?? 0) + random.uniform(-0.5, 0.5) };
    });
    const data = arrays({
      x: Float32Array.from(rows.flatMap(({ x }) => x)),
      y: Float32Array.from(rows, ({ y }) => y),
      inputShape: [3],
    });
    const folds = Int32Array.from({ length: count }, (_, i) => i % 5);
    const head = await solveLinearHead(data, { units: 1, folds, classWeights: undefined }, engine);
    expect(head.trials.every(({ accuracy }) => accuracy === undefined)).toBe(true);
    // Means away, one scale for all: 1/N ‖y − Xw‖² + λ/2 ‖w‖² has its least value where (XᵀX + λN/2) w = Xᵀy.
    const x = centred(new Matrix(rows.map((row) => row.x)));
    const y = centred(Matrix.columnVector(rows.map((row) => row.y)));
    const scale = Math.sqrt((3 * count) / x.dot(x));
    const scaled = Matrix.mul(x, scale);
    const gram = Matrix.add(scaled.transpose().mmul(scaled), Matrix.eye(3).mul((head.penalty * count) / 2));
    const kernel = solve(gram, scaled.transpose().mmul(y)).mul(scale).to1DArray();
    // The solver ends at a gradient of 1e-5, and the curvature is some 2.
    for (const [i, entry] of kernel.entries()) expect(head.kernel.floats[i]).toBeCloseTo(entry, 4);
  });

  it("says so when features are not finite", async () => {
    const x = Float32Array.from({ length: 12 }, (_, i) => (i === 5 ? Number.NaN : i));
    const data = arrays({ x, y: Int32Array.of(0, 1, 0, 1, 0, 1), inputShape: [2] });
    const solving = solveLinearHead(
      data,
      { units: 2, folds: new Int32Array(6).fill(-1), classWeights: undefined },
      engine,
    );
    await expect(solving).rejects.toMatchObject({ code: "diverged" });
  });

  it("stops when asked to", async () => {
    const folds = Int32Array.from({ length: 90 }, (_, i) => i % 5);
    const stopped = solveLinearHead(
      clouds(90, 1),
      { units: 3, folds, classWeights: undefined, signal: AbortSignal.abort() },
      engine,
    );
    await expect(stopped).rejects.toMatchObject({ code: "interrupted" });
  });
});
