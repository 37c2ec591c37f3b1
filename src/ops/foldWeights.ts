import { arrayOf } from "../base/dtypes.ts";
import { isStatic } from "../base/shapes.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { constant, type Node, type Value } from "../graph/value.ts";
import { stridesOf } from "./known.ts";

const views = new Set(["Reshape", "Squeeze", "Unsqueeze", "Flatten"]);

/**
 * A weight that a file stores in another shape or order than it uses, brought into place; nothing for other nodes.
 * So a transposed matrix in front of a product is a weight again, and not a computation.
 */
export function foldWeight({ operator, inputs, outputs, attributes }: Node): Value | undefined {
  const [x] = inputs;
  const type = outputs[0]?.type;
  if (x?.source.kind !== "constant" || type === undefined || !isStatic(type.shape)) return undefined;
  const { tensor, name } = x.source;
  if (operator.domain !== "" || tensor.size !== sizeOf(type.shape)) return undefined;
  if (operator.name === "Identity") return x;
  if (views.has(operator.name)) return constant(new Tensor(tensor.dtype, type.shape, tensor.bytes), name);
  if (operator.name !== "Transpose") return undefined;
  const perm = attributes["perm"];
  const order = Array.isArray(perm) ? perm.map(Number) : [...tensor.shape.keys()].reverse();
  return constant(transposed(tensor, order), name);
}

function transposed(tensor: Tensor, perm: readonly number[]): Tensor {
  const shape = perm.map((axis) => tensor.shape[axis]);
  const strides = stridesOf(tensor.shape);
  const steps = perm.map((axis) => strides[axis]);
  const from = tensor.data;
  const to = new arrayOf[tensor.dtype](from.length);
  const place = new Array<number>(shape.length).fill(0);
  let at = 0;
  for (let i = 0; i < to.length; i++) {
    to[i] = from[at];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      at += steps[axis];
      if (++place[axis] < shape[axis]) break;
      at -= steps[axis] * shape[axis];
      place[axis] = 0;
    }
  }
  return Tensor.of(tensor.dtype, shape, to);
}
