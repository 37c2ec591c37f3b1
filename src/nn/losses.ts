import { GraftError } from "../base/errors.ts";
import type { Value } from "../graph/value.ts";
import { clip, logSoftmax, sigmoid, softmax, softplus } from "../ops/activations.ts";
import { add, div, log, mul, neg, sub } from "../ops/arithmetic.ts";
import { flatten } from "../ops/layout.ts";
import { oneHot } from "../ops/oneHot.ts";
import { reduceMean, reduceSum } from "../ops/reductions.ts";
import { slice } from "../ops/slicing.ts";
import { classTargets, type Loss, valueTargets } from "./loss.ts";

export interface CrossentropyOptions {
  /** The share of each target that is spread over all classes (Szegedy et al. 2016, §7). Range [0, 1). */
  readonly labelSmoothing?: number;
}

// Keras' epsilon, below which a probability counts as this much when no logits are to be had.
const epsilon = 1e-7;

/** Targets are class indices, [N] int32. */
export function sparseCategoricalCrossentropy({ labelSmoothing = 0 }: CrossentropyOptions = {}): Loss {
  return {
    name: "sparseCategoricalCrossentropy",
    target: classTargets,
    perSample(target, prediction) {
      const classes = classesOf(prediction);
      return crossentropy(smooth(oneHot(target, classes), labelSmoothing, classes), prediction);
    },
  };
}

/** Targets are distributions over the classes, [N, classes]. */
export function categoricalCrossentropy({ labelSmoothing = 0 }: CrossentropyOptions = {}): Loss {
  return {
    name: "categoricalCrossentropy",
    target: valueTargets,
    perSample: (target, prediction) => crossentropy(smooth(target, labelSmoothing, classesOf(prediction)), prediction),
  };
}

/** Targets are 0 or 1 (or between), [N, units]; the mean over the units. */
export function binaryCrossentropy({ labelSmoothing = 0 }: CrossentropyOptions = {}): Loss {
  return {
    name: "binaryCrossentropy",
    target: valueTargets,
    perSample(target, prediction) {
      const smoothed = smooth(target, labelSmoothing, 2);
      const logits = inputOf(prediction, sigmoid.operator);
      return meanOfRest(logits ? stableBinary(smoothed, logits) : plainBinary(smoothed, prediction));
    },
  };
}

/** The mean of (prediction − target)² over all but the batch. */
export function meanSquaredError(): Loss {
  return {
    name: "meanSquaredError",
    target: valueTargets,
    perSample(target, prediction) {
      const difference = sub(prediction, target);
      return meanOfRest(mul(difference, difference));
    },
  };
}

export interface DistillationOptions {
  /** Of the teacher's share of the loss; above 1 its small probabilities count more. */
  readonly temperature: number;
  /** What the teacher's outputs count against the labels. Range [0, 1]. */
  readonly teacherShare: number;
}

/**
 * Cross-entropy with the labels and, both softened, with a teacher: (1 − s)·H(y, p) + s·T²·KL(qᵀ ‖ pᵀ) (Hinton et al. 2015, §2).
 * Targets are [N, 2·classes]: the true distribution, then the teacher's at temperature T already; both may carry the sample's weight.
 */
export function distillation({ temperature, teacherShare }: DistillationOptions): Loss {
  return {
    name: "distillation",
    target: (prediction) => ({
      dtype: "float32",
      shape: [prediction.staticShape[0] ?? 0, 2 * classesOf(prediction)],
    }),
    perSample(target, prediction) {
      const classes = classesOf(prediction);
      const logits = inputOf(prediction, softmax.operator);
      if (logits === undefined) throw new GraftError("usage", "distillation: the model must end in a softmax.");
      const part = (from: number) => slice(target, [from], [from + classes], [1]);
      const softened = logSoftmax(mul(logits, 1 / temperature), { axis: 1 });
      const teacher = part(classes);
      const distribution = div(teacher, reduceSum(teacher, [1], { keepdims: 1 }));
      const divergence = sub(log(clip(distribution, epsilon, 1)), softened);
      const taught = reduceSum(mul(teacher, divergence), [1], { keepdims: 0 });
      const learned = crossentropy(part(0), prediction);
      return add(mul(learned, 1 - teacherShare), mul(taught, teacherShare * temperature ** 2));
    },
  };
}

/** Losses by their Keras names. */
export const losses = {
  sparseCategoricalCrossentropy,
  categoricalCrossentropy,
  binaryCrossentropy,
  meanSquaredError,
} as const;

export type LossName = keyof typeof losses;

/** −Σ target·ln p. Behind a softmax the logarithm is taken of its input, which stays finite for any logits. */
function crossentropy(target: Value, prediction: Value): Value {
  const logits = inputOf(prediction, softmax.operator);
  const logProbabilities = logits ? logSoftmax(logits, { axis: 1 }) : log(clip(prediction, epsilon, 1 - epsilon));
  return neg(reduceSum(mul(target, logProbabilities), [1], { keepdims: 0 }));
}

/** ln(1 + e^z) − z·t. */
function stableBinary(target: Value, logits: Value): Value {
  return sub(softplus(logits), mul(logits, target));
}

function plainBinary(target: Value, prediction: Value): Value {
  const p = clip(prediction, epsilon, 1 - epsilon);
  const rest = (x: Value) => add(neg(x), 1);
  return neg(add(mul(target, log(p)), mul(rest(target), log(rest(p)))));
}

function smooth(target: Value, amount: number, classes: number): Value {
  if (amount === 0) return target;
  if (!(amount > 0 && amount < 1))
    throw new GraftError("usage", `labelSmoothing ${amount}: expected a number in [0, 1).`);
  return add(mul(target, 1 - amount), amount / classes);
}

/** What goes into the activation that ends in `prediction`; nothing where it ends in another one. */
export function inputOf(prediction: Value, operator: typeof softmax.operator): Value | undefined {
  const { source } = prediction;
  return source.kind === "node" && source.node.operator === operator ? source.node.inputs[0] : undefined;
}

function classesOf(prediction: Value): number {
  const [, classes, ...rest] = prediction.staticShape;
  if (rest.length > 0 || classes === undefined || classes < 2) {
    throw new GraftError(
      "shape",
      `a categorical loss needs a model output of two classes or more, got [${prediction.shape.slice(1)}]. ` +
        'End the model with dense(classes, { activation: "softmax" }), or use binaryCrossentropy with one sigmoid unit.',
    );
  }
  return classes;
}

function meanOfRest(values: Value): Value {
  return reduceMean(flatten(values), [1], { keepdims: 0 });
}
