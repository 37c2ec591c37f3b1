import type { Value } from "../graph/value.ts";
import type { Loss } from "../nn/loss.ts";
import { adaptiveAveragePool } from "../ops/adaptivePooling.ts";
import { add, div, mul, sqrt, sub } from "../ops/arithmetic.ts";
import { flatten } from "../ops/layout.ts";
import { reduceSum } from "../ops/reductions.ts";
import { slice } from "../ops/slicing.ts";

/** Maps are compared on so many places a side at most, so that the teacher's stay small on disk. */
const maxSide = 14;
/** A stage has this many times the positions of the next; less is what convolutions without padding cut off. */
const shrinkage = 2;
/** Under the roots, so that maps of zeros and equal maps have gradients. */
const tinySquare = 1e-20;

export interface MapSize {
  readonly height: number;
  readonly width: number;
}

/** Two stages, by index, and the grid on which they are compared. */
export interface StagePair {
  readonly teacher: number;
  readonly student: number;
  readonly grid: MapSize;
}

/**
 * Pairs the stages of two networks from the last backwards, on the smaller map's grid. Of stages whose maps differ by less than half only
 * the last counts. Pairs that would be compared at a single place are left out.
 */
export function pairStages(teacher: readonly MapSize[], student: readonly MapSize[]): readonly StagePair[] {
  const [theirs, ours] = [halvings(teacher), halvings(student)];
  const count = Math.min(theirs.length, ours.length);
  const ends = theirs.slice(theirs.length - count).map((stage, i) => ({
    teacher: stage,
    student: ours[ours.length - count + i] ?? 0,
  }));
  return ends
    .map((pair) => ({ ...pair, grid: commonGrid(teacher[pair.teacher], student[pair.student]) }))
    .filter(({ grid }) => positions(grid) > 1);
}

export function positions({ height, width }: MapSize): number {
  return height * width;
}

/**
 * Where a network looks: Σ over channels of its maps' squares, averaged to `grid`, flattened, of length 1 (Zagoruyko & Komodakis 2017, eq. 1).
 *
 * @param maps [N, C, H, W]
 * @returns [N, height·width]
 */
export function attention(maps: Value, { height, width }: MapSize): Value {
  const energy = reduceSum(mul(maps, maps), [1], { keepdims: 1 }); // [N, C, H, W] → [N, 1, H, W]
  const flat = flatten(adaptiveAveragePool(energy, height, width));
  return div(flat, norm(flat));
}

/** A layer whose output [N, C, H, W] is compared, and on which grid. */
export interface MatchedLayer {
  readonly layer: string;
  readonly grid: MapSize;
}

/**
 * `loss` + strength/2 · Σ over layers of ‖attention of the student − attention of the teacher‖₂ (Zagoruyko & Komodakis 2017, eq. 2).
 * Targets are rows: those of `loss`, then the teacher's attention for each layer, which may carry the sample's weight.
 */
export function attentionTransfer(loss: Loss, layers: readonly MatchedLayer[], strength: number): Loss {
  const widthOf = (target: ReturnType<Loss["target"]>) => target?.shape[1] ?? 0;
  return {
    name: `${loss.name} with attention transfer`,
    target(prediction, layerOutput) {
      const own = loss.target(prediction, layerOutput);
      const width = layers.reduce((sum, { grid }) => sum + positions(grid), widthOf(own));
      return own && { ...own, shape: [own.shape[0] ?? 0, width] };
    },
    perSample(target, prediction, layerOutput) {
      let from = widthOf(loss.target(prediction, layerOutput));
      let sum = loss.perSample(slice(target, [0], [from], [1]), prediction, layerOutput);
      for (const { layer, grid } of layers) {
        const teacher = slice(target, [from], [from + positions(grid)], [1]);
        // Of length 1 but for the sample's weight, which the student's is given too.
        const student = mul(attention(layerOutput(layer), grid), norm(teacher));
        sum = add(sum, mul(flatNorm(sub(student, teacher)), strength / 2));
        from += positions(grid);
      }
      return sum;
    },
  };
}

/** The stages after which maps become much smaller, and the last. */
function halvings(stages: readonly MapSize[]): readonly number[] {
  const kept: number[] = [];
  let after = 0;
  for (const [stage, size] of [...stages.entries()].reverse()) {
    if (positions(size) < shrinkage * after) continue;
    kept.unshift(stage);
    after = positions(size);
  }
  return kept;
}

function commonGrid(one: MapSize | undefined, other: MapSize | undefined): MapSize {
  return {
    height: Math.min(maxSide, one?.height ?? 0, other?.height ?? 0),
    width: Math.min(maxSide, one?.width ?? 0, other?.width ?? 0),
  };
}

/** ‖row‖₂ of [N, width], as [N, 1]. */
function norm(rows: Value): Value {
  return sqrt(add(reduceSum(mul(rows, rows), [1], { keepdims: 1 }), tinySquare));
}

function flatNorm(rows: Value): Value {
  return sqrt(add(reduceSum(mul(rows, rows), [1], { keepdims: 0 }), tinySquare));
}
