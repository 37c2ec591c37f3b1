import { GraftError } from "../base/errors.ts";
import { type Compute, throwIfStopped } from "./compute.ts";
import { type Matrix, matrix } from "./matrix.ts";

const longestSearch = 5000;
/** Σ |row sums − 1/n| of the plan. */
const tolerance = 1e-8;

/**
 * γ of least Σ γ·cost + ε·Σ γ·log γ with row sums 1/n and column sums 1/m (Cuturi 2013), by Sinkhorn's alternation on the potentials, in logarithms,
 * where no ε is too small for the numbers (Peyré & Cuturi 2019, §4.4).
 *
 * @throws `diverged` where so many rounds do not reach the sums
 */
export function sinkhorn(cost: Matrix, epsilon: number, { signal }: Pick<Compute, "signal">): Matrix {
  const { count, width } = cost;
  const [rows, columns] = [new Float64Array(count), new Float64Array(width)];
  for (let round = 0; round < longestSearch; round++) {
    throwIfStopped({ signal });
    const error = updateRows(cost, rows, columns, epsilon);
    if (round > 0 && error <= tolerance) return planOf(cost, rows, columns, epsilon);
    updateColumns(cost, rows, columns, epsilon);
  }
  throw new GraftError(
    "diverged",
    `optimal transport did not converge in ${longestSearch} rounds; a larger regularisation than ${epsilon} makes it easier.`,
  );
}

/** f ← −ε·log Σⱼ exp((gⱼ − cost)/ε) − ε·log n; returns how far the row sums were from 1/n before. */
function updateRows({ values, count, width }: Matrix, f: Float64Array, g: Float64Array, epsilon: number): number {
  let error = 0;
  for (let i = 0; i < count; i++) {
    let most = Number.NEGATIVE_INFINITY;
    for (let j = 0, at = i * width; j < width; j++, at++) most = Math.max(most, g[j] - values[at]);
    let sum = 0;
    for (let j = 0, at = i * width; j < width; j++, at++) sum += Math.exp((g[j] - values[at] - most) / epsilon);
    const next = -most - epsilon * Math.log(sum * count);
    error += Math.abs(Math.exp((f[i] - next) / epsilon) - 1) / count;
    f[i] = next;
  }
  return error;
}

/** g ← −ε·log Σᵢ exp((fᵢ − cost)/ε) − ε·log m; row after row, as the matrix lies. */
function updateColumns({ values, count, width }: Matrix, f: Float64Array, g: Float64Array, epsilon: number): void {
  const most = new Float64Array(width).fill(Number.NEGATIVE_INFINITY);
  for (let i = 0, at = 0; i < count; i++) {
    for (let j = 0; j < width; j++, at++) most[j] = Math.max(most[j], f[i] - values[at]);
  }
  const sums = new Float64Array(width);
  for (let i = 0, at = 0; i < count; i++) {
    for (let j = 0; j < width; j++, at++) sums[j] += Math.exp((f[i] - values[at] - most[j]) / epsilon);
  }
  for (let j = 0; j < width; j++) g[j] = -most[j] - epsilon * Math.log(sums[j] * width);
}

function planOf({ values, count, width }: Matrix, f: Float64Array, g: Float64Array, epsilon: number): Matrix {
  const plan = matrix(count, width);
  for (let i = 0, at = 0; i < count; i++) {
    for (let j = 0; j < width; j++, at++) plan.values[at] = Math.exp((f[i] + g[j] - values[at]) / epsilon);
  }
  return plan;
}
