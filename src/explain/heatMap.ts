/** How much each cell of a picture matters, rows first. */
export interface HeatMap {
  readonly width: number;
  readonly height: number;
  readonly values: Float64Array;
}

/** What is brighter than this share of a map is shown as the brightest. */
const brightest = 0.99;

/** The map at `side` × `side`, bilinear between the middles of its cells. */
export function enlarge(map: HeatMap, side: number): HeatMap {
  if (map.width === side && map.height === side) return map;
  const values = new Float64Array(side * side);
  for (let y = 0; y < side; y++) {
    for (let x = 0; x < side; x++) values[y * side + x] = sampleAt(map, (x + 0.5) / side, (y + 0.5) / side);
  }
  return { width: side, height: side, values };
}

/** Bilinear, at a place from 0 to 1 across and down; at the border the outermost cells go on. */
export function sampleAt({ width, height, values }: HeatMap, across: number, down: number): number {
  const x = within(across * width - 0.5, width);
  const y = within(down * height - 0.5, height);
  const left = Math.floor(x);
  const top = Math.floor(y);
  const right = Math.min(left + 1, width - 1);
  const bottom = Math.min(top + 1, height - 1);
  const row = (at: number) =>
    (values[at * width + left] ?? 0) * (left + 1 - x) + (values[at * width + right] ?? 0) * (x - left);
  return row(top) * (top + 1 - y) + row(bottom) * (y - top);
}

/** What speaks for the class, from 0 to 1: negative parts are 0, the brightest hundredth is 1. */
export function forDisplay({ width, height, values }: HeatMap): HeatMap {
  const positive = values.map((value) => Math.max(0, value));
  const sorted = positive.slice().sort();
  const highest = sorted[sorted.length - 1] ?? 0;
  const reference = sorted[Math.floor(brightest * (sorted.length - 1))] || highest || 1;
  return { width, height, values: positive.map((value) => Math.min(1, value / reference)) };
}

function within(place: number, length: number): number {
  return Math.min(length - 1, Math.max(0, place));
}
