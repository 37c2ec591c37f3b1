import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { compileGraph } from "../graph/compile.ts";
import { input } from "../graph/value.ts";
import { nodePlatform } from "../node/platform.ts";
import { type ClassGaussians, fitClassGaussians, nearestDistance } from "./classGaussians.ts";

const { engine } = nodePlatform();

async function distancesOf(points: readonly (readonly number[])[], gaussians: ClassGaussians): Promise<Float32Array> {
  const width = gaussians.centre.length;
  const x = input("x", "float32", ["N", width]);
  const outputs = { distance: nearestDistance(x, gaussians) };
  const program = await compileGraph({ name: "distances", inputs: [x], outputs }, engine);
  try {
    const { distance } = await program.run({ x: Tensor.float32([points.length, width], points.flat()) });
    return distance?.floats ?? new Float32Array(0);
  } finally {
    await program.dispose();
  }
}

describe("Gaussians of classes", () => {
  it("measure Mahalanobis's distance to the nearest class, as by the inverse of the pooled covariance", async () => {
    const random = stream(3, "two classes");
    const labels = Int32Array.from({ length: 60 }, (_, i) => (i % 2) * 2);
    // Correlated columns; class 1 has no rows.
    const rows = Array.from(labels, (label) => {
      const [a, b] = [random.normal(), random.normal()];
      return [5 + 2 * a + 3 * label, -1 + a + 0.5 * b - label];
    });
    const means = [0, 2].map((label) => {
      const own = rows.filter((_, i) => labels[i] === label);
      return [0, 1].map((k) => own.reduce((sum, row) => sum + (row[k] ?? 0), 0) / own.length);
    });
    const centred = rows.map((row, i) => row.map((value, k) => value - (means[labels[i] === 0 ? 0 : 1]?.[k] ?? 0)));
    const of = (j: number, k: number) => centred.reduce((sum, row) => sum + (row[j] ?? 0) * (row[k] ?? 0), 0) / 58;
    const [a, b, d] = [of(0, 0), of(0, 1), of(1, 1)];
    const points = [
      [5, -1],
      [11, -3],
      [0, 4],
      [30, 30],
    ] as const;
    const expected = points.map(([x, y]) => {
      const squares = means.map(([mx = 0, my = 0]) => {
        const [u, v] = [x - mx, y - my];
        return (d * u * u - 2 * b * u * v + a * v * v) / (a * d - b * b);
      });
      return Math.min(...squares) / 2;
    });
    const fitted = await fitClassGaussians({ values: rows.flat(), count: 60, width: 2 }, labels, { engine });
    const found = await distancesOf(points, fitted);
    // float32, where terms of the size of the largest distance cancel.
    for (const [i, distance] of expected.entries()) {
      expect(Math.abs((found[i] ?? 0) - distance)).toBeLessThan(1e-5 * (1 + distance));
    }
  });

  it("hold with fewer rows than columns: near rows are near, others far", async () => {
    const random = stream(4, "few rows");
    const width = 300;
    const values = Float32Array.from({ length: 40 * width }, () => random.normal());
    const labels = Int32Array.from({ length: 40 }, (_, i) => i % 4);
    const fitted = await fitClassGaussians({ values, count: 40, width }, labels, { engine });
    const near = Array.from({ length: width }, () => random.normal());
    const found = await distancesOf([near, near.map((value) => 3 * value)], fitted);
    expect(found[0]).toBeGreaterThan(0.5);
    expect(found[0]).toBeLessThan(2);
    expect(found[1] ?? 0).toBeGreaterThan(5 * (found[0] ?? 0));
  });

  it("stay finite where all rows agree, and refuse features that are no numbers and one row a class", async () => {
    const same = { values: new Float32Array(12).fill(2), count: 4, width: 3 };
    const labels = Int32Array.of(0, 0, 1, 1);
    const fitted = await fitClassGaussians(same, labels, { engine });
    for (const distance of await distancesOf(
      [
        [2, 2, 2],
        [3, 3, 3],
      ],
      fitted,
    ))
      expect(distance).toSatisfy(Number.isFinite);
    const broken = { ...same, values: Float32Array.from(same.values).fill(Number.NaN, 5, 6) };
    await expect(fitClassGaussians(broken, labels, { engine })).rejects.toMatchObject({ code: "diverged" });
    await expect(fitClassGaussians(same, Int32Array.of(0, 1, 2, 3), { engine })).rejects.toMatchObject({
      code: "data",
    });
  });
});
