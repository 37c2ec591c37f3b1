import type { Metric } from "./metric.ts";

/** Two metrics over the same batches as one: the product of two monoids is a monoid. */
export function both<Batch, StateA, ValueA, StateB, ValueB>(
  a: Metric<Batch, StateA, ValueA>,
  b: Metric<Batch, StateB, ValueB>,
): Metric<Batch, readonly [StateA, StateB], readonly [ValueA, ValueB]> {
  return {
    name: `${a.name}, ${b.name}`,
    init: () => [a.init(), b.init()],
    add: ([forA, forB], batch) => [a.add(forA, batch), b.add(forB, batch)],
    merge: ([leftA, leftB], [rightA, rightB]) => [a.merge(leftA, rightA), b.merge(leftB, rightB)],
    value: ([forA, forB]) => [a.value(forA), b.value(forB)],
  };
}
