import { expand } from "./coreOperators.ts";
import { scalar, type Value } from "./value.ts";

/** `number` in the shape and type of `like`; a scalar where its type is not known. */
export function filled(like: Value, number: number): Value {
  const shape = like.type === undefined ? [] : like.staticShape;
  const one = scalar(number, like.type?.dtype);
  return shape.length === 0 ? one : expand(one, shape);
}

/** Whether `value` is `filled` with 0, as is the cotangent of an output that the loss does not use. */
export function isZero({ source }: Value): boolean {
  if (source.kind === "constant") return source.tensor.size === 1 && source.tensor.numbers[0] === 0;
  if (source.kind === "input" || source.node.operator !== expand.operator) return false;
  const [one] = source.node.inputs;
  return one !== undefined && isZero(one);
}
