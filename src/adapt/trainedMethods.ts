import { dense } from "../nn/denseLayers.ts";
import type { Layer, SymbolicTensor } from "../nn/layer.ts";
import {
  adversarial,
  adversarialStrength,
  conditionalReversal,
  entropyConditioned,
  reversal,
} from "./losses/adversarial.ts";
import { classConfusion } from "./losses/classConfusion.ts";
import { deepCoral } from "./losses/deepCoral.ts";
import type { DomainTerm } from "./losses/domainBatch.ts";
import { multiKernelMmd } from "./losses/multiKernelMmd.ts";

/** Methods that learn by steps, on batches of which one half is of each domain. */
export const trainedMethodNames = ["deep-coral", "dan", "dann", "cdan", "mcc"] as const;
export type TrainedMethodName = (typeof trainedMethodNames)[number];

/** The layer whose features the domains share. */
export const sharedLayer = "bottleneck";
const domainUnits = 128;
const logits = "domain_logits";

export interface TrainedMethod {
  readonly term: DomainTerm;
  /** λ at a share of the training, 0 to 1. */
  strength(share: number): number;
  /** Layers beside the classifier, from the shared features and its answers. */
  auxiliary?(features: SymbolicTensor, answers: SymbolicTensor): SymbolicTensor;
}

export const trainedMethods: Readonly<Record<TrainedMethodName, TrainedMethod>> = {
  "deep-coral": { term: deepCoral(sharedLayer), strength: () => 100 },
  dan: { term: multiKernelMmd(sharedLayer), strength: () => 1 },
  dann: {
    term: adversarial(logits),
    strength: adversarialStrength,
    auxiliary: (features) => domainClassifier(reversal("reversal")(features)),
  },
  cdan: {
    term: entropyConditioned(logits),
    strength: adversarialStrength,
    auxiliary: (features, answers) => domainClassifier(conditionalReversal("reversal")(features, answers)),
  },
  mcc: { term: classConfusion(), strength: () => 1 },
};

function domainClassifier(x: SymbolicTensor): SymbolicTensor {
  const layers: readonly Layer[] = [
    dense(domainUnits, { activation: "relu", name: "domain_hidden" }),
    dense(1, { name: logits }),
  ];
  return layers.reduce((symbol, layer) => layer(symbol), x);
}
