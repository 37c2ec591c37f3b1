import { like } from "./infer.ts";
import { defineOp } from "./operator.ts";

/** y = x. */
export const identity = defineOp("Identity", {
  inputs: ["x"],
  infer: ([x]) => [like(x)],
  vjp: ([dy]) => [dy],
});
