import { axisOf } from "../graph/infer.ts";
import { defineOp, int } from "../graph/operator.ts";

/** The entries `indices` of x along `axis`: shape [before…, indices…, after…]. */
export const gather = defineOp("Gather", {
  inputs: ["x", "indices"],
  attributes: { axis: int(0) },
  infer: ([x, indices], { axis }) => {
    const at = axisOf("Gather", axis, x.rank);
    return [{ dtype: x.dtype, shape: [...x.shape.slice(0, at), ...indices.shape, ...x.shape.slice(at + 1)] }];
  },
});
