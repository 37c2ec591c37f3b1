import type { Compute } from "../algebra/compute.ts";
import { writeSquaredDistances } from "../algebra/distances.ts";
import { type Matrix, matrix } from "../algebra/matrix.ts";
import { constantMatrix, mapRows } from "../algebra/products.ts";
import type { Rows } from "../base/rows.ts";
import { scalar, type Value } from "../graph/value.ts";
import { add, exp, mul } from "../ops/arithmetic.ts";
import { argMin, cast } from "../ops/comparison.ts";
import { gather } from "../ops/indexing.ts";
import { matmul } from "../ops/products.ts";

/** How rows of a domain reach the space where both are compared: plain data, which a graph can be written from. */
export type DomainMap = IdentityMap | AffineMap | GaussianMap | TransportMap;

export interface IdentityMap {
  readonly kind: "identity";
  readonly width: number;
}

/** x·weights + offset. */
export interface AffineMap {
  readonly kind: "affine";
  /** [width, dimensions] */
  readonly weights: Matrix;
  readonly offset?: Float64Array;
}

/** k(x, landmarks)·weights, k(x, z) = exp(−γ‖x − z‖²). */
export interface GaussianMap {
  readonly kind: "gaussian";
  readonly gamma: number;
  readonly landmarks: Matrix;
  /** [landmarks, dimensions] */
  readonly weights: Matrix;
}

/** x + the displacement of the nearest anchor (Ferradans, Papadakis, Peyré & Aujol 2014). */
export interface TransportMap {
  readonly kind: "transport";
  readonly anchors: Matrix;
  readonly displacements: Matrix;
}

/** What a method of domain adaptation learned: a way for rows of each domain, seen or new, into one space. Any head may follow. */
export interface Adaptation {
  readonly source: DomainMap;
  readonly target: DomainMap;
}

/** Where a map takes each row. */
export function applyMap(map: DomainMap, rows: Rows, compute: Compute): Promise<Matrix> {
  return mapRows(rows, mapWidth(map), (x) => writeMap(map, x), compute);
}

/** What a graph makes of a map's matrix: a constant, or a parameter of this name. */
export type KeepMatrix = (name: string, matrix: Matrix) => Value;

/** The map as nodes of a graph: x [N, width] → [N, dimensions], in the type of x; its matrices as constants unless `keep` says otherwise. */
export function writeMap(
  map: DomainMap,
  x: Value,
  keep: KeepMatrix = (_, matrix) => cast(constantMatrix(matrix), x.dtype),
): Value {
  switch (map.kind) {
    case "identity":
      return add(x, scalar(0, x.dtype));
    case "affine": {
      const turned = matmul(x, keep("weights", map.weights));
      const { offset } = map;
      return offset === undefined ? turned : add(turned, keep("offset", matrix(1, offset.length, offset)));
    }
    case "gaussian": {
      const landmarks = keep("landmarks", map.landmarks);
      const similarity = exp(mul(writeSquaredDistances(x, landmarks), scalar(-map.gamma, x.dtype)));
      return matmul(similarity, keep("weights", map.weights));
    }
    case "transport": {
      const distances = writeSquaredDistances(x, keep("anchors", map.anchors));
      const nearest = argMin(distances, { axis: 1, keepdims: 0 });
      return add(x, gather(keep("displacements", map.displacements), nearest));
    }
  }
}

export function mapWidth(map: DomainMap): number {
  switch (map.kind) {
    case "identity":
      return map.width;
    case "transport":
      return map.anchors.width;
    default:
      return map.weights.width;
  }
}
