import type { Node, Value } from "../graph/value.ts";
import { isPerChannel } from "./blockedOperators.ts";

/** More operators cost more time than the memory that they free is worth. */
const mostOperators = 8;

/**
 * Saved values that a few elementwise operators make from other saved values: the output of an activation, say, from what its batch
 * normalisation keeps anyway.
 *
 * @param forward nodes of the loss, each after those it needs
 * @param saved forward values that the backward part reads
 */
export function cheapValues(
  forward: readonly Node[],
  saved: ReadonlySet<Value>,
  isSmall: (value: Value) => boolean,
): ReadonlySet<Value> {
  const cheap = new Set<Value>();
  /** Operators left of `budget` after those that make `value` from stored ones; negative when they do not suffice. */
  const left = (value: Value | undefined, budget: number): number => {
    if (value === undefined || isSmall(value) || (saved.has(value) && !cheap.has(value)) || budget < 0) return budget;
    return saved.has(value) ? -1 : leftAfter(value, budget);
  };
  const leftAfter = (value: Value, budget: number): number => {
    if (value.source.kind !== "node" || !isElementwise(value.source.node)) return -1;
    return value.source.node.inputs.reduce((rest, operand) => left(operand, rest), budget - 1);
  };
  for (const value of forward.flatMap(({ outputs }) => outputs)) {
    if (saved.has(value) && !isSmall(value) && leftAfter(value, mostOperators) >= 0) cheap.add(value);
  }
  return cheap;
}

function isElementwise(node: Node): boolean {
  return node.operator.rule?.elementwise === true || isPerChannel(node);
}
