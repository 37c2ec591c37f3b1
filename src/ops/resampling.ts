import { type Dim, sameShape } from "../base/shapes.ts";
import { sizeOf } from "../base/tensor.ts";
import { axisOf, numbersOf, shapeError } from "../graph/infer.ts";
import { defineOp, float, int, ints, text } from "../graph/operator.ts";
import { constantNumbers, constantOf, type Value } from "../graph/value.ts";
import { mul } from "./arithmetic.ts";
import { interpolationMatrix, repetitionOf } from "./interpolation.ts";
import { reshape } from "./layout.ts";
import { averagePool } from "./pooling.ts";
import { matmul } from "./products.ts";
import { transpose } from "./transpose.ts";

/**
 * Changes lengths by interpolation; computed sizes give unknown lengths. Each axis is read by a matrix of its own, y = M_h·x·M_wᵀ,
 * so dx is the product with the transposed matrices.
 */
export const resize = defineOp("Resize", {
  inputs: ["x", "roi?", "scales?", "sizes?"],
  attributes: {
    antialias: int(0),
    axes: ints<readonly number[] | undefined>(undefined),
    coordinate_transformation_mode: text("half_pixel"),
    cubic_coeff_a: float(-0.75),
    exclude_outside: int(0),
    extrapolation_value: float(0),
    keep_aspect_ratio_policy: text("stretch"),
    mode: text("nearest"),
    nearest_mode: text("round_prefer_floor"),
  },
  infer: ([x, , scales, sizes], { axes, keep_aspect_ratio_policy }) => {
    const shape: Dim[] = [...x.shape];
    for (const { axis, length } of targetsOf(x, scales, sizes, axes, keep_aspect_ratio_policy)) shape[axis] = length;
    return [{ dtype: x.dtype, shape }];
  },
  vjp: ([dy], { inputs: [x, , scales, sizes], attributes }) => {
    // The runtime copies where no length changes, whatever the scales.
    if (sameShape(dy.shape, x.shape)) return [dy];
    const how = {
      mode: attributes.mode,
      coordinates: attributes.coordinate_transformation_mode,
      nearest: attributes.nearest_mode,
      cubicCoefficient: attributes.cubic_coeff_a,
      antialias: attributes.antialias !== 0,
      excludeOutside: attributes.exclude_outside !== 0,
    };
    const targets = targetsOf(x, scales, sizes, attributes.axes, attributes.keep_aspect_ratio_policy);
    const changes = targets.flatMap(({ axis, scale }): Change[] => {
      const from = x.staticShape[axis];
      const to = dy.staticShape[axis];
      // With antialias the runtime copies along each axis whose length does not change.
      if (from === to && (scale === 1 || how.antialias)) return [];
      return [{ axis, from, to, matrix: interpolationMatrix(from, to, scale ?? to / from, how) }];
    });
    return [sumBlocks(dy, changes) ?? changes.reduceRight(productAlong, dy)];
  },
});

/** What one axis of the result is of the data. */
interface Change {
  readonly axis: number;
  readonly from: number;
  readonly to: number;
  readonly matrix: readonly number[];
}

/** The gradient where each pixel was only repeated: sums over blocks, by pooling in half the time of the products. */
function sumBlocks(dy: Value, changes: readonly Change[]): Value | undefined {
  if (changes.length === 0 || dy.rank > 5) return undefined;
  const blocks = new Array<number>(dy.rank).fill(1);
  for (const { axis, from, to, matrix } of changes) {
    const times = repetitionOf(matrix, from, to);
    if (axis < 2 || times === undefined) return undefined;
    blocks[axis] = times;
  }
  const kernel = blocks.slice(2);
  return mul(averagePool(dy, { kernel_shape: kernel, strides: kernel }), sizeOf(kernel));
}

interface Target {
  readonly axis: number;
  readonly length: Dim;
  /** Nothing when it depends on a computed operand. */
  readonly scale: number | undefined;
}

/** What becomes of each resized axis. */
function targetsOf(
  x: Value,
  scales: Value | undefined,
  sizes: Value | undefined,
  given: readonly number[] | undefined,
  policy: string,
): readonly Target[] {
  const axes = (given ?? [...x.shape.keys()]).map((axis) => axisOf("Resize", axis, x.rank));
  const operand = sizes ?? scales;
  if (operand === undefined) throw shapeError("Resize", 'neither "scales" nor "sizes" is given');
  const numbers = constantNumbers(operand) ?? [];
  const ratios = axes.map((axis, i) => numbers[i] / Number(x.shape[axis]));
  const common = policy === "not_larger" ? Math.min(...ratios) : Math.max(...ratios);
  return axes.map((axis, i): Target => {
    const length = x.shape[axis];
    const number: number | undefined = numbers[i];
    const unknown = { axis, length: `resized(${length})`, scale: undefined };
    if (number === undefined) return unknown;
    if (sizes && policy === "stretch") return { axis, length: number, scale: ratios[i] };
    if (typeof length !== "number") return unknown;
    // In single precision, like the runtime: 5 × 2.6 is 13 there, and a little less in double.
    if (!sizes) return { axis, length: Math.floor(Math.fround(length * number)), scale: number };
    return Number.isFinite(common) ? { axis, length: Math.floor(length * common + 0.5), scale: common } : unknown;
  });
}

/** dy along one axis times its matrix. */
function productAlong(dy: Value, { axis, from, to, matrix }: Change): Value {
  const shape = dy.staticShape;
  const before = sizeOf(shape.slice(0, axis));
  const after = sizeOf(shape.slice(axis + 1));
  const factor = constantOf(dy.dtype, [to, from], matrix);
  const result =
    after === 1
      ? matmul(reshape(dy, [before, to]), factor)
      : matmul(transpose(factor), reshape(dy, [before, to, after]));
  return reshape(result, shape.with(axis, from));
}

/** The middle `shape` of the given axes; zeros around what is too small. */
export const centerCropPad = defineOp("CenterCropPad", {
  inputs: ["x", "shape"],
  attributes: { axes: ints<readonly number[] | undefined>(undefined) },
  infer: ([x, target], { axes }) => {
    const numbers = numbersOf("CenterCropPad", target, "shape");
    const shape: Dim[] = [...x.shape];
    (axes ?? [...x.shape.keys()]).forEach((axis, i) => {
      shape[axisOf("CenterCropPad", axis, x.rank)] = numbers[i];
    });
    return [{ dtype: x.dtype, shape }];
  },
});
