import { broadcastShapes } from "../base/shapes.ts";
import { shapeError } from "../graph/infer.ts";
import { defineOp } from "../graph/operator.ts";
import { scalar, type Value } from "../graph/value.ts";

/** a where the condition holds, else b, broadcasting. The gradient goes where the value came from. */
export const where = defineOp("Where", {
  inputs: ["condition", "a", "b"],
  infer: ([condition, a, b]) => {
    const values = broadcastShapes(a.shape, b.shape);
    const shape = values && broadcastShapes(condition.shape, values);
    if (shape === undefined || a.dtype !== b.dtype) {
      throw shapeError(
        "Where",
        `${a.dtype} [${a.shape}] and ${b.dtype} [${b.shape}] do not go with [${condition.shape}]`,
      );
    }
    return [{ dtype: a.dtype, shape }];
  },
  vjp: ([dy], { inputs: [condition] }): (Value | undefined)[] => {
    const zero = scalar(0, dy.dtype);
    return [undefined, where(condition, dy, zero), where(condition, zero, dy)];
  },
});

export const not = defineOp("Not", { inputs: ["x"], infer: ([x]) => [{ dtype: "bool", shape: x.shape }] });
