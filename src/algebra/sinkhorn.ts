import { GraftError } from "../base/errors.ts";
import { type Compute, throwIfStopped } from "./compute.ts";
import { type Matrix, matrix } from "./matrix.ts";

const longestSearch = 5000;
/** Σ |row sums − 1/n| of the plan. */
const tolerance = 1e-8;

/** Scaling factors are taken into the potentials beyond e^±50, where they are far from the ends of the numbers. */
const largestScaling = Math.exp(50);

/**
 * γ of least Σ γ·cost + ε·Σ γ·log γ with row sums 1/n and column sums 1/m (Cuturi 2013), by Sinkhorn's alternation. Whole potentials are kept
 * in logarithms, where no ε is too small for the numbers; between them rows and columns of one plan are scaled, which needs no exponentials (Schmitzer 2019, algorithm 2).
 *
 * @throws `diverged` where so many rounds do not reach the sums
 */
export function sinkhorn(cost: Matrix, epsilon: number, { signal }: Pick<Compute, "signal">): Matrix {
  const { count, width } = cost;
  const [rows, columns] = [new Float64Array(count), new Float64Array(width)];
  for (let round = 0; round < longestSearch; ) {
    updateRows(cost, rows, columns, epsilon);
    updateColumns(cost, rows, columns, epsilon);
    const plan = planOf(cost, rows, columns, epsilon);
    const scaling = { rows: new Float64Array(count).fill(1), columns: new Float64Array(width).fill(1) };
    do {
      throwIfStopped({ signal });
      const error = scaleRows(plan, scaling);
      if (error <= tolerance) return scaledPlan(plan, scaling);
      scaleColumns(plan, scaling);
      round++;
    } while (round < longestSearch && isModest(scaling));
    absorb(rows, scaling.rows, epsilon);
    absorb(columns, scaling.columns, epsilon);
  }
  throw new GraftError(
    "diverged",
    `optimal transport did not converge in ${longestSearch} rounds; a larger regularisation than ${epsilon} makes it easier.`,
  );
}

/** Factors of a plan's rows and columns. */
interface Scaling {
  readonly rows: Float64Array;
  readonly columns: Float64Array;
}

/** Gives every row the sum 1/n; returns how far they were from it before. */
function scaleRows({ values, count, width }: Matrix, { rows, columns }: Scaling): number {
  let error = 0;
  for (let i = 0; i < count; i++) {
    let sum = 0;
    for (let j = 0, at = i * width; j < width; j++, at++) sum += values[at] * columns[j];
    error += Math.abs(rows[i] * sum - 1 / count);
    rows[i] = 1 / (count * sum);
  }
  return error;
}

/** Gives every column the sum 1/m. */
function scaleColumns({ values, count, width }: Matrix, { rows, columns }: Scaling): void {
  const sums = new Float64Array(width);
  for (let i = 0, at = 0; i < count; i++) {
    for (let j = 0; j < width; j++, at++) sums[j] += rows[i] * values[at];
  }
  for (let j = 0; j < width; j++) columns[j] = 1 / (width * sums[j]);
}

function isModest({ rows, columns }: Scaling): boolean {
  const modest = (factor: number) => factor < largestScaling && factor > 1 / largestScaling;
  return rows.every(modest) && columns.every(modest);
}

function scaledPlan({ values, count, width }: Matrix, { rows, columns }: Scaling): Matrix {
  const plan = matrix(count, width);
  for (let i = 0, at = 0; i < count; i++) {
    for (let j = 0; j < width; j++, at++) plan.values[at] = rows[i] * values[at] * columns[j];
  }
  return plan;
}

/** Takes factors into potentials; one that left the numbers is found anew from the others. */
function absorb(potentials: Float64Array, factors: Float64Array, epsilon: number): void {
  for (const [i, factor] of factors.entries()) {
    const change = epsilon * Math.log(factor);
    if (Number.isFinite(change)) potentials[i] += change;
  }
}

/** f ← −ε·log Σⱼ exp((gⱼ − cost)/ε) − ε·log n. */
function updateRows({ values, count, width }: Matrix, f: Float64Array, g: Float64Array, epsilon: number): void {
  for (let i = 0; i < count; i++) {
    let most = Number.NEGATIVE_INFINITY;
    for (let j = 0, at = i * width; j < width; j++, at++) most = Math.max(most, g[j] - values[at]);
    let sum = 0;
    for (let j = 0, at = i * width; j < width; j++, at++) sum += Math.exp((g[j] - values[at] - most) / epsilon);
    f[i] = -most - epsilon * Math.log(sum * count);
  }
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
