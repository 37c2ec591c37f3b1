import type { Diagnosis } from "../train/diagnoseCurves.ts";
import type { EpochLog } from "../train/progress.ts";
import { type Check, defineCheck, percent } from "./finding.ts";

/** What came of a training. */
export interface HistoryFacts {
  readonly history: readonly EpochLog[];
  /** Of its curves; nothing where they do not tell. */
  readonly diagnosis: Diagnosis | undefined;
  /** Whether batch normalisation measured its statistics while it trained. */
  readonly measuresStatistics: boolean;
}

/** The loss must have fallen by this share over so many epochs, or the rate is too low. */
const leastFall = 0.02;
const patientEpochs = 3;
/** A training loss this many times its first one has exploded. */
const exploded = 1.5;
/** Between neighbouring epochs the validation loss may change by this factor. */
const jump = 2.5;

/** Right no more often than one class alone. */
const majorityAccuracy = defineCheck("no-better-than-majority", {
  find({ diagnosis }: HistoryFacts) {
    if (diagnosis?.kind !== "no-better-than-majority") return undefined;
    const { accuracy, majority } = diagnosis;
    return { accuracy, majority };
  },
  severity: "serious",
  found: ({ accuracy, majority }) =>
    `${percent(accuracy)} of the validation images are right, and always naming the most frequent class gives ${percent(majority)}`,
  why: "Nothing was learned, high as the accuracy may look.",
  advice:
    "do labels and images fit (graft preview)? Then another learning rate (graft lr-find), and a pretrained backbone",
});

/** A loss that explodes. */
const explodedLoss = defineCheck("loss-exploded", {
  find({ history }: HistoryFacts) {
    const [first, last] = [history[0], history.at(-1)];
    const [start, end] = [first?.["loss"], last?.["loss"]];
    if (start === undefined || end === undefined || history.length < 2 || end < exploded * start) return undefined;
    return { start, end, epochs: history.length, learningRate: last?.["learning_rate"] };
  },
  severity: "serious",
  found: ({ start, end, epochs, learningRate }) =>
    `the training loss rose from ${start.toFixed(3)} to ${end.toFixed(3)} in ${epochs} epochs${at(learningRate)}`,
  why: "Steps that are too long leap over what they aim at.",
  advice: ({ learningRate }) =>
    learningRate === undefined
      ? "a lower learning rate: graft lr-find"
      : `a lower learning rate, ${Number((learningRate / 10).toPrecision(2))} say (graft lr-find)`,
});

/** A loss that stays where it was. */
const stillLoss = defineCheck("loss-stands-still", {
  find({ history, diagnosis }: HistoryFacts) {
    const [first, last] = [history[0], history.at(-1)];
    const [start, end] = [first?.["loss"], last?.["loss"]];
    if (start === undefined || end === undefined || history.length < patientEpochs) return undefined;
    if (Math.abs(end - start) > leastFall * start || diagnosis?.kind === "balanced") return undefined;
    return { start, end, epochs: history.length, learningRate: last?.["learning_rate"] };
  },
  severity: "warning",
  found: ({ start, end, epochs, learningRate }) =>
    `in ${epochs} epochs the training loss went from ${start.toFixed(3)} to ${end.toFixed(3)}${at(learningRate)}`,
  why: "The rate is too low to get anywhere, so high that it leaps about, or no gradient comes through.",
  advice: "graft lr-find draws the loss over the rates; check that something is trainable and that pixels are scaled",
});

/** A validation loss that leaps while the training loss falls: with batch normalisation, statistics that do not keep up. */
const leapingValidation = defineCheck("validation-leaps", {
  find({ history, measuresStatistics }: HistoryFacts) {
    if (history.length < patientEpochs) return undefined;
    const held = history.flatMap((log) => log["val_loss"] ?? []);
    const leaps = held.slice(1).map((loss, i) => loss / (held[i] ?? loss));
    const largest = Math.max(0, ...leaps);
    const [start, end] = [history[0]?.["loss"] ?? 0, history.at(-1)?.["loss"] ?? 0];
    if (largest < jump || end >= start) return undefined;
    return { largest, epoch: leaps.indexOf(largest) + 2, start, end, measuresStatistics };
  },
  severity: "warning",
  found: ({ largest, epoch, start, end, measuresStatistics }) =>
    `in epoch ${epoch} the validation loss is ${largest.toFixed(1)} times that of the epoch before, while the training loss falls from ${start.toFixed(3)} to ${end.toFixed(3)}` +
    (measuresStatistics ? "; batch normalisation measures its statistics" : ""),
  why: "The network that is measured is not the one that is trained: statistics drift, or steps are too long.",
  advice: ({ measuresStatistics }) =>
    measuresStatistics
      ? 'keep pretrained statistics: fit(…, { statistics: "frozen" }); from scratch larger batches, or batchNormalization({ momentum: 0.9 })'
      : "a lower learning rate (graft lr-find), or averages of the weights (--average-decay 0.99)",
});

export const historyChecks: readonly Check<HistoryFacts>[] = [
  majorityAccuracy,
  explodedLoss,
  stillLoss,
  leapingValidation,
];

function at(learningRate: number | undefined): string {
  return learningRate === undefined ? "" : ` at a learning rate of ${learningRate}`;
}
