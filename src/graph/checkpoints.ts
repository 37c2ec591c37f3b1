import { dtypeBytes } from "../base/dtypes.ts";
import { sizeOf } from "../base/tensor.ts";
import type { Node, Value } from "./value.ts";

/** Where the forward part of a training graph is cut, so that what lies between two cuts can be computed again. */
export interface Checkpoints {
  /** The segment of each forward node, from 0 on; the last one is never computed again. */
  readonly segments: ReadonlyMap<Node, number>;
  readonly last: number;
  /** Whether a forward value stays in memory: it crosses a cut, or is too small to matter. */
  keeps(value: Value): boolean;
}

/** Values below this share of all that is saved are kept: they are not worth computing again. */
const smallShare = 1 / 2000;
/** Sizes tried for the largest segment, as shares of all that is saved. */
const segmentShares = [1 / 2, 1 / 3, 1 / 4, 1 / 6, 1 / 8, 1 / 12, 1 / 16, 1 / 24, 1 / 32, 1 / 48];

/**
 * Cuts at which few bytes are alive, so that what crosses them and the largest segment between them are least together
 * (Chen et al. 2016, "Training Deep Nets with Sublinear Memory Cost", §4, for graphs with branches).
 *
 * @param forward nodes of the loss, each after those it needs
 * @param saved forward values that the backward part reads
 * @param isSmall see `smallAmong`
 */
export function chooseCheckpoints(
  forward: readonly Node[],
  saved: ReadonlySet<Value>,
  isSmall: (value: Value) => boolean,
): Checkpoints {
  const total = totalBytes(saved);
  const savedBefore = [0];
  for (const { outputs } of forward) {
    const added = outputs.reduce((sum, value) => sum + (saved.has(value) ? bytesOf(value) : 0), 0);
    savedBefore.push(savedBefore[savedBefore.length - 1] + added);
  }
  const crossing = crossings(forward, isSmall);
  const places = localMinima(crossing);
  let best: { readonly cuts: readonly number[]; readonly bytes: number } = { cuts: [], bytes: total };
  for (const share of segmentShares) {
    const found = cheapestCuts(places, crossing, savedBefore, total * share);
    if (found !== undefined && found.bytes < best.bytes) best = found;
  }
  const crossed = crossingValues(forward, best.cuts);
  const segments = new Map(forward.map((node, i) => [node, best.cuts.filter((cut) => cut <= i).length]));
  return { segments, last: best.cuts.length, keeps: (value) => crossed.has(value) || isSmall(value) };
}

/** Whether a value is too small to matter beside all that is `saved`. */
export function smallAmong(saved: ReadonlySet<Value>): (value: Value) => boolean {
  const limit = totalBytes(saved) * smallShare;
  return (value) => bytesOf(value) < limit;
}

function totalBytes(values: ReadonlySet<Value>): number {
  return [...values].reduce((sum, value) => sum + bytesOf(value), 0);
}

/** Bytes alive before each node: made before it, needed by it or later. */
function crossings(forward: readonly Node[], isSmall: (value: Value) => boolean): readonly number[] {
  const change = new Array<number>(forward.length + 1).fill(0);
  for (const [value, [from, to]] of lifetimes(forward)) {
    if (isSmall(value)) continue;
    change[from + 1] += bytesOf(value);
    change[to + 1] -= bytesOf(value);
  }
  let alive = 0;
  return change.slice(0, -1).map((delta) => {
    alive += delta;
    return alive;
  });
}

/** The positions of each forward value's maker and of its last reader. */
function lifetimes(forward: readonly Node[]): ReadonlyMap<Value, readonly [from: number, to: number]> {
  const found = new Map<Value, readonly [number, number]>();
  forward.forEach(({ inputs, outputs }, i) => {
    for (const output of outputs) found.set(output, [i, i]);
    for (const value of inputs) {
      const known = value && found.get(value);
      if (value !== undefined && known !== undefined) found.set(value, [known[0], i]);
    }
  });
  return found;
}

function crossingValues(forward: readonly Node[], cuts: readonly number[]): ReadonlySet<Value> {
  const crossed = new Set<Value>();
  for (const [value, [from, to]] of lifetimes(forward)) {
    if (cuts.some((cut) => from < cut && cut <= to)) crossed.add(value);
  }
  return crossed;
}

/** Positions cheaper than the one before and no dearer than the one after. */
function localMinima(costs: readonly number[]): readonly number[] {
  return [...costs.keys()].filter((i) => i > 0 && costs[i] < costs[i - 1] && costs[i] <= (costs[i + 1] ?? 0));
}

/** The cuts with least bytes across them such that no segment saves more than `limit`; shortest path over `places`. */
function cheapestCuts(
  places: readonly number[],
  crossing: readonly number[],
  savedBefore: readonly number[],
  limit: number,
): { readonly cuts: readonly number[]; readonly bytes: number } | undefined {
  const ends = [0, ...places, savedBefore.length - 1];
  const cost = new Array<number>(ends.length).fill(Number.POSITIVE_INFINITY);
  const previous = new Array<number>(ends.length).fill(0);
  cost[0] = 0;
  for (let to = 1; to < ends.length; to++) {
    const own = to === ends.length - 1 ? 0 : crossing[ends[to]];
    for (let from = to - 1; from >= 0 && savedBefore[ends[to]] - savedBefore[ends[from]] <= limit; from--) {
      if (cost[from] + own >= cost[to]) continue;
      cost[to] = cost[from] + own;
      previous[to] = from;
    }
  }
  const end = ends.length - 1;
  if (cost[end] === Number.POSITIVE_INFINITY) return undefined;
  const cuts: number[] = [];
  for (let at = previous[end]; at > 0; at = previous[at]) cuts.unshift(ends[at]);
  const borders = [0, ...cuts, savedBefore.length - 1];
  const largest = Math.max(...cuts.map((cut, i) => savedBefore[cut] - savedBefore[borders[i]]), 0);
  return { cuts, bytes: cost[end] + largest };
}

function bytesOf({ type }: Value): number {
  if (type === undefined) return 0;
  const sizes = type.shape.map((dim) => (typeof dim === "number" ? dim : 1));
  return sizeOf(sizes) * dtypeBytes[type.dtype];
}
