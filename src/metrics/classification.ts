import { GraftError } from "../base/errors.ts";
import type { ClassificationBatch } from "./classificationBatch.ts";
import { type ClassScores, type Confusion, confusion, type Scores, scoresOf } from "./confusion.ts";
import { crossEntropy } from "./crossEntropy.ts";
import type { Metric } from "./metric.ts";
import { type RocState, rocAuc } from "./rocAuc.ts";
import { topK } from "./topK.ts";
import { type MeanState, weightOf } from "./weightedMean.ts";

/** All that is counted of a classifier: plain data, fit for JSON. */
export interface ClassificationReport {
  /** How many samples were measured; those of weight 0 are not. */
  readonly count: number;
  readonly accuracy: number;
  /** Top-k accuracy by k; only with more than 5 classes. */
  readonly topK?: Readonly<Record<string, number>>;
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  /** Area under the ROC curve, one class against the rest, mean over classes; left out where no class has one. */
  readonly auc?: number;
  readonly perClass: readonly (ClassScores & { readonly label?: string; readonly auc?: number })[];
  readonly macro: Scores;
  readonly weighted: Scores;
  /** confusion[t][p]: samples of class t predicted as p. */
  readonly confusion: Confusion;
}

export interface ClassificationState {
  readonly count: number;
  readonly loss: MeanState;
  readonly top: MeanState;
  readonly confusion: Float64Array;
  readonly roc: RocState;
}

const k = 5;

/** Everything about a classifier of `classes` classes in one pass. */
export function classificationMetrics(
  classes: number,
  { labels }: { readonly labels?: readonly string[] } = {},
): Metric<ClassificationBatch, ClassificationState, ClassificationReport> {
  if (labels !== undefined && labels.length !== classes) {
    throw new GraftError(
      "usage",
      `classificationMetrics: found ${labels.length} labels; expected ${classes}, one a class.`,
    );
  }
  const loss = crossEntropy();
  const top = topK(k);
  const matrix = confusion(classes);
  const roc = rocAuc(classes);
  return {
    name: "classification",
    init: () => ({ count: 0, loss: loss.init(), top: top.init(), confusion: matrix.init(), roc: roc.init() }),
    add(state, batch) {
      if (batch.classes !== classes) {
        throw new GraftError(
          "shape",
          `classificationMetrics: a batch has ${batch.classes} classes; expected ${classes}.`,
        );
      }
      return {
        loss: loss.add(state.loss, batch),
        top: top.add(state.top, batch),
        confusion: matrix.add(state.confusion, batch),
        roc: roc.add(state.roc, batch),
        count: state.count + countOf(batch),
      };
    },
    merge: (a, b) => ({
      count: a.count + b.count,
      loss: loss.merge(a.loss, b.loss),
      top: top.merge(a.top, b.top),
      confusion: matrix.merge(a.confusion, b.confusion),
      roc: roc.merge(a.roc, b.roc),
    }),
    value(state) {
      const counts = matrix.value(state.confusion);
      const { accuracy, perClass, macro, weighted } = scoresOf(counts);
      const areas = roc.value(state.roc);
      return {
        count: state.count,
        accuracy,
        ...(classes > k ? { topK: { [k]: top.value(state.top) } } : {}),
        loss: loss.value(state.loss),
        ...(areas.macro === undefined ? {} : { auc: areas.macro }),
        perClass: perClass.map((scores, c) => ({
          ...(labels === undefined ? {} : { label: labels[c] }),
          ...scores,
          ...(areas.perClass[c] === undefined ? {} : { auc: areas.perClass[c] }),
        })),
        macro,
        weighted,
        confusion: counts,
      };
    },
  };
}

function countOf({ labels, weights }: ClassificationBatch): number {
  let count = 0;
  for (let i = 0; i < labels.length; i++) if (weightOf(weights, i) !== 0) count++;
  return count;
}
