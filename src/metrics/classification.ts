import { GraftError } from "../base/errors.ts";
import { cohenKappa, matthewsCorrelation } from "./agreement.ts";
import { both } from "./both.ts";
import { brier } from "./brier.ts";
import type { ClassificationBatch } from "./classificationBatch.ts";
import type { ClassificationReport } from "./classificationReport.ts";
import { confusion, scoresOf } from "./confusion.ts";
import { crossEntropy } from "./crossEntropy.ts";
import type { Metric } from "./metric.ts";
import { type Ranking, ranking } from "./ranking.ts";
import { reliability } from "./reliability.ts";
import { type SampleSizeState, sampleSize } from "./sampleSize.ts";
import { topK } from "./topK.ts";
import type { MeanState } from "./weightedMean.ts";
import { wilsonInterval } from "./wilson.ts";

/** The states of its parts, nested as they are joined. */
export type ClassificationState = readonly [
  readonly [SampleSizeState, Float64Array],
  readonly [readonly [MeanState, MeanState], readonly [MeanState, readonly [Float64Array, ClassificationBatch[]]]],
];

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
  const parts = both(
    both(sampleSize(), confusion(classes)),
    both(both(crossEntropy(), brier()), both(topK(k), both(reliability(), ranking()))),
  );
  return {
    ...parts,
    name: "classification",
    add(state, batch) {
      if (batch.classes === classes) return parts.add(state, batch);
      throw new GraftError(
        "shape",
        `classificationMetrics: a batch has ${batch.classes} classes; expected ${classes}.`,
      );
    },
    value(state) {
      const [[size, matrix], [[loss, brierScore], [top, [calibration, areas]]]] = parts.value(state);
      const { perClass, ...scores } = scoresOf(matrix);
      const share = (proportion: number) => wilsonInterval(proportion, size.effective, level);
      return {
        count: size.count,
        ...scores,
        ...(classes > k ? { topK: { [k]: top } } : {}),
        loss,
        brier: brierScore,
        ...areasOf(areas),
        matthews: matthewsCorrelation(matrix),
        kappa: cohenKappa(matrix),
        calibration,
        perClass: perClass.map((one, c) => ({
          ...(labels === undefined ? {} : { label: labels[c] }),
          ...one,
          auc: areas.rocAuc.perClass[c],
          averagePrecision: areas.averagePrecision.perClass[c],
        })),
        confusion: matrix,
        intervals: {
          level,
          accuracy: share(scores.accuracy),
          ...(classes > k ? { topK: { [k]: share(top) } } : {}),
        },
      };
    },
  };
}

function areasOf({ rocAuc, averagePrecision }: Ranking) {
  return {
    auc: rocAuc.macro,
    aucWeighted: rocAuc.weighted,
    aucOneVsOne: rocAuc.oneVsOne,
    aucOneVsOneWeighted: rocAuc.oneVsOneWeighted,
    averagePrecision: averagePrecision.macro,
    averagePrecisionWeighted: averagePrecision.weighted,
  };
}
