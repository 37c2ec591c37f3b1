import { sharedLayer } from "../adapt/trainedMethods.ts";
import { simpleConvolutions } from "../backbones/simpleCnn.ts";
import { dense } from "../nn/denseLayers.ts";
import type { Layer } from "../nn/layer.ts";
import type { Loss } from "../nn/loss.ts";
import type { Network } from "../nn/network.ts";
import { adam } from "../optim/optimizers.ts";
import { cosineSchedule } from "../optim/schedules.ts";
import { type DomainData, featureData } from "./domainData.ts";
import type { ScaledDomains } from "./scaling.ts";
import type { Learning, Weights } from "./strategy.ts";

const sharedUnits = 256;

/** Both domains, and the network in front of the classifier that learns them. */
export interface DomainSubject {
  readonly data: DomainData;
  /** From a sample to where the classifier judges; the last layer is the one that the domains share. */
  readonly extractor: readonly Layer[];
  /** Where the extractor begins, as far as that is not drawn. */
  readonly pretrained: Weights;
  /** How a network that begins with the extractor learns. */
  learning(network: Network, loss: Loss, learningRate: number): Pick<Learning, "recipe" | "schedule">;
  /** What a saved network has in front of the extractor. */
  readonly front: { readonly layers: readonly Layer[]; readonly weights: Weights };
  /** What a saved network takes. */
  readonly takes: "features" | "pixels";
}

/** A hidden layer on the features of a backbone, which stays as it is. */
export function featureSubject({ features, layer, weights }: ScaledDomains): DomainSubject {
  return {
    data: featureData(features),
    extractor: [sharedDense()],
    pretrained: new Map(),
    learning: plainLearning,
    front: { layers: [layer], weights },
    takes: "features",
  };
}

/** A small CNN that knows nothing, on pixels [side, side, 3]. */
export function scratchSubject(data: DomainData): DomainSubject {
  const [side = 0] = data.source.inputShape;
  return {
    data,
    extractor: [...simpleConvolutions(side), sharedDense()],
    pretrained: new Map(),
    learning: plainLearning,
    front: { layers: [], weights: new Map() },
    takes: "pixels",
  };
}

/** The layer that domains share. */
export function sharedDense(): Layer {
  return dense(sharedUnits, { activation: "relu", name: sharedLayer });
}

export function plainLearning(network: Network, loss: Loss, learningRate: number) {
  const recipe = { network, loss, optimizer: adam({ learningRate }), trainable: network.parameters.trainable };
  return { recipe, schedule: cosineSchedule() };
}
