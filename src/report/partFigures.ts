import { type ClassScores, scoresOf, sum } from "../metrics/confusion.ts";
import { measure } from "../metrics/metric.ts";
import { ranking } from "../metrics/ranking.ts";
import { wilsonInterval } from "../metrics/wilson.ts";
import type { PartAnswers } from "./answerTally.ts";
import type { PartFigures } from "./headline.ts";
import type { RankedClass } from "./rankCurves.ts";

export interface MeasuredPart {
  readonly figures: PartFigures;
  readonly scores: readonly ClassScores[];
  readonly ranked: readonly RankedClass[];
}

/** The figures of a part: counts of all its images, areas under curves of the sample. */
export function measuredPart(answers: PartAnswers): MeasuredPart {
  const { part, labels, count, confusion, calibration, sample } = answers;
  const { accuracy, balancedAccuracy, perClass, macro } = scoresOf(confusion);
  const { rocAuc, averagePrecision } = measure(ranking(), [sample]);
  const supports = confusion.map(sum);
  const most = supports.indexOf(Math.max(...supports));
  return {
    figures: {
      part,
      count,
      accuracy,
      interval: wilsonInterval(accuracy, count),
      majority: { label: labels[most] ?? "", share: (supports[most] ?? 0) / count },
      balancedAccuracy,
      macroF1: macro.f1,
      auc: rocAuc.macro,
      calibrationError: calibration.expectedError,
    },
    scores: perClass,
    ranked: labels.map((label, index) => ({
      index,
      label,
      support: supports[index] ?? 0,
      auc: rocAuc.perClass[index],
      averagePrecision: averagePrecision.perClass[index],
    })),
  };
}
