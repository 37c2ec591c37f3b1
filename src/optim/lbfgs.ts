/** The value and gradient of a smooth function at a point. */
export interface Evaluation {
  readonly value: number;
  readonly gradient: Float64Array;
}

export interface LbfgsOptions {
  /** Ends when no entry of the gradient is larger. */
  readonly gradientTolerance: number;
  readonly maxIterations: number;
  /** Earlier steps that the curvature is estimated from. Default 10. */
  readonly memory?: number;
}

export interface Minimum extends Evaluation {
  readonly point: Float64Array;
  readonly iterations: number;
  /** The tolerance was met; otherwise iterations ran out, or steps became too small to lower the value. */
  readonly converged: boolean;
}

interface Pair {
  readonly step: Float64Array;
  readonly change: Float64Array;
  /** 1 / ⟨step, change⟩ */
  readonly rho: number;
}

/**
 * Minimises by limited-memory BFGS (Nocedal & Wright, Numerical Optimization, 2nd edition, algorithm 7.5), with step lengths that
 * meet the weak Wolfe conditions, found by bisection (Lewis & Overton 2013, algorithm 2.6).
 */
export async function minimise(
  evaluate: (point: Float64Array) => Promise<Evaluation>,
  start: Float64Array,
  { gradientTolerance, maxIterations, memory = 10 }: LbfgsOptions,
): Promise<Minimum> {
  let point = start;
  let here = await evaluate(point);
  const pairs: Pair[] = [];
  for (let iterations = 0; ; iterations++) {
    const converged = largest(here.gradient) <= gradientTolerance;
    if (converged || iterations === maxIterations) return { ...here, point, iterations, converged };
    const direction = descentDirection(here.gradient, pairs);
    // Before there is curvature to go by, a step of length one at most.
    const first = pairs.length > 0 ? 1 : Math.min(1, 1 / Math.sqrt(dot(here.gradient, here.gradient)));
    const next = await searchLine(evaluate, point, here, direction, first);
    if (next === undefined) return { ...here, point, iterations, converged };
    const step = combined(next.point, -1, point);
    const change = combined(next.gradient, -1, here.gradient);
    const curvature = dot(step, change);
    if (curvature > 0) {
      pairs.push({ step, change, rho: 1 / curvature });
      if (pairs.length > memory) pairs.shift();
    }
    point = next.point;
    here = next;
  }
}

/** Minus the inverse Hessian, as the pairs suggest it, times the gradient (algorithm 7.4). */
function descentDirection(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = new Float64Array(gradient.length);
  addTo(direction, -1, gradient);
  const alphas: number[] = [];
  for (const { step, change, rho } of [...pairs].reverse()) {
    const alpha = rho * dot(step, direction);
    alphas.push(alpha);
    addTo(direction, -alpha, change);
  }
  const last = pairs.at(-1);
  if (last !== undefined) {
    const scale = 1 / (last.rho * dot(last.change, last.change));
    for (let i = 0; i < direction.length; i++) direction[i] = (direction[i] ?? 0) * scale;
  }
  for (const { step, change, rho } of pairs) {
    const beta = rho * dot(change, direction);
    addTo(direction, (alphas.pop() ?? 0) - beta, step);
  }
  return direction;
}

const sufficientDecrease = 1e-4;
const sufficientFlattening = 0.9;
const longestSearch = 40;

async function searchLine(
  evaluate: (point: Float64Array) => Promise<Evaluation>,
  point: Float64Array,
  { value, gradient }: Evaluation,
  direction: Float64Array,
  first: number,
): Promise<(Evaluation & { readonly point: Float64Array }) | undefined> {
  const slope = dot(gradient, direction);
  if (!(slope < 0)) return undefined;
  let [low, high, length] = [0, Number.POSITIVE_INFINITY, first];
  for (let trial = 0; trial < longestSearch; trial++) {
    const tried = combined(point, length, direction);
    const there = await evaluate(tried);
    if (!(there.value <= value + sufficientDecrease * length * slope)) high = length;
    else if (dot(there.gradient, direction) < sufficientFlattening * slope) low = length;
    else return { ...there, point: tried };
    length = Number.isFinite(high) ? (low + high) / 2 : 2 * length;
  }
  return undefined;
}

function combined(a: Float64Array, factor: number, b: Float64Array): Float64Array {
  const sum = a.slice();
  addTo(sum, factor, b);
  return sum;
}

/** a += factor · b. A plain loop, as all here: with closures these sums took as long as the function itself. */
function addTo(a: Float64Array, factor: number, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] ?? 0) + factor * (b[i] ?? 0);
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}

function largest(values: Float64Array): number {
  let found = 0;
  for (const value of values) found = Math.max(found, Math.abs(value));
  return found;
}
