import { constantOf, type Value } from "../graph/value.ts";
import { softmax } from "../ops/activations.ts";
import { add, log, max, mul } from "../ops/arithmetic.ts";
import { inputOf } from "./losses.ts";

/** Keeps the logarithm of a probability that rounded to zero finite. */
const leastProbability = 1e-12;

/** Logits behind probabilities [N, classes]: what goes into their softmax, or their logarithms where they come out of none. */
export function logitsOf(probabilities: Value): Value {
  return inputOf(probabilities, softmax.operator) ?? log(max(probabilities, leastProbability));
}

/** softmax(factors ⊙ z + shifts) of logits z [N, classes]: temperature or vector scaling (Guo et al. 2017, section 4.2), as a part of the graph. */
export function calibratedProbabilities(
  logits: Value,
  { factors, shifts }: { readonly factors: Float64Array; readonly shifts: Float64Array },
): Value {
  const row = (values: Float64Array) => constantOf("float32", [1, values.length], [...values]);
  return softmax(add(mul(logits, row(factors)), row(shifts)), { axis: 1 });
}
