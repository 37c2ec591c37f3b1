import { GraftError } from "../base/errors.ts";
import { classificationMetrics } from "../metrics/classification.ts";
import type { ClassificationReport } from "../metrics/classificationReport.ts";
import type { Network } from "../nn/network.ts";
import type { Engine } from "../platform/platform.ts";
import type { TrainingData } from "../train/data.ts";
import { Evaluator } from "../train/evaluator.ts";
import type { TrainingState } from "../train/state.ts";

/** All metrics of a classifier network over `data`. */
export async function reportOn(
  data: TrainingData,
  network: Network,
  state: TrainingState,
  engine: Engine,
  labels: readonly string[],
): Promise<ClassificationReport> {
  if (data.targets.kind !== "classes") throw new GraftError("data", "a classification report needs class labels.");
  const evaluator = new Evaluator(network, engine);
  try {
    const probabilities = await evaluator.predict(data, state, 64);
    const metric = classificationMetrics(labels.length, { labels });
    return metric.value(
      metric.add(metric.init(), {
        probabilities: probabilities.floats,
        labels: data.targets.labels,
        classes: labels.length,
      }),
    );
  } finally {
    await evaluator.dispose();
  }
}
