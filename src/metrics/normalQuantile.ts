/** The value below which a standard normal variable lies with probability `p`, 0 < p < 1. Newton's method on ln Φ(x) − ln p. */
export function normalQuantile(p: number): number {
  if (p > 0.5) return -normalQuantile(1 - p);
  // Φ(x) ≤ exp(−x²/2)/2: the start lies below the root, and on a concave function each step comes nearer from there.
  let x = -Math.sqrt(-2 * Math.log(2 * p));
  for (let i = 0; i < 100; i++) {
    const below = normalBelow(x);
    const step = (Math.log(below / p) * below) / density(x);
    x -= step;
    if (Math.abs(step) <= 1e-15 * Math.max(1, Math.abs(x))) break;
  }
  return x;
}

function density(x: number): number {
  return Math.exp(-(x ** 2) / 2) / Math.sqrt(2 * Math.PI);
}

/** Φ(x) for x ≤ 0. */
function normalBelow(x: number): number {
  return x > -3 ? 0.5 - density(x) * seriesOf(-x) : density(x) * tailOf(-x);
}

/** (Φ(x) − 1/2) / φ(x) = x + x³/3 + x⁵/(3·5) + … (Abramowitz & Stegun 26.2.11). */
function seriesOf(x: number): number {
  let term = x;
  let sum = x;
  for (let n = 3; term > 1e-17 * sum; n += 2) {
    term *= x ** 2 / n;
    sum += term;
  }
  return sum;
}

/** (1 − Φ(x)) / φ(x) as the continued fraction 1/(x + 1/(x + 2/(x + 3/(x + …)))) (Abramowitz & Stegun 26.2.14). */
function tailOf(x: number): number {
  let fraction = x;
  for (let n = 100; n >= 1; n--) fraction = x + n / fraction;
  return 1 / fraction;
}
