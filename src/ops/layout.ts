import { addDims, type Dim, product } from "../base/shapes.ts";
import { reshape } from "../graph/coreOperators.ts";
import { axisOf, like, numbersOf, shapeError } from "../graph/infer.ts";
import { defineOp, int } from "../graph/operator.ts";
import type { Value } from "../graph/value.ts";
import { slice } from "./slicing.ts";

export { expand, reshape } from "../graph/coreOperators.ts";
export { identity } from "../graph/identity.ts";
export { transpose } from "./transpose.ts";

/** Joins tensors along `axis`. */
export const concat = defineOp("Concat", {
  inputs: ["...xs"],
  attributes: { axis: int(0) },
  infer: (xs, { axis }) => {
    const [first] = xs;
    const at = axisOf("Concat", axis, first.rank);
    let length: Dim = 0;
    for (const x of xs) {
      const fits =
        x.rank === first.rank &&
        x.shape.every(
          (dim, i) =>
            i === at || dim === first.shape[i] || typeof dim === "string" || typeof first.shape[i] === "string",
        );
      if (!fits || x.dtype !== first.dtype) {
        throw shapeError(
          "Concat",
          `${x.dtype} [${x.shape}] does not join ${first.dtype} [${first.shape}] on axis ${axis}`,
        );
      }
      length = addDims(length, x.shape[at]);
    }
    return [{ dtype: first.dtype, shape: first.shape.with(at, length) }];
  },
  vjp: ([dy], { inputs: xs, attributes: { axis } }) => {
    let start = 0;
    return xs.map((x) => {
      const length = x.staticShape[axisOf("Concat", axis, x.rank)];
      start += length;
      return slice(dy, [start - length], [start], [axis]);
    });
  },
});

/** Two axes: the product of the lengths before `axis`, and of the rest. */
export const flatten = defineOp("Flatten", {
  inputs: ["x"],
  attributes: { axis: int(1) },
  infer: ([x], { axis }) => {
    const at = axis < 0 ? axis + x.rank : axis;
    return [{ dtype: x.dtype, shape: [product(x.shape.slice(0, at)), product(x.shape.slice(at))] }];
  },
  vjp: ([dy], { inputs: [x] }) => [reshape(dy, x.staticShape)],
});

/** Drops axes of length 1. */
export const squeeze = defineOp("Squeeze", {
  inputs: ["x", "axes?"],
  infer: ([x, axes]) => {
    const dropped =
      axes === undefined
        ? x.shape.flatMap((dim, axis) => (dim === 1 ? [axis] : []))
        : numbersOf("Squeeze", axes, "axes").map((axis) => axisOf("Squeeze", axis, x.rank));
    const wrong = dropped.find((axis) => typeof x.shape[axis] === "number" && x.shape[axis] !== 1);
    if (wrong !== undefined) throw shapeError("Squeeze", `axis ${wrong} of [${x.shape}] does not have length 1`);
    return [{ dtype: x.dtype, shape: x.shape.filter((_, axis) => !dropped.includes(axis)) }];
  },
  vjp: ([dy], { inputs: [x] }) => [reshape(dy, x.staticShape)],
});

/** Adds axes of length 1 at the given places of the result. */
export const unsqueeze = defineOp("Unsqueeze", {
  inputs: ["x", "axes"],
  infer: ([x, axes]) => {
    const added = numbersOf("Unsqueeze", axes, "axes");
    const rank = x.rank + added.length;
    const places = new Set(added.map((axis) => axisOf("Unsqueeze", axis, rank)));
    if (places.size !== added.length) throw shapeError("Unsqueeze", `axes [${added}] repeat`);
    const rest = x.shape.values();
    const shape: Dim[] = [];
    for (let axis = 0; axis < rank; axis++) shape.push(places.has(axis) ? 1 : (rest.next().value ?? 1));
    return [{ dtype: x.dtype, shape }];
  },
  vjp: ([dy], { inputs: [x] }) => [reshape(dy, x.staticShape)],
});

/** `x` in the shape of `like`, whose elements it has. Throws `shape` when too many lengths only have a name. */
export function reshapeLike(x: Value, like: Value): Value {
  const target = like.shape.map((dim, axis) => {
    if (typeof dim === "number") return dim;
    // The first axis survives a flattening of later ones, so that it may be kept by name.
    return axis === 0 && x.shape[0] === dim ? 0 : -1;
  });
  if (target.filter((dim) => dim === -1).length <= 1) return reshape(x, target);
  const unknown = like.shape.flatMap((dim, axis) => (typeof dim === "string" ? [axis] : []));
  throw shapeError("Reshape", `the lengths of [${like.shape}] at axes ${unknown} must be known; give the image size`);
}

/** The lengths of `x` from axis `start` to `end`, as an int64 vector. */
export const shapeOf = defineOp("Shape", {
  inputs: ["x"],
  attributes: { start: int(0), end: int<number | undefined>(undefined) },
  infer: ([x], { start, end }) => [{ dtype: "int64", shape: [x.shape.slice(start, end).length] }],
});

/** ONNX's Dropout as it is at inference: the data pass unchanged. Training uses `dropout` in `dropout.ts`. */
export const inferenceDropout = defineOp("Dropout", {
  inputs: ["x", "ratio?", "training_mode?"],
  optionalOutputs: true,
  attributes: { seed: int<number | undefined>(undefined) },
  infer: ([x, , training]) => {
    if (training !== undefined && numbersOf("Dropout", training, "training_mode")[0] !== 0) {
      throw shapeError(
        "Dropout",
        "a node in training mode draws from the runtime's own generator; export the model for inference",
      );
    }
    return [like(x), { dtype: "bool", shape: x.shape }];
  },
  vjp: ([dy]) => [dy],
});
