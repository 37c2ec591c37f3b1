import { GraftError } from "../base/errors.ts";
import type { ClassificationBatch } from "../metrics/classificationBatch.ts";
import type { Network } from "../nn/network.ts";
import type { Engine } from "../platform/platform.ts";
import type { TrainingData } from "../train/data.ts";
import { Evaluator } from "../train/evaluator.ts";
import type { TrainingState } from "../train/state.ts";

/** What a classifier network says of `data`, beside the truth. */
export async function answersOn(
  data: TrainingData,
  network: Network,
  state: TrainingState,
  engine: Engine,
): Promise<ClassificationBatch> {
  if (data.targets.kind !== "classes") throw new GraftError("data", "a classification report needs class labels.");
  const evaluator = new Evaluator(network, engine);
  try {
    const { floats, shape } = await evaluator.predict(data, state, 64);
    return { probabilities: floats, labels: data.targets.labels, classes: Number(shape[1]) };
  } finally {
    await evaluator.dispose();
  }
}
