import { shapeError } from "../graph/infer.ts";

/** How Resize reads one axis, in the words of its ONNX attributes. */
export interface Interpolation {
  readonly mode: string;
  readonly coordinates: string;
  readonly nearest: string;
  readonly cubicCoefficient: number;
  readonly antialias: boolean;
  /** Cubic only: taps outside the data get weight 0, not the value at the border. */
  readonly excludeOutside: boolean;
}

/**
 * The matrix M [to, from] with y = M·x along one axis, row by row, as the specification of Resize-19 defines it.
 *
 * @param scale result length over data length; differs from to/from where a given scale was rounded down
 */
export function interpolationMatrix(from: number, to: number, scale: number, how: Interpolation): readonly number[] {
  const matrix = new Array<number>(to * from).fill(0);
  const ratio = Math.fround(scale);
  for (let i = 0; i < to; i++) {
    for (const [place, weight] of tapsAt(originalPlace(i, from, to, ratio, how.coordinates), from, ratio, how)) {
      matrix[i * from + Math.min(Math.max(place, 0), from - 1)] += weight;
    }
  }
  return matrix;
}

/** How often each place of the data stands in the result, where a matrix only repeats them: [1 0; 1 0; 0 1; 0 1] → 2. */
export function repetitionOf(matrix: readonly number[], from: number, to: number): number | undefined {
  const times = to / from;
  const repeats = matrix.every((weight, at) => {
    const row = Math.floor(at / from);
    return weight === (Math.floor(row / times) === at % from ? 1 : 0);
  });
  return Number.isInteger(times) && repeats ? times : undefined;
}

/** Where place i of the result lies in the data; in single precision like the runtime, which decides ties of "nearest". */
function originalPlace(i: number, from: number, to: number, scale: number, mode: string): number {
  const { fround } = Math;
  const halfPixel = fround(fround((i + 0.5) / scale) - 0.5);
  switch (mode) {
    case "half_pixel":
      return halfPixel;
    case "half_pixel_symmetric": {
      // What rounding took off the length is taken off both sides. The runtime adds in double precision and rounds once.
      const adjustment = fround(to / fround(scale * from));
      const offset = fround((from / 2) * fround(1 - adjustment));
      return fround(offset + (i + 0.5) / scale - 0.5);
    }
    case "pytorch_half_pixel":
      return to > 1 ? halfPixel : 0;
    case "align_corners":
      return to > 1 ? fround((i * (from - 1)) / (to - 1)) : 0;
    case "asymmetric":
      return fround(i / scale);
    default:
      throw shapeError("Resize", `coordinates "${mode}" have no gradient`);
  }
}

type Taps = readonly (readonly [place: number, weight: number])[];

/** The data places that are read for a coordinate, and their weights; places outside stand for the border. */
function tapsAt(x: number, from: number, scale: number, how: Interpolation): Taps {
  if (how.mode === "nearest") return [[nearestPlace(x, how.nearest), 1]];
  if (how.mode !== "linear" && how.mode !== "cubic") throw shapeError("Resize", `unknown mode "${how.mode}"`);
  const filter = how.mode === "linear" ? triangle : (t: number) => cubic(t, how.cubicCoefficient);
  const radius = how.mode === "linear" ? 1 : 2;
  if (how.antialias && scale < 1) return widenedTaps(x, from, scale, filter, radius, how);
  const first = Math.floor(x) - radius + 1;
  const taps = Array.from({ length: 2 * radius }, (_, i) => [first + i, filter(x - first - i)] as const);
  return how.mode === "cubic" && how.excludeOutside ? normalised(inside(taps, from)) : taps;
}

/** Shrinking with antialias stretches the filter over 1/scale places; what lies outside counts as border, or not at all. */
function widenedTaps(
  x: number,
  from: number,
  scale: number,
  filter: (t: number) => number,
  radius: number,
  how: Interpolation,
): Taps {
  const support = radius / scale;
  const first = Math.floor(x + 1 - support);
  const last = Math.ceil(x - 1 + support);
  const taps = Array.from(
    { length: last - first + 1 },
    (_, i) => [first + i, filter((first + i - x) * scale)] as const,
  );
  return normalised(how.excludeOutside ? inside(taps, from) : taps);
}

function inside(taps: Taps, from: number): Taps {
  return taps.filter(([place]) => place >= 0 && place < from);
}

function normalised(taps: Taps): Taps {
  const sum = taps.reduce((total, [, weight]) => total + weight, 0);
  return taps.map(([place, weight]) => [place, weight / sum]);
}

function nearestPlace(x: number, mode: string): number {
  // The runtime takes what single precision left beside a half as one: measured, 1e-6 explains all of 10,000 places.
  const isHalf = Math.abs(x - Math.floor(x) - 0.5) < 1e-6;
  switch (mode) {
    case "round_prefer_floor":
      return isHalf ? Math.floor(x) : Math.round(x);
    case "round_prefer_ceil":
      return isHalf ? Math.ceil(x) : Math.round(x);
    case "floor":
      return Math.floor(x);
    case "ceil":
      return Math.ceil(x);
    default:
      throw shapeError("Resize", `unknown nearest_mode "${mode}"`);
  }
}

function triangle(t: number): number {
  return Math.max(0, 1 - Math.abs(t));
}

/** Keys' cubic convolution with coefficient a. */
function cubic(t: number, a: number): number {
  const d = Math.abs(t);
  if (d <= 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  return d < 2 ? (((d - 5) * d + 8) * d - 4) * a : 0;
}
