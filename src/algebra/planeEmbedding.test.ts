import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { createEngine } from "../node/engine.ts";
import { matrix } from "./matrix.ts";
import { nearestRows } from "./nearestRows.ts";
import { embedInPlane, evenPlaces } from "./planeEmbedding.ts";

const compute = { engine: createEngine({ threads: 1 }) };
const width = 12;

/** So many rows around each of some far middles. */
function groups(sizes: readonly number[], spread: number) {
  const random = stream(0, "groups");
  const rows = sizes.flatMap((size, group) =>
    Array.from({ length: size }, () =>
      Array.from({ length: width }, (_, j) => (j === group ? 10 : 0) + spread * random.normal()),
    ),
  );
  return matrix(rows.length, width, Float64Array.from(rows.flat()));
}
const sizes = [30, 20, 25];
const groupOf = sizes.flatMap((size, group) => Array<number>(size).fill(group));
const rows = groups(sizes, 1);

describe.each(["pca", "umap"] as const)("in a plane by %s", (method) => {
  it("the nearest point of each point is of its own group", async () => {
    const plane = await embedInPlane(rows, method, 0, compute);
    expect([plane.count, plane.width]).toEqual([rows.count, 2]);
    const nearest = await nearestRows(plane, plane, 2, compute);
    const strangers = nearest.filter((found, i) => groupOf[found[1]?.place ?? 0] !== groupOf[i]);
    expect(strangers).toEqual([]);
  });

  it("equal rows lie together and everything is finite", async () => {
    const same = matrix(6, width, new Float64Array(6 * width).fill(3));
    const plane = await embedInPlane(same, method, 0, compute);
    expect(plane.values.every(Number.isFinite)).toBe(true);
  });
});

describe("umap", () => {
  it("is the same for the same seed and another for another", async () => {
    const few = groups([8, 8], 1);
    const first = await embedInPlane(few, "umap", 1, compute);
    expect(await embedInPlane(few, "umap", 1, compute)).toEqual(first);
    expect(await embedInPlane(few, "umap", 2, compute)).not.toEqual(first);
  });

  it("stops when it is told to", async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(), 20);
    const many = groups([100, 100], 1);
    await expect(embedInPlane(many, "umap", 0, { ...compute, signal: controller.signal })).rejects.toThrow("stopped");
  });

  it("refuses three rows and says what does it", async () => {
    await expect(embedInPlane(groups([3], 1), "umap", 0, compute)).rejects.toThrow(/3 images; .*"pca"/);
  });
});

it("pca keeps the distances of rows that lie in a plane", async () => {
  const random = stream(0, "plane");
  const flat = matrix(9, 5);
  for (let i = 0; i < 9; i++) flat.values.set([random.normal(), 0, random.normal()], 5 * i);
  const plane = await embedInPlane(flat, "pca", 0, compute);
  const before = await nearestRows(flat, flat, 9, compute);
  const after = await nearestRows(plane, plane, 9, compute);
  for (const [i, found] of before.entries())
    for (const [j, { place, distance }] of found.entries()) {
      if (j === 0) continue;
      expect(after[i]?.[j]?.place).toBe(place);
      expect(after[i]?.[j]?.distance).toBeCloseTo(distance, 9);
    }
});

it("the nearest rows are those that a search one by one finds", async () => {
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 8 }), fc.nat(), async (n, k, seed) => {
      const random = stream(seed, "rows");
      const known = matrix(
        n,
        4,
        Float64Array.from({ length: 4 * n }, () => random.normal()),
      );
      const asked = matrix(
        2,
        4,
        Float64Array.from({ length: 8 }, () => random.normal()),
      );
      const found = await nearestRows(known, asked, k, compute);
      for (const [i, neighbours] of found.entries()) {
        const row = (of: typeof known, at: number) => Array.from(of.values.subarray(4 * at, 4 * at + 4));
        const away = Array.from({ length: n }, (_, at) =>
          Math.hypot(...row(known, at).map((value, j) => value - (row(asked, i)[j] ?? 0))),
        );
        const order = [...away.keys()].sort((a, b) => (away[a] ?? 0) - (away[b] ?? 0)).slice(0, k);
        expect(neighbours.map(({ place }) => place)).toEqual(order);
      }
    }),
    { numRuns: 10 },
  );
});

it("even places are as many as asked for, all different, from the first on", () => {
  expect(evenPlaces(3, 10)).toEqual([0, 1, 2]);
  expect(evenPlaces(10, 4)).toEqual([0, 2, 5, 7]);
});
