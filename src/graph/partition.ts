import { substitute } from "./substitute.ts";
import { dependents, leavesOf, nodesOf } from "./traverse.ts";
import { input, type Value } from "./value.ts";

/** A graph in two: what does not depend on trainable parameters, and the rest. */
export interface Partition {
  /** Values of the frozen part that the rest needs: what is worth caching. */
  readonly frontier: readonly Value[];
  /** The rest's inputs that stand for them, in the same order. */
  readonly received: readonly Value[];
  /** The given outputs over `received`. */
  readonly outputs: readonly Value[];
}

/**
 * Splits a graph at the first nodes that depend on any of `trainable`. Only values that depend on `data` cross: what is
 * computed from constants and frozen parameters alone stays with the rest, where it is cheaper than carrying it.
 *
 * @param data what is fed for each batch
 */
export function partition(outputs: readonly Value[], trainable: readonly Value[], data: readonly Value[]): Partition {
  const order = nodesOf(outputs);
  const moving = dependents(order, new Set(trainable));
  const fromData = dependents(order, new Set(data));
  const frontier = new Set<Value>();
  const consider = (value: Value | undefined) => {
    if (value?.source.kind !== "node") return;
    const { node } = value.source;
    if (fromData.has(node) && !moving.has(node)) frontier.add(value);
  };
  for (const node of moving) for (const value of node.inputs) consider(value);
  for (const output of outputs) consider(output);
  const received = [...frontier].map((value, i) => input(`frozen.${i}`, value.dtype, value.shape));
  const bound = new Map([...frontier].map((value, i) => [value, received[i]]));
  return { frontier: [...frontier], received, outputs: substitute(outputs, bound) };
}

/** Fed values that `outputs` still need. */
export function inputsOf(outputs: readonly Value[]): readonly Value[] {
  return leavesOf(outputs).filter(({ source }) => source.kind === "input");
}
