import { identity } from "../graph/identity.ts";
import { dense } from "../nn/denseLayers.ts";
import type { Layer, SymbolicTensor } from "../nn/layer.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { stopGradient } from "../ops/gradientControl.ts";
import {
  adversarial,
  adversarialStrength,
  conditionalReversal,
  entropyConditioned,
  reversal,
} from "./losses/adversarial.ts";
import { classConfusion } from "./losses/classConfusion.ts";
import { deepCoral } from "./losses/deepCoral.ts";
import { type ScheduledTerm, scheduled } from "./losses/domainBatch.ts";
import { jointMmd } from "./losses/jointMmd.ts";
import { marginDisparity } from "./losses/marginDisparity.ts";
import { multiKernelMmd } from "./losses/multiKernelMmd.ts";
import { openSetBoundary } from "./losses/openSetBoundary.ts";
import { pseudoLabelStrength, pseudoLabels } from "./losses/pseudoLabels.ts";

/** Methods that learn by steps, on batches of which one half is of each domain. */
export const trainedMethodNames = ["deep-coral", "dan", "jan", "dann", "cdan", "mdd", "mcc", "pseudo-labels"] as const;

/** Those of them for a target with classes that the source does not have: their answers have one class more, the unknown one. */
export const openSetMethodNames = ["osbp"] as const;

export type TrainedMethodName = (typeof trainedMethodNames)[number] | (typeof openSetMethodNames)[number];

/** Methods that learn by steps on the target alone, behind a classifier of the source that stays. */
export const sourceFreeMethodNames = ["shot"] as const;
export type SourceFreeMethodName = (typeof sourceFreeMethodNames)[number];

/** The method that changes the statistics of batch normalisation alone. */
export const statisticsMethod = "adabn";

/** The method that leaves features as they are and lets classes that the target lacks count less. */
export const weightedMethod = "class-weights";

/** The layer whose features the domains share. */
export const sharedLayer = "bottleneck";
const domainUnits = 128;
const logits = "domain_logits";
const marginLogits = "margin_logits";
const openAnswers = { reversed: "reversed_answers", detached: "detached_answers" };
/**
 * What the strength of DANN ends at. The paper's 1 is for gradient descent; divided by their own size, as Adam does, reversed gradients outweigh a classifier
 * that has learned its source, and mix classes.
 */
const domainStrength = 0.1;
/** What the strength of MDD ends at: η of the paper's experiments. */
const marginStrength = 0.1;

export interface TrainedMethod {
  readonly term: ScheduledTerm;
  /** λ at a share of the training, 0 to 1. */
  strength(share: number): number;
  /** The layer with the logits [N, 1] of what tells the domains apart, where the method has one. */
  readonly discriminator?: string;
  /** Layers beside the classifier, from the shared features and its answers. */
  auxiliary?(features: SymbolicTensor, answers: SymbolicTensor, classes: number): readonly SymbolicTensor[];
}

export const trainedMethods: Readonly<Record<TrainedMethodName, TrainedMethod>> = {
  "deep-coral": { term: scheduled(deepCoral(sharedLayer)), strength: () => 100 },
  dan: { term: scheduled(multiKernelMmd(sharedLayer)), strength: () => 1 },
  jan: { term: scheduled(jointMmd(sharedLayer)), strength: () => 1 },
  dann: {
    term: scheduled(adversarial(logits)),
    strength: (share) => domainStrength * adversarialStrength(share),
    discriminator: logits,
    auxiliary: (features) => [domainClassifier(reversal("reversal")(features))],
  },
  cdan: {
    term: scheduled(entropyConditioned(logits)),
    strength: adversarialStrength,
    discriminator: logits,
    auxiliary: (features, answers) => [domainClassifier(conditionalReversal("reversal")(features, answers))],
  },
  mdd: {
    term: scheduled(marginDisparity(marginLogits)),
    strength: (share) => marginStrength * adversarialStrength(share),
    auxiliary: (features, _, classes) => [classifier(reversal("reversal")(features), "margin", classes)],
  },
  mcc: { term: scheduled(classConfusion()), strength: () => 1 },
  "pseudo-labels": { term: scheduled(pseudoLabels()), strength: pseudoLabelStrength },
  osbp: {
    term: openSetBoundary(openAnswers),
    strength: adversarialStrength,
    // The classifier itself, not one beside it.
    auxiliary: (features, answers) => [
      renamed(again(answers, reversal("reversal")(features)), openAnswers.reversed),
      renamed(again(answers, moduleLayer("detachment", (_, x) => stopGradient(x))(features)), openAnswers.detached),
    ],
  },
};

/** The layer that gave a value, with the same parameters on another. */
function again(value: SymbolicTensor, input: SymbolicTensor): SymbolicTensor {
  if (value.kind === "input") throw new Error("an input comes from no layer");
  return value.layer(input);
}

/** So that a loss finds it: a layer that is applied twice has one name. */
function renamed(value: SymbolicTensor, name: string): SymbolicTensor {
  return moduleLayer(name, (_, x) => identity(x))(value);
}

function domainClassifier(x: SymbolicTensor): SymbolicTensor {
  return classifier(x, "domain", 1);
}

function classifier(x: SymbolicTensor, name: string, units: number): SymbolicTensor {
  const layers: readonly Layer[] = [
    dense(domainUnits, { activation: "relu", name: `${name}_hidden` }),
    dense(units, { name: `${name}_logits` }),
  ];
  return layers.reduce((symbol, layer) => layer(symbol), x);
}
