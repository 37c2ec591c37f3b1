import { GraftError } from "../base/errors.ts";
import { sizeOf } from "../base/tensor.ts";
import { expand, reduceSum, reshape } from "../graph/coreOperators.ts";
import { axisOf, like, numbersOf, shapeError } from "../graph/infer.ts";
import { defineOp, int, text } from "../graph/operator.ts";
import { constantOf, scalar, type Value } from "../graph/value.ts";
import { add, mul } from "./arithmetic.ts";
import { cast, less } from "./comparison.ts";
import { stridesOf } from "./known.ts";

/**
 * Reading and writing at places that a tensor names. Every sum over repeated places goes through ScatterElements: the runtime's
 * ScatterND adds from several threads at once and loses updates (onnxruntime #23396).
 */

/** The entries `indices` of x along `axis`: shape [before…, indices…, after…]. dx adds each slice of dy to the place it came from. */
export const gather = defineOp("Gather", {
  inputs: ["x", "indices"],
  attributes: { axis: int(0) },
  infer: ([x, indices], { axis }) => {
    const at = axisOf("Gather", axis, x.rank);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)] }];
  },
  vjp: ([dy], { inputs: [x, indices], attributes: { axis } }) => {
    const shape = x.staticShape;
    const at = axisOf("Gather", axis, x.rank);
    const before = sizeOf(shape.slice(0, at));
    const after = sizeOf(shape.slice(at + 1));
    const places = sizeOf(indices.staticShape);
    const updates = reshape(dy, [before, places, after]);
    const at3 = expand(reshape(indices, [1, places, 1]), [before, places, after]);
    const sums = scatterElements(zeros(dy, [before, shape[at], after]), at3, updates, { axis: 1, reduction: "add" });
    return [reshape(sums, shape)];
  },
});

/** y[…i…] = x[…indices[…i…]…], where the index counts along `axis`. dx adds each dy to its place. */
export const gatherElements = defineOp("GatherElements", {
  inputs: ["x", "indices"],
  attributes: { axis: int(0) },
  infer: ([x, indices], { axis }) => {
    axisOf("GatherElements", axis, x.rank);
    return [{ dtype: x.dtype, shape: indices.shape }];
  },
  vjp: ([dy], { inputs: [x, indices], attributes: { axis } }): (Value | undefined)[] => [
    scatterElements(zeros(dy, x.staticShape), indices, dy, { axis, reduction: "add" }),
    undefined,
  ],
});

/** Copies `data` and writes (or adds) each update to the place that `indices` names along `axis`. What was overwritten has gradient 0. */
export const scatterElements = defineOp("ScatterElements", {
  inputs: ["data", "indices", "updates"],
  attributes: { axis: int(0), reduction: text("none") },
  infer: ([data]) => [like(data)],
  vjp: ([dy], { inputs: [, indices], attributes: { axis, reduction } }): (Value | undefined)[] => {
    const kept = wasOverwritten("ScatterElements", reduction)
      ? scatterElements(dy, indices, zeros(dy, indices.staticShape), { axis })
      : dy;
    return [kept, undefined, gatherElements(dy, indices, { axis })];
  },
});

/** The slices of x at the index tuples in the last axis of `indices`, the first `batch_dims` axes in step. dx adds each slice to its place. */
export const gatherND = defineOp("GatherND", {
  inputs: ["x", "indices"],
  attributes: { batch_dims: int(0) },
  infer: ([x, indices], { batch_dims }) => {
    const depth = indices.shape[indices.rank - 1];
    if (typeof depth !== "number" || batch_dims + depth > x.rank) {
      throw shapeError("GatherND", `indices [${indices.shape}] do not fit data [${x.shape}]`);
    }
    return [{ dtype: x.dtype, shape: [...indices.shape.slice(0, -1), ...x.shape.slice(batch_dims + depth)] }];
  },
  vjp: ([dy], { inputs: [x, indices], attributes: { batch_dims } }) => {
    const shape = x.staticShape;
    const depth = indices.staticShape[indices.rank - 1];
    const tuples = sizeOf(indices.staticShape.slice(0, -1));
    const batch = sizeOf(shape.slice(0, batch_dims));
    const lengths = shape.slice(batch_dims, batch_dims + depth);
    const rest = sizeOf(shape.slice(batch_dims + depth));
    const perBatch = reshape(flatIndices(indices, lengths), [batch, tuples / batch]);
    const starts = Array.from({ length: batch }, (_, i) => i * sizeOf(lengths));
    const rows = batch === 1 ? perBatch : add(perBatch, constantOf("int64", [batch, 1], starts));
    const places = expand(reshape(rows, [tuples, 1]), [tuples, rest]);
    const empty = zeros(dy, [batch * sizeOf(lengths), rest]);
    return [reshape(scatterElements(empty, places, reshape(dy, [tuples, rest]), { reduction: "add" }), shape)];
  },
});

/** Copies `data` and writes (or adds) slices to the index tuples in the last axis of `indices`. What was overwritten has gradient 0. */
export const scatterND = defineOp("ScatterND", {
  inputs: ["data", "indices", "updates"],
  attributes: { reduction: text("none") },
  infer: ([data]) => [like(data)],
  vjp: ([dy], { inputs: [, indices, updates], attributes: { reduction } }): (Value | undefined)[] => {
    const kept = wasOverwritten("ScatterND", reduction) ? scatterND(dy, indices, zeros(dy, updates.staticShape)) : dy;
    return [kept, undefined, gatherND(dy, indices)];
  },
});

/** The k largest (or smallest) entries along `axis`, and (second output) their indices. dx writes each dy to its place. */
export const topK = defineOp("TopK", {
  inputs: ["x", "k"],
  attributes: { axis: int(-1), largest: int(1), sorted: int(1) },
  infer: ([x, k], { axis }) => {
    const [count] = numbersOf("TopK", k, "k");
    const at = axisOf("TopK", axis, x.rank);
    const length = x.shape[at];
    if (typeof length === "number" && count > length) throw shapeError("TopK", `k ${count} > ${length} entries`);
    const shape = x.shape.with(at, count);
    return [
      { dtype: x.dtype, shape },
      { dtype: "int64", shape },
    ];
  },
  vjp: ([dy], { inputs: [x], outputs: [, indices], attributes: { axis } }) => [
    scatterElements(zeros(dy, x.staticShape), indices, dy, { axis }),
  ],
});

/** Σ i_k·stride_k over the last axis, where negative indices count from the end. */
function flatIndices(indices: Value, lengths: readonly number[]): Value {
  const shape = constantOf("int64", [lengths.length], lengths);
  const fromFront = add(indices, mul(cast(less(indices, scalar(0, "int64")), "int64"), shape));
  return reduceSum(mul(fromFront, constantOf("int64", [lengths.length], stridesOf(lengths))), [-1], { keepdims: 0 });
}

/** Whether a scatter with this reduction replaces what was there (true) or adds to it. */
function wasOverwritten(operator: string, reduction: string): boolean {
  if (reduction === "none" || reduction === "add") return reduction === "none";
  throw new GraftError("model", `${operator} with reduction "${reduction}" has no gradient; expected "none" or "add".`);
}

function zeros(like: Value, shape: readonly number[]): Value {
  return expand(scalar(0, like.dtype), shape);
}
