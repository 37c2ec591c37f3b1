/**
 * How good predictions are, as a monoid: the same code measures a stream of batches, shards in several workers, and a bootstrap.
 * For any split of the batches, merging the parts gives what adding them one after another gives, and `init()` merged in changes nothing
 * (sums of fractions: up to rounding).
 */
export interface Metric<Batch, State, Value> {
  readonly name: string;
  /** The state before any batch. */
  init(): State;
  /** The state with one more batch. `state` is spent: its memory may live on in the result. */
  add(state: State, batch: Batch): State;
  /** Both states together; neither is changed. */
  merge(a: State, b: State): State;
  /** Throws `data` when nothing was measured. */
  value(state: State): Value;
}

/** The value of a metric over all batches. */
export function measure<Batch, State, Value>(metric: Metric<Batch, State, Value>, batches: Iterable<Batch>): Value {
  let state = metric.init();
  for (const batch of batches) state = metric.add(state, batch);
  return metric.value(state);
}
