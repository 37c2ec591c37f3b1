import type { Progress } from "../base/steps.ts";
import type { Evaluation } from "./lbfgs.ts";

export interface ProjectedGradientOptions {
  /** Ends when `distance` is no larger. */
  readonly tolerance: number;
  readonly maxIterations: number;
  /**
   * How far from the optimum a point is, by its gradient. Default: the largest entry of P(x − ∇f) − x, which is zero exactly where the
   * conditions of Karush, Kuhn and Tucker hold.
   */
  readonly distance?: (point: Float64Array, gradient: Float64Array) => number;
}

export interface ConstrainedMinimum extends Evaluation {
  readonly point: Float64Array;
  readonly iterations: number;
  /** `distance` at `point`. */
  readonly distance: number;
}

/** Earlier values of which the largest must be undercut: the steps below are good because they need not descend each time. */
const remembered = 10;
const sufficientDecrease = 1e-4;
const [shortest, longest] = [1e-10, 1e10];
const progressEvery = 10;

/**
 * Minimises a smooth function over a convex set by the spectral projected gradient (Birgin, Martínez & Raydan 2000, algorithm SPG2): along
 * d = P(x − λ∇f) − x, with λ from the last step (Barzilai & Borwein 1988) and a line search that is not monotone.
 *
 * @param project the nearest point of the set
 * @param start a point of the set
 */
export function* minimiseProjected(
  evaluate: (point: Float64Array) => Evaluation,
  project: (point: Float64Array) => Float64Array,
  start: Float64Array,
  options: ProjectedGradientOptions,
): Generator<Progress, ConstrainedMinimum> {
  const { tolerance, maxIterations, distance = projectedDistance(project) } = options;
  let here: Place = { ...evaluate(start), point: start };
  let best = here;
  const values = [here.value];
  let length = 1 / Math.max(shortest, projectedDistance(project)(start, here.gradient));
  for (let iterations = 0; ; iterations++) {
    const left = distance(here.point, here.gradient);
    if (left <= tolerance) return { ...here, iterations, distance: left };
    if (iterations % progressEvery === 0) yield { done: iterations, total: maxIterations };
    const aim = project(moved(here.point, -length, here.gradient));
    const next = iterations < maxIterations ? searchLine(evaluate, here, aim, Math.max(...values)) : undefined;
    if (next === undefined) return { ...best, iterations, distance: distance(best.point, best.gradient) };
    const step = moved(next.point, -1, here.point);
    const curvature = dot(step, moved(next.gradient, -1, here.gradient));
    length = curvature > 0 ? Math.min(longest, Math.max(shortest, dot(step, step) / curvature)) : longest;
    here = next;
    if (here.value < best.value) best = here;
    values.push(here.value);
    if (values.length > remembered) values.shift();
  }
}

interface Place extends Evaluation {
  readonly point: Float64Array;
}

/** Halves the step to `aim` until the value falls enough; nothing when no step is long enough to tell. */
function searchLine(
  evaluate: (point: Float64Array) => Evaluation,
  here: Place,
  aim: Float64Array,
  ceiling: number,
): Place | undefined {
  const direction = moved(aim, -1, here.point);
  const slope = dot(here.gradient, direction);
  // Rounding of the value must not end the search where the step itself is still right.
  const slack = 1e-14 * Math.abs(ceiling);
  for (let fraction = 1; fraction > 1e-12; fraction /= 2) {
    const point = moved(here.point, fraction, direction);
    const found = evaluate(point);
    if (found.value <= ceiling + sufficientDecrease * fraction * slope + slack) return { ...found, point };
  }
  return undefined;
}

function projectedDistance(project: (point: Float64Array) => Float64Array) {
  return (point: Float64Array, gradient: Float64Array): number => {
    const there = project(moved(point, -1, gradient));
    let largest = 0;
    for (let i = 0; i < point.length; i++) largest = Math.max(largest, Math.abs(there[i] - point[i]));
    return largest;
  };
}

/** point + factor · direction */
function moved(point: Float64Array, factor: number, direction: Float64Array): Float64Array {
  const sum = new Float64Array(point.length);
  for (let i = 0; i < point.length; i++) sum[i] = point[i] + factor * direction[i];
  return sum;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
