import type { Compute } from "../algebra/compute.ts";
import { writeSquaredDistances } from "../algebra/distances.ts";
import {
  addScaled,
  type Matrix,
  matrix,
  matrixOf,
  product,
  scaled,
  stacked,
  sum,
  transposed,
} from "../algebra/matrix.ts";
import { constantMatrix, crossProduct, mapRows } from "../algebra/products.ts";
import { GraftError } from "../base/errors.ts";
import { constantOf } from "../graph/value.ts";
import { cast } from "../ops/comparison.ts";
import { topK } from "../ops/indexing.ts";
import { concat } from "../ops/layout.ts";
import {
  type ComponentOptions,
  componentDefaults,
  type FeatureSpace,
  featureSpace,
  solveComponents,
  throughComponents,
} from "./components.ts";
import type { Adaptation } from "./domainMap.ts";
import { checkLabels, type Domains, type LabelledDomains } from "./domains.ts";
import { medianGamma } from "./kernelFeatures.ts";
import { differenceOf, differenceRows } from "./meanDistance.ts";

export interface SemiSupervisedOptions extends Partial<ComponentOptions> {
  /** γ: how much of what is kept is dependence on the labels, the rest being variance. Default 0.5. */
  readonly labelWeight?: number;
  /** λ: how much neighbours are to stay neighbours. Default 1000. */
  readonly localityWeight?: number;
  /** Of each image, in the graph of neighbours. Default 10. */
  readonly neighbours?: number;
}

/**
 * Semi-supervised transfer component analysis (Pan, Tsang, Kwok & Yang 2011, §IV): components that keep dependence on the source's
 * labels beside variance, K̃ = γ·K_label + (1 − γ)·I with K_label = 1 between source images of one class, and neighbourhoods by the graph's
 * Laplacian ℒ: eigenvectors of (K(L + λ/n²·ℒ)K + μI)⁻¹·KHK̃HK. The graph joins nearest neighbours with weight exp(−d²/2σ²), 2σ² the median of d².
 *
 * @throws `data` for empty, single, unlabelled or non-finite rows; `usage` for more dimensions than possible
 */
export async function semiSupervisedTca(
  domains: LabelledDomains,
  { labelWeight = 0.5, localityWeight = 1000, neighbours = 10, ...options }: SemiSupervisedOptions,
  compute: Compute,
): Promise<Adaptation> {
  if (!(labelWeight >= 0 && labelWeight <= 1))
    throw new GraftError("usage", `labelWeight ${labelWeight}; expected 0 to 1.`);
  const settings: ComponentOptions = { ...componentDefaults, penalty: "coefficients", ...options };
  const space = await featureSpace(domains, settings.kernel, compute);
  checkLabels(domains.labels, domains.source);
  const difference = differenceOf(space.source, space.target, 1);
  const locality = await localityMatrix(domains, space, neighbours, compute);
  const aim = {
    keep: sum(scaled(labelDependence(space, domains.labels), labelWeight), space.scatter, 1 - labelWeight),
    differences: differenceRows([difference], settings.penalty),
    lose: scaled(locality, localityWeight),
  };
  const map = await throughComponents(space, await solveComponents(space, aim, settings, compute), compute);
  return { source: map, target: map };
}

/** ΦᵀH·YYᵀ·HΦ, Y the source's classes as indicators: YᵀHΦ are the classes' sums less the mean of all. */
function labelDependence({ source, mean }: FeatureSpace, labels: ArrayLike<number>): Matrix {
  const classes = checkLabels(labels, source);
  const sums = matrix(classes, source.width);
  for (const [i, label] of Array.from(labels).entries()) {
    const into = sums.values.subarray(label * source.width, (label + 1) * source.width);
    addScaled(into, 1, source.values, i * source.width);
    addScaled(into, -1, mean, 0);
  }
  return product(transposed(sums), sums);
}

/** ΦᵀℒΦ / n², ℒ = D − M of the graph of neighbours. */
async function localityMatrix(
  domains: Domains,
  space: FeatureSpace,
  neighbours: number,
  compute: Compute,
): Promise<Matrix> {
  const features = stacked(space.source, space.target);
  const { count, width } = features;
  const smoothed = matrix(count, width);
  for (const { from, to, weight } of await neighbourEdges(domains, neighbours, compute)) {
    // (D − M)Φ, edge by edge and both ways.
    for (const [at, other] of [[from, to] as const, [to, from] as const]) {
      const into = smoothed.values.subarray(at * width, (at + 1) * width);
      addScaled(into, weight, features.values, at * width);
      addScaled(into, -weight, features.values, other * width);
    }
  }
  return scaled(await crossProduct(features, smoothed, compute), 1 / count ** 2);
}

interface Edge {
  readonly from: number;
  readonly to: number;
  readonly weight: number;
}

/** Pairs of which one is among the other's nearest, each once. */
async function neighbourEdges({ source, target }: Domains, neighbours: number, compute: Compute): Promise<Edge[]> {
  const rows = stacked(source, target);
  const depth = Math.min(neighbours, rows.count - 1) + 1; // each row is its own nearest
  const gamma = await medianGamma({ source, target }, compute);
  const found = await mapRows(
    rows,
    2 * depth,
    (x) => {
      const distances = writeSquaredDistances(x, constantMatrix(matrixOf(rows)));
      const [nearest, places] = topK.outputs(distances, constantOf("int64", [1], [depth]), { axis: 1, largest: 0 });
      if (nearest === undefined || places === undefined) throw new Error("TopK has two outputs");
      return concat(nearest, cast(places, "float64"), { axis: 1 });
    },
    compute,
  );
  const edges = new Map<number, Edge>();
  for (let from = 0; from < rows.count; from++) {
    const line = found.values.subarray(from * 2 * depth, (from + 1) * 2 * depth);
    for (let k = 0; k < depth; k++) {
      const to = line[depth + k] ?? 0;
      const pair = Math.min(from, to) * rows.count + Math.max(from, to);
      if (to !== from) edges.set(pair, { from, to, weight: Math.exp(-gamma * (line[k] ?? 0)) });
    }
  }
  return [...edges.values()];
}
