import { type Matrix, squaredNorm } from "../algebra/matrix.ts";
import { GraftError } from "../base/errors.ts";
import type { Rows } from "../base/rows.ts";

/** Features of two domains that share their columns. */
export interface Domains {
  readonly source: Rows;
  readonly target: Rows;
}

export interface LabelledDomains extends Domains {
  /** Class indices 0, 1, … of the source rows. */
  readonly labels: ArrayLike<number>;
}

/**
 * Checks what every method needs: two images or more in each domain, the same features, all of them finite.
 *
 * @throws `data`
 */
export function checkDomains({ source, target }: Domains): void {
  for (const [name, rows] of [["source", source] as const, ["target", target] as const]) checkRows(rows, name);
  if (source.width !== target.width) {
    throw new GraftError(
      "data",
      `the source domain has ${source.width} features an image and the target domain ${target.width}; expected the same backbone for both.`,
    );
  }
}

/** @throws `data` unless there is one label 0 … for each source row, and two classes or more; returns how many classes there are */
export function checkLabels(labels: ArrayLike<number>, source: Rows): number {
  if (labels.length !== source.count) {
    throw new GraftError("data", `${source.count} source images but ${labels.length} labels; expected one each.`);
  }
  const found = new Set(Array.from(labels));
  const wrong = [...found].find((label) => !Number.isInteger(label) || label < 0);
  if (wrong !== undefined) throw new GraftError("data", `label ${wrong}; expected class indices 0, 1, ….`);
  if (found.size < 2) throw new GraftError("data", "all source images are of one class; expected two or more.");
  return Math.max(...found) + 1;
}

/** @throws `usage` unless so many dimensions are possible; `why` tells what limits them */
export function checkDimensions(dimensions: number, most: number, why: string): void {
  if (Number.isInteger(dimensions) && dimensions >= 1 && dimensions <= most) return;
  throw new GraftError(
    "usage",
    `${dimensions} dimensions; expected a whole number from 1 to ${most}, as many as ${why}.`,
  );
}

/** @throws `usage` unless the number is finite and above zero */
export function checkPositive(value: number, name: string): void {
  if (Number.isFinite(value) && value > 0) return;
  throw new GraftError("usage", `${name} is ${value}; expected a finite number above 0.`);
}

/** Variance below this, in units of the squared mean, is rounding: float32 features that differ at all are far above. */
const roundingVariance = 1e-26;

/** @throws `data` where all `count` rows are alike, or too large, by the trace of their scatter about the mean */
export function checkSpread(scatter: Matrix, mean: Float64Array, count: number, whose: string): void {
  const spread = traceOf(scatter);
  checkMeasurable(spread, whose);
  if (spread > roundingVariance * count * squaredNorm(mean)) return;
  throw new GraftError("data", `all images ${whose} have the same features; expected some that differ.`);
}

/** @throws `data` where squares or distances of features, of which this is a sum or the largest, are beyond the numbers there are */
export function checkMeasurable(squares: number, whose: string): void {
  if (Number.isFinite(squares)) return;
  throw new GraftError(
    "data",
    `the features ${whose} are too large: their squares are not finite numbers. Scale them to a standard deviation near 1.`,
  );
}

export function traceOf(square: Matrix): number {
  let trace = 0;
  for (let j = 0; j < square.width; j++) trace += square.values[j * (square.width + 1)] ?? 0;
  return trace;
}

function checkRows({ values, count, width }: Rows, name: string): void {
  if (count < 2) {
    const found = count === 0 ? "no images" : "one image";
    throw new GraftError(
      "data",
      `the ${name} domain has ${found}; expected two or more, as a distribution has a spread.`,
    );
  }
  if (width < 1 || values.length !== count * width) {
    throw new GraftError(
      "data",
      `the ${name} domain has ${values.length} numbers for ${count} images of ${width} features; expected ${count * width}.`,
    );
  }
  for (let i = 0; i < values.length; i++) {
    if (Number.isFinite(values[i])) continue;
    throw new GraftError(
      "data",
      `feature ${i % width} of ${name} image ${Math.floor(i / width)} is ${values[i]}; expected finite numbers. Leave that image out, or check the backbone.`,
    );
  }
}
