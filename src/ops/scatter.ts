import { like } from "../graph/infer.ts";
import { defineOp, int, text } from "../graph/operator.ts";

/** Copies `data` and writes (or adds) each update to the place that `indices` names along `axis`. */
export const scatterElements = defineOp("ScatterElements", {
  inputs: ["data", "indices", "updates"],
  attributes: { axis: int(0), reduction: text("none") },
  infer: ([data]) => [like(data)],
});
