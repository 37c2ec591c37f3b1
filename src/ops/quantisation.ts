import { defineOp, int } from "../graph/operator.ts";
import { rewrite, type Values } from "../graph/rewrite.ts";
import type { Value } from "../graph/value.ts";
import { add, sub } from "./arithmetic.ts";
import { stopGradient } from "./gradientControl.ts";

/** saturate(round(x / scale) + zero_point), per tensor or along `axis`. */
export const quantizeLinear = defineOp("QuantizeLinear", {
  inputs: ["x", "scale", "zero_point?"],
  attributes: { axis: int(1), saturate: int(1) },
  infer: ([x, , zeroPoint]) => [{ dtype: zeroPoint?.dtype ?? "uint8", shape: x.shape }],
});

/** (x − zero_point)·scale. */
export const dequantizeLinear = defineOp("DequantizeLinear", {
  inputs: ["x", "scale", "zero_point?"],
  attributes: { axis: int(1) },
  infer: ([x, scale]) => [{ dtype: scale.dtype, shape: x.shape }],
});

/**
 * The same graph, whose rounding passes gradients straight through (Bengio et al. 2013, §2.3): each value that is quantised and
 * dequantised again, x → q, becomes x + (q − x) with a gradient for x alone.
 */
export function straightThrough<const T extends readonly Value[]>(outputs: T): Values<T> {
  return rewrite(outputs, (node, [quantised, ...scales]) => {
    const before = quantised?.source.kind === "node" ? quantised.source.node : undefined;
    if (node.operator !== dequantizeLinear.operator || before?.operator !== quantizeLinear.operator) return undefined;
    const [x] = before.inputs;
    const [scale, zeroPoint] = scales;
    if (x === undefined || quantised === undefined || scale === undefined) return undefined;
    const restored = dequantizeLinear(quantised, scale, zeroPoint, { axis: Number(node.attributes["axis"]) });
    return [add(x, stopGradient(sub(restored, x)))];
  });
}
