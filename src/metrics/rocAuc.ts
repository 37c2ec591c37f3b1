import { type ClassificationBatch, checkBatch } from "./classificationBatch.ts";
import type { Metric } from "./metric.ts";
import { weightOf } from "./weightedMean.ts";

export interface RocAuc {
  /** One class against the rest, by class; nothing where a class, or all but it, is absent. */
  readonly perClass: readonly (number | undefined)[];
  /** The mean over the classes that have one; nothing where none has. */
  readonly macro: number | undefined;
}

/** All scores: the area cannot be had from anything smaller. */
export type RocState = ClassificationBatch[];

/**
 * The area under the ROC curve of each class against the rest, from its probability: the share of pairs of a sample of the class and one of
 * another in which the first scores higher, ties half (Mann & Whitney 1947; Hanley & McNeil 1982). As scikit-learn's `roc_auc_score`, "ovr".
 */
export function rocAuc(classes: number): Metric<ClassificationBatch, RocState, RocAuc> {
  return {
    name: "ROC AUC",
    init: () => [],
    add(state, batch) {
      checkBatch(batch);
      state.push(batch);
      return state;
    },
    merge: (a, b) => [...a, ...b],
    value(state) {
      const perClass = Array.from({ length: classes }, (_, c) => areaOf(state, c));
      const known = perClass.filter((area) => area !== undefined);
      const macro = known.length === 0 ? undefined : known.reduce((sum, area) => sum + area, 0) / known.length;
      return { perClass, macro };
    },
  };
}

function areaOf(batches: RocState, c: number): number | undefined {
  const samples = batches.flatMap((batch) =>
    Array.from(batch.labels, (label, i) => ({
      score: batch.probabilities[i * batch.classes + c],
      weight: weightOf(batch.weights, i),
      isPositive: label === c,
    })).filter(({ weight }) => weight !== 0),
  );
  samples.sort((a, b) => a.score - b.score);
  let below = 0;
  let positives = 0;
  let area = 0;
  for (let start = 0; start < samples.length; ) {
    let end = start;
    const tied = { positive: 0, negative: 0 };
    for (; end < samples.length && samples[end].score === samples[start].score; end++) {
      tied[samples[end].isPositive ? "positive" : "negative"] += samples[end].weight;
    }
    area += tied.positive * (below + tied.negative / 2);
    below += tied.negative;
    positives += tied.positive;
    start = end;
  }
  return positives === 0 || below === 0 ? undefined : area / (positives * below);
}
