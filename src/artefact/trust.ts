import { type ClassGaussians, nearestDistance } from "../algebra/classGaussians.ts";
import { constantOf, type Value } from "../graph/value.ts";
import { calibratedProbabilities, logitsOf } from "../nn/calibratedOutput.ts";
import { neg } from "../ops/arithmetic.ts";
import { reduceLogSumExp } from "../ops/reductions.ts";
import { type StatedAnswerTrust, type StatedTrust, unknownOutput } from "./statedTrust.ts";

/** How the output `unknown` is measured: the distance of features to the nearest class (Lee et al. 2018), or −ln Σ e^z of logits (Liu et al. 2020). */
export type UnknownMeasure =
  | { readonly kind: "mahalanobis"; readonly gaussians: ClassGaussians }
  | { readonly kind: "energy" };

/** What is added to a classifier so that its answers can be believed. */
export interface Trust extends StatedTrust {
  readonly scaling: { readonly factors: Float64Array; readonly shifts: Float64Array };
  readonly measure: UnknownMeasure;
}

/** What is added to the probabilities of one target among several. */
export interface TargetTrust extends StatedAnswerTrust {
  readonly scaling: Trust["scaling"];
}

/** The outputs of a classifier, by name. */
export function trusted(
  probabilities: Value,
  features: Value | undefined,
  trust: Trust | undefined,
): ReadonlyMap<string, Value> {
  if (trust === undefined) return new Map([["probabilities", probabilities]]);
  const logits = logitsOf(probabilities);
  return new Map([
    ["probabilities", calibratedProbabilities(logits, trust.scaling)],
    [unknownOutput, unknownScore(logits, features, trust.measure)],
  ]);
}

/** [N], larger the less an image is like those of the training. */
export function unknownScore(logits: Value, features: Value | undefined, measure: UnknownMeasure): Value {
  if (measure.kind === "mahalanobis" && features !== undefined) return nearestDistance(features, measure.gaussians);
  return neg(reduceLogSumExp(logits, constantOf("int64", [1], [1]), { keepdims: 0 }));
}
