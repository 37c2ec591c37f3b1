/** Numbers from 0 to `upper` whose sum lies within [`least`, `most`]. */
export interface BoundedSum {
  readonly upper: number;
  readonly least: number;
  readonly most: number;
}

/** Halvings after which the bracket is as narrow as numbers can say. */
const longestSearch = 200;

/**
 * The nearest point of the set: clip(point − τ, 0, upper), τ = 0 where the sum allows it, else the root of the sum, which falls
 * with τ in straight pieces: Newton's steps, kept within a bracket.
 */
export function projectOntoBoundedSum(point: Float64Array, { upper, least, most }: BoundedSum): Float64Array {
  const { sum } = clippedAt(point, 0, upper);
  const wanted = Math.min(most, Math.max(least, sum));
  const shift = sum === wanted ? 0 : rootOf(point, upper, wanted);
  return point.map((entry) => Math.min(upper, Math.max(0, entry - shift)));
}

function rootOf(point: Float64Array, upper: number, wanted: number): number {
  const [smallest, largest] = extremes(point);
  // At `low` every entry is at its bound or holds its whole share; at `high` all are zero.
  let low = smallest - Math.min(upper, wanted);
  let high = largest;
  let shift = (low + high) / 2;
  for (let i = 0; i < longestSearch; i++) {
    const { sum, free } = clippedAt(point, shift, upper);
    if (Math.abs(sum - wanted) <= 1e-12 * wanted) break;
    if (sum > wanted) low = shift;
    else high = shift;
    const newton = shift + (sum - wanted) / free;
    const next = newton > low && newton < high ? newton : (low + high) / 2;
    if (next === shift) break;
    shift = next;
  }
  return shift;
}

/** The sum of clip(point − shift, 0, upper), and how many entries are strictly within. */
function clippedAt(point: Float64Array, shift: number, upper: number) {
  let sum = 0;
  let free = 0;
  for (const entry of point) {
    const value = entry - shift;
    if (value <= 0) continue;
    if (value < upper) free++;
    sum += Math.min(upper, value);
  }
  return { sum, free };
}

function extremes(point: Float64Array): readonly [number, number] {
  let [smallest, largest] = [Infinity, -Infinity];
  for (const entry of point) {
    smallest = Math.min(smallest, entry);
    largest = Math.max(largest, entry);
  }
  return [smallest, largest];
}
