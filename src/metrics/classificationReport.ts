import type { ClassScores, Confusion, Scores } from "./confusion.ts";
import type { Reliability } from "./reliability.ts";
import type { Interval } from "./wilson.ts";

/** All that is counted of a classifier: plain data, fit for JSON. What the samples do not define is undefined, and absent from JSON. */
export interface ClassificationReport {
  /** How many samples were measured; those of weight 0 are not. */
  readonly count: number;
  readonly accuracy: number;
  /** Accuracy of always naming the most frequent class of these samples. */
  readonly majority: number;
  /** The mean recall of the classes that have samples. */
  readonly balancedAccuracy: number;
  /** Top-k accuracy by k; only with more than 5 classes. */
  readonly topK?: Readonly<Record<string, number>>;
  /** Mean cross-entropy, in nats. */
  readonly loss: number;
  readonly brier: number;
  /** Area under the ROC curve, one class against the rest, mean over classes; then each class counting as much as its samples. */
  readonly auc?: number | undefined;
  readonly aucWeighted?: number | undefined;
  /** The same, one class against one other, mean over pairs (Hand & Till 2001). */
  readonly aucOneVsOne?: number | undefined;
  readonly aucOneVsOneWeighted?: number | undefined;
  /** Area under the precision-recall curve, one class against the rest, mean over classes. */
  readonly averagePrecision?: number | undefined;
  readonly averagePrecisionWeighted?: number | undefined;
  /** Matthews' correlation coefficient. */
  readonly matthews: number;
  /** Cohen's kappa. */
  readonly kappa?: number | undefined;
  readonly calibration: Reliability;
  readonly perClass: readonly (ClassScores & {
    readonly label?: string;
    readonly auc?: number | undefined;
    readonly averagePrecision?: number | undefined;
  })[];
  readonly micro: Scores;
  readonly macro: Scores;
  readonly weighted: Scores;
  /** confusion[t][p]: samples of class t predicted as p. */
  readonly confusion: Confusion;
  readonly intervals: ReportIntervals;
}

/** Where figures lie with 95 % confidence: accuracy and top-k by Wilson, the others by bootstrap, where samples were drawn.
 * The calibration error has none: draws exaggerate it. */
export interface ReportIntervals {
  readonly level: number;
  readonly accuracy: Interval;
  readonly topK?: Readonly<Record<string, Interval>>;
  readonly balancedAccuracy?: Interval | undefined;
  readonly macroF1?: Interval | undefined;
  readonly loss?: Interval | undefined;
  readonly brier?: Interval | undefined;
  readonly auc?: Interval | undefined;
  readonly averagePrecision?: Interval | undefined;
  readonly matthews?: Interval | undefined;
}
