import { GraftError } from "../base/errors.ts";
import { cohenKappa, matthewsCorrelation } from "./agreement.ts";
import { brier } from "./brier.ts";
import type { ClassificationBatch } from "./classificationBatch.ts";
import type { ClassificationReport } from "./classificationReport.ts";
import { confusion, scoresOf } from "./confusion.ts";
import { crossEntropy } from "./crossEntropy.ts";
import type { Metric } from "./metric.ts";
import { ranking } from "./ranking.ts";
import { reliability } from "./reliability.ts";
import { topK } from "./topK.ts";
import { type MeanState, weightOf } from "./weightedMean.ts";
import { wilsonInterval } from "./wilson.ts";

export interface ClassificationState {
  readonly count: number;
  readonly weight: number;
  readonly squaredWeight: number;
  readonly loss: MeanState;
  readonly brier: MeanState;
  readonly top: MeanState;
  readonly confusion: Float64Array;
  readonly reliability: Float64Array;
  readonly samples: ClassificationBatch[];
}

const k = 5;
const level = 0.95;

/** Everything about a classifier of `classes` classes in one pass; keeps all batches, 4·N·C bytes (see `ranking`). */
export function classificationMetrics(
  classes: number,
  { labels }: { readonly labels?: readonly string[] | undefined } = {},
): Metric<ClassificationBatch, ClassificationState, ClassificationReport> {
  if (labels !== undefined && labels.length !== classes) {
    throw new GraftError(
      "usage",
      `classificationMetrics: found ${labels.length} labels; expected ${classes}, one a class.`,
    );
  }
  const parts = {
    loss: crossEntropy(),
    brier: brier(),
    top: topK(k),
    confusion: confusion(classes),
    reliability: reliability(),
    samples: ranking(),
  };
  return {
    name: "classification",
    init: () => ({
      count: 0,
      weight: 0,
      squaredWeight: 0,
      loss: parts.loss.init(),
      brier: parts.brier.init(),
      top: parts.top.init(),
      confusion: parts.confusion.init(),
      reliability: parts.reliability.init(),
      samples: parts.samples.init(),
    }),
    add(state, batch) {
      if (batch.classes !== classes) {
        throw new GraftError(
          "shape",
          `classificationMetrics: a batch has ${batch.classes} classes; expected ${classes}.`,
        );
      }
      return {
        ...weighed(state, batch),
        loss: parts.loss.add(state.loss, batch),
        brier: parts.brier.add(state.brier, batch),
        top: parts.top.add(state.top, batch),
        confusion: parts.confusion.add(state.confusion, batch),
        reliability: parts.reliability.add(state.reliability, batch),
        samples: parts.samples.add(state.samples, batch),
      };
    },
    merge: (a, b) => ({
      count: a.count + b.count,
      weight: a.weight + b.weight,
      squaredWeight: a.squaredWeight + b.squaredWeight,
      loss: parts.loss.merge(a.loss, b.loss),
      brier: parts.brier.merge(a.brier, b.brier),
      top: parts.top.merge(a.top, b.top),
      confusion: parts.confusion.merge(a.confusion, b.confusion),
      reliability: parts.reliability.merge(a.reliability, b.reliability),
      samples: parts.samples.merge(a.samples, b.samples),
    }),
    value(state) {
      const counts = parts.confusion.value(state.confusion);
      const { perClass, ...scores } = scoresOf(counts);
      const { rocAuc, averagePrecision } = parts.samples.value(state.samples);
      return {
        count: state.count,
        ...scores,
        ...(classes > k ? { topK: { [k]: parts.top.value(state.top) } } : {}),
        loss: parts.loss.value(state.loss),
        brier: parts.brier.value(state.brier),
        auc: rocAuc.macro,
        aucWeighted: rocAuc.weighted,
        aucOneVsOne: rocAuc.oneVsOne,
        aucOneVsOneWeighted: rocAuc.oneVsOneWeighted,
        averagePrecision: averagePrecision.macro,
        averagePrecisionWeighted: averagePrecision.weighted,
        matthews: matthewsCorrelation(counts),
        kappa: cohenKappa(counts),
        calibration: parts.reliability.value(state.reliability),
        perClass: perClass.map((one, c) => ({
          ...(labels === undefined ? {} : { label: labels[c] }),
          ...one,
          auc: rocAuc.perClass[c],
          averagePrecision: averagePrecision.perClass[c],
        })),
        confusion: counts,
        intervals: { level, accuracy: wilsonInterval(scores.accuracy, state.weight ** 2 / state.squaredWeight, level) },
      };
    },
  };
}

/** The counts that tell how much was measured. */
function weighed(
  { count, weight, squaredWeight }: ClassificationState,
  { labels, weights }: ClassificationBatch,
): Pick<ClassificationState, "count" | "weight" | "squaredWeight"> {
  for (let i = 0; i < labels.length; i++) {
    const own = weightOf(weights, i);
    if (own !== 0) count++;
    weight += own;
    squaredWeight += own * own;
  }
  return { count, weight, squaredWeight };
}
