import { type AveragePrecision, averagePrecisionOf, precisionArea } from "./averagePrecision.ts";
import { type ClassificationBatch, checkBatch, countedSamples } from "./classificationBatch.ts";
import type { Metric } from "./metric.ts";
import { type RankBy, rankBy } from "./rankedSamples.ts";
import { pairsWon, type RocAuc, rocAucOf } from "./rocAuc.ts";
import { nothingMeasured, weightOf } from "./weightedMean.ts";

/** What depends on the order of the scores alone. */
export interface Ranking {
  readonly rocAuc: RocAuc;
  readonly averagePrecision: AveragePrecision;
}

/**
 * Areas under the ROC and the precision-recall curves. The state keeps every batch that it was given, 4·N·C bytes, because areas cannot be
 * had from anything smaller; the value copies them once and takes 8·C² bytes more.
 */
export function ranking(): Metric<ClassificationBatch, ClassificationBatch[], Ranking> {
  return {
    name: "ranking",
    init: () => [],
    add(state, batch) {
      checkBatch(batch);
      state.push(batch);
      return state;
    },
    merge: (a, b) => [...a, ...b],
    value(state) {
      const all = countedSamples(state);
      if (all.labels.length === 0) throw nothingMeasured("ranking");
      return rankingOf(all, rankBy(all));
    },
  };
}

/** The areas of one batch, whose scores lie ranked under any weights. Takes O(N·C) time besides ranking. */
export function rankingOf(batch: ClassificationBatch, by: RankBy): Ranking {
  const supports = supportsOf(batch);
  const won: Float64Array[] = [];
  const areas: number[] = [];
  for (let c = 0; c < batch.classes; c++) {
    const ranked = by(c);
    won.push(pairsWon(ranked, batch, c));
    areas.push(precisionArea(ranked, batch.weights, c));
  }
  return { rocAuc: rocAucOf(won, supports), averagePrecision: averagePrecisionOf(areas, supports) };
}

/** [classes] the weight of each class' samples. */
function supportsOf({ labels, classes, weights }: ClassificationBatch): Float64Array {
  const supports = new Float64Array(classes);
  for (let i = 0; i < labels.length; i++) supports[labels[i]] += weightOf(weights, i);
  return supports;
}
