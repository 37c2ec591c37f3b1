import { countUses, rewrite, type Values } from "../graph/rewrite.ts";
import type { Node, Value } from "../graph/value.ts";
import { add, div, mul, sqrt, sub } from "./arithmetic.ts";
import { conv } from "./convolution.ts";
import { reshape } from "./layout.ts";
import { batchNormalization } from "./normalisation.ts";

/**
 * Moves batch normalisation with fixed statistics into the convolution before it, as graph:
 * with s = scale/√(var + ε), s·(w∗x + b − mean) + bias = (s·w)∗x + s·(b − mean) + bias.
 * The work is then done on filters instead of feature maps, and gradients reach w, scale and bias through the same formula.
 */
export function foldBatchNorm<const T extends readonly Value[]>(outputs: T): Values<T> {
  const uses = countUses(outputs);
  return rewrite(outputs, (node, [x, scale, bias, mean, variance]) => {
    const before = producerOf(x);
    if (node.operator !== batchNormalization.operator || before?.operator !== conv.operator) return undefined;
    const original = node.inputs[0];
    const isFixed = node.attributes["training_mode"] === 0;
    if (!isFixed || original === undefined || uses.get(original) !== 1) return undefined;
    const [data, w, b] = before.inputs;
    if (!data || !w || !scale || !bias || !mean || !variance) return undefined;
    const factor = div(scale, sqrt(add(variance, epsilonOf(node)))); // [O]
    const filter = mul(w, reshape(factor, [-1, ...new Array<number>(w.rank - 1).fill(1)]));
    const shift = add(mul(b === undefined ? mul(mean, -1) : sub(b, mean), factor), bias);
    return [conv(data, filter, shift, { ...before.attributes })];
  });
}

function producerOf(value: Value | undefined): Node | undefined {
  return value?.source.kind === "node" ? value.source.node : undefined;
}

function epsilonOf({ attributes }: Node): number {
  const { epsilon } = attributes;
  return typeof epsilon === "number" ? epsilon : 1e-5;
}
