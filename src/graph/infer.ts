import { GraftError } from "../base/errors.ts";
import { broadcastShapes, resolveAxis, type Shape, showShape } from "../base/shapes.ts";
import { constantNumbers, describe, type TensorType, type Value } from "./value.ts";

/** The same type as `x`. */
export function like(x: Value): TensorType {
  return { dtype: x.dtype, shape: x.shape };
}

/** The type of an elementwise result of several operands. */
export function broadcast(operator: string, ...operands: readonly Value[]): TensorType {
  let shape: Shape = [];
  for (const operand of operands) {
    if (operand.dtype !== operands[0].dtype) {
      throw shapeError(
        operator,
        `operands of one type expected, got ${operands.map(({ dtype }) => dtype).join(" and ")}`,
      );
    }
    const next = broadcastShapes(shape, operand.shape);
    if (next === undefined) {
      throw shapeError(operator, `shapes ${operands.map((o) => showShape(o.shape)).join(" and ")} do not broadcast`);
    }
    shape = next;
  }
  return { dtype: operands[0].dtype, shape };
}

/** An axis counted from the front. Throws `shape` when it lies outside. */
export function axisOf(operator: string, axis: number, rank: number): number {
  const resolved = resolveAxis(axis, rank);
  if (resolved === undefined) throw shapeError(operator, `axis ${axis} is outside a tensor of rank ${rank}`);
  return resolved;
}

/** The numbers of an operand that must be a constant (axes, pads, shapes). */
export function numbersOf(operator: string, operand: Value, name: string): readonly number[] {
  const numbers = constantNumbers(operand);
  if (numbers === undefined) throw shapeError(operator, `"${name}" must be a constant, got ${describe(operand)}`);
  return numbers;
}

export function shapeError(operator: string, message: string): GraftError {
  return new GraftError("shape", `${operator}: ${message}.`);
}
