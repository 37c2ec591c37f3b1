import { type Dim, divideDims, multiplyDims } from "../base/shapes.ts";
import { reduceSum, reshape } from "../graph/coreOperators.ts";
import { axisOf, like, numbersOf, shapeError } from "../graph/infer.ts";
import { defineOp, int, text } from "../graph/operator.ts";
import type { Value } from "../graph/value.ts";
import { concat } from "./layout.ts";
import { transpose } from "./transpose.ts";

/** Repeats x repeats[i] times along axis i. dx sums over the copies. */
export const tile = defineOp("Tile", {
  inputs: ["x", "repeats"],
  infer: ([x, repeats]) => {
    const counts = numbersOf("Tile", repeats, "repeats");
    if (counts.length !== x.rank) throw shapeError("Tile", `repeats [${counts}] do not fit [${x.shape}]`);
    return [{ dtype: x.dtype, shape: x.shape.map((dim, axis) => multiplyDims(dim, counts[axis])) }];
  },
  vjp: ([dy], { inputs: [x, repeats] }) => {
    const counts = numbersOf("Tile", repeats, "repeats");
    const shape = x.staticShape;
    const axes = counts.flatMap((count, axis) => (count === 1 ? [] : [2 * axis]));
    if (axes.length === 0) return [dy];
    const copies = reshape(
      dy,
      shape.flatMap((length, axis) => [counts[axis], length]),
      { allowzero: 1 },
    );
    return [reshape(reduceSum(copies, axes, { keepdims: 0 }), shape)];
  },
});

/** Cuts x along `axis` into pieces of the lengths `split`, or into `num_outputs` of which the last may be shorter. dx joins them. */
export const split = defineOp("Split", {
  inputs: ["x", "split?"],
  attributes: { axis: int(0), num_outputs: int<number | undefined>(undefined) },
  infer: ([x, lengths], { axis, num_outputs }) => {
    const at = axisOf("Split", axis, x.rank);
    return pieces(x.shape[at], lengths, num_outputs).map((length) => ({
      dtype: x.dtype,
      shape: x.shape.with(at, length),
    }));
  },
  vjp: (dys, { attributes: { axis } }): (Value | undefined)[] => [concat(...dys, { axis })],
});

function pieces(whole: Dim, lengths: Value | undefined, count: number | undefined): readonly Dim[] {
  if (lengths !== undefined) {
    const given = numbersOf("Split", lengths, "split");
    const sum = given.reduce((a, b) => a + b, 0);
    if (typeof whole === "number" && sum !== whole) throw shapeError("Split", `[${given}] do not add up to ${whole}`);
    return given;
  }
  if (count === undefined || count < 1) throw shapeError("Split", 'neither "split" nor "num_outputs" is given');
  if (typeof whole !== "number") return new Array<Dim>(count).fill(divideDims(whole, count));
  const each = Math.ceil(whole / count);
  return Array.from({ length: count }, (_, i) => Math.max(0, Math.min(each, whole - i * each)));
}

/** The upper (or lower) triangle of each matrix from diagonal k on, zeros elsewhere. dx is the same triangle of dy. */
export const trilu = defineOp("Trilu", {
  inputs: ["x", "k?"],
  attributes: { upper: int(1) },
  infer: ([x]) => [like(x)],
  vjp: ([dy], { inputs: [, k], attributes }): (Value | undefined)[] => [trilu(dy, k, attributes)],
});

/** [N, C·b², H, W] → [N, C, H·b, W·b]: channels become blocks of b × b, block-major ("DCR") or channel-major ("CRD"). dx is the way back. */
export const depthToSpace = defineOp("DepthToSpace", {
  inputs: ["x"],
  attributes: { blocksize: int(1), mode: text("DCR") },
  infer: ([x], { blocksize: b }) => {
    const [count, channels, height, width] = x.shape;
    if (x.rank !== 4 || (typeof channels === "number" && channels % b ** 2 !== 0)) {
      throw shapeError("DepthToSpace", `[${x.shape}] is not [N, C·${b}², H, W]`);
    }
    const shape = [count, divideDims(channels, b ** 2), multiplyDims(height, b), multiplyDims(width, b)];
    return [{ dtype: x.dtype, shape }];
  },
  vjp: ([dy], { inputs: [x], attributes: { blocksize: b, mode } }): Value[] => {
    if (mode === "DCR") return [spaceToDepth(dy, { blocksize: b })];
    const [count, channels, height, width] = dy.staticShape;
    const blocks = reshape(dy, [count, channels, height / b, b, width / b, b]);
    return [reshape(transpose(blocks, { perm: [0, 1, 3, 5, 2, 4] }), x.staticShape)];
  },
});

/** [N, C, H·b, W·b] → [N, C·b², H, W]: blocks of b × b become channels, block-major. dx is the way back. */
export const spaceToDepth = defineOp("SpaceToDepth", {
  inputs: ["x"],
  attributes: { blocksize: int(1) },
  infer: ([x], { blocksize: b }) => {
    const [count, channels, height, width] = x.shape;
    if (x.rank !== 4 || [height, width].some((length) => typeof length === "number" && length % b !== 0)) {
      throw shapeError("SpaceToDepth", `[${x.shape}] is not [N, C, H·${b}, W·${b}]`);
    }
    const shape = [count, multiplyDims(channels, b ** 2), divideDims(height, b), divideDims(width, b)];
    return [{ dtype: x.dtype, shape }];
  },
  vjp: ([dy], { attributes: { blocksize } }): Value[] => [depthToSpace(dy, { blocksize })],
});
