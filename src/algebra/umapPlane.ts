import { UMAP } from "umap-js";
import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import type { Rows } from "../base/rows.ts";
import { type Compute, throwIfStopped } from "./compute.ts";
import { type Matrix, matrix } from "./matrix.ts";
import { nearestRows } from "./nearestRows.ts";
import { principalPlane } from "./principalPlane.ts";

/** The usual values of its authors' program: neighbours that make up a row's surroundings, and how close points may come. */
const surroundings = 15;
const closest = 0.1;
/** Half the side of the square in which the points start. */
const startSize = 10;

/**
 * Rows as points of a plane that keeps who is whose neighbour (McInnes, Healy, Melville 2018: UMAP): distances between groups mean little.
 * Neighbours are exact, by Euclid's distance. The points start in the principal plane, so that the groups also lie as they do there
 * (Kobak & Linderman 2021), and the seed decides all that is drawn.
 *
 * @throws `data` for fewer than four rows
 */
export async function umapPlane(rows: Rows, seed: number, compute: Compute): Promise<Matrix> {
  const neighbours = Math.min(surroundings, rows.count - 1);
  if (neighbours < 3) {
    throw new GraftError("data", `UMAP of ${rows.count} images; expected four or more. Use the method "pca".`);
  }
  const random = stream(seed, "umap");
  const umap = new UMAP({ nNeighbors: neighbours, minDist: closest, random: () => random.uniform() });
  const near = await surroundingsOf(rows, neighbours, compute);
  umap.setPrecomputedKNN(near.places, near.distances);
  // With known neighbours only the number of rows is read.
  const unread = near.places;
  umap.initializeFit(unread);
  const points = umap.getEmbedding();
  const start = await principalPlane(rows, compute);
  const scale = startSize / (start.values.reduce((most, value) => Math.max(most, Math.abs(value)), 0) || 1);
  for (const [i, point] of points.entries())
    point.splice(0, 2, scale * start.values[2 * i], scale * start.values[2 * i + 1]);
  await umap.fitAsync(unread, () => compute.signal?.aborted !== true);
  throwIfStopped(compute);
  return matrix(rows.count, 2, Float64Array.from(umap.getEmbedding().flat()));
}

/** As UMAP counts them: each row is its own first neighbour. */
async function surroundingsOf(rows: Rows, count: number, compute: Compute) {
  const found = await nearestRows(rows, rows, count, compute);
  const near = found.map((neighbours, i) =>
    [{ place: i, distance: 0 }, ...neighbours.filter(({ place }) => place !== i)].slice(0, count),
  );
  return {
    places: near.map((neighbours) => neighbours.map(({ place }) => place)),
    distances: near.map((neighbours) => neighbours.map(({ distance }) => distance)),
  };
}
