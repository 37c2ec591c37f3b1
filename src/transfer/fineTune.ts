import { dense } from "../nn/denseLayers.ts";
import type { Layer } from "../nn/layer.ts";
import { sequentialNetwork } from "../nn/network.ts";
import { trainingFeatures } from "./featureExtraction.ts";
import { solved } from "./heads.ts";
import { headWeights } from "./linearProblem.ts";
import { classLearning } from "./mixing.ts";
import { jobPixels } from "./pixelData.ts";
import type { BackboneJob, StrategyEvent, TransferPlan, Weights } from "./strategy.ts";
import { type TuningOptions, tunedBackbone } from "./tunedBackbone.ts";

const labelSmoothing = 0.1;

export interface FineTuneOptions extends TuningOptions {
  /** A linear head that was solved before on the same images. */
  readonly solvedHead?: Weights | undefined;
}

/** First the head on frozen features, then everything together (LP-FT, Kumar et al. 2022): a random head would distort the features. */
export function fineTune(job: BackboneJob, { solvedHead, ...tuning }: FineTuneOptions = {}): TransferPlan {
  const { classes } = job;
  const { side } = job.images;
  const { loss, ...targets } = classLearning(job, labelSmoothing);
  const tuned = tunedBackbone(job, tuning);
  const networkOf = (layer: Layer) =>
    sequentialNetwork([layer, dense(classes, { activation: "softmax", name: "head" })], [side, side, 3]);
  const network = networkOf(tuned.layer);
  return {
    network,
    backbone: undefined,
    ...jobPixels(job),
    async *initial() {
      const head = solvedHead ?? (yield* headOnFeatures(job));
      return new Map([...(yield* tuned.initial(network)), ...head]);
    },
    learning: { ...tuned.learning(network, loss), ...targets },
    ...tuned.served(networkOf),
  };
}

/** A linear head, solved on the frozen features of the training images. */
export function headOnFeatures(job: BackboneJob): AsyncGenerator<StrategyEvent, Weights> {
  return trainingFeatures(job, async function* (features) {
    return headWeights(yield* solved(job, features.data(job.split.train)));
  });
}
