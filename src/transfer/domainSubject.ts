import { type DomainName, domainNormalization } from "../adapt/domainNormalization.ts";
import { sharedLayer } from "../adapt/trainedMethods.ts";
import { conv2d } from "../nn/convolutionLayers.ts";
import { activate, dense, flatten } from "../nn/denseLayers.ts";
import type { Layer } from "../nn/layer.ts";
import type { Loss } from "../nn/loss.ts";
import type { Network } from "../nn/network.ts";
import { rescaling } from "../nn/normalisationLayers.ts";
import { maxPooling2d } from "../nn/poolingLayers.ts";
import { adam } from "../optim/optimizers.ts";
import { cosineSchedule } from "../optim/schedules.ts";
import { type DomainData, featureData } from "./domainData.ts";
import type { ScaledDomains } from "./scaling.ts";
import type { Learning, Weights } from "./strategy.ts";

const sharedUnits = 256;

/** Both domains, and the network in front of the classifier that learns them. */
export interface DomainSubject {
  readonly data: DomainData;
  /** From samples to where the classifier judges, with the same parameters for all; the last layer is the one that the domains share. */
  extractor(domain: DomainName): readonly Layer[];
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
    extractor: () => [sharedDense()],
    pretrained: new Map(),
    learning: plainLearning,
    front: { layers: [layer], weights },
    takes: "features",
  };
}

/** A small CNN that knows nothing, on pixels [side, side, 3]; its features are normalised by domain. */
export function scratchSubject(data: DomainData): DomainSubject {
  return pixelSubject(data, normalisedDense, domainNormalization);
}

/** The same where only the source is learned from: without normalisation, as the source's statistics can blind a network for a target that it would read without. */
export function sourceSubject(subject: DomainSubject): DomainSubject {
  if (subject.takes === "features") return subject;
  return pixelSubject(subject.data, () => [sharedDense()]);
}

function pixelSubject(
  data: DomainData,
  shared: (domain: DomainName) => readonly Layer[],
  normalization?: typeof domainNormalization,
): DomainSubject {
  const [side = 0] = data.source.inputShape;
  return {
    data,
    extractor: (domain) => [
      rescaling(1 / 255, { name: "rescaling" }),
      ...convolutions(side, (name) => (normalization === undefined ? [] : [normalization(name, domain)])),
      flatten({ name: "flatten" }),
      ...shared(domain),
    ],
    pretrained: new Map(),
    learning: plainLearning,
    front: { layers: [], weights: new Map() },
    takes: "pixels",
  };
}

/**
 * The same for a target with images of no class of the source: answers have the unknown class after the others, of which no label is known. The shared layer
 * is normalised by domain, so that it cannot move all images of the target to one side at once.
 */
export function openSubject({ data, extractor, ...rest }: DomainSubject): DomainSubject {
  return {
    ...rest,
    data: { ...data, classes: data.classes + 1 },
    extractor: rest.takes === "pixels" ? extractor : normalisedDense,
  };
}

function normalisedDense(domain: DomainName): readonly Layer[] {
  return [
    dense(sharedUnits, { name: "hidden" }),
    domainNormalization("normalization", domain),
    activate("relu", { name: sharedLayer }),
  ];
}

/** The layer that domains share. */
export function sharedDense(): Layer {
  return dense(sharedUnits, { activation: "relu", name: sharedLayer });
}

export function plainLearning(network: Network, loss: Loss, learningRate: number) {
  const recipe = { network, loss, optimizer: adam({ learningRate }), trainable: network.parameters.trainable };
  return { recipe, schedule: cosineSchedule() };
}

/** As many convolutions as leave maps of 8 pixels or less, and no fewer than two. */
function convolutions(side: number, normalization: (name: string) => readonly Layer[]): readonly Layer[] {
  const blocks = Math.max(2, Math.ceil(Math.log2(side / 8)));
  return Array.from({ length: blocks }, (_, block) => [
    conv2d(Math.min(32 * 2 ** block, 256), 3, { padding: "same", name: `conv_${block}` }),
    // Before the rest: on a quarter of the numbers.
    maxPooling2d(2, { name: `pool_${block}` }),
    ...normalization(`normalization_${block}`),
    activate("relu", { name: `relu_${block}` }),
  ]).flat();
}
