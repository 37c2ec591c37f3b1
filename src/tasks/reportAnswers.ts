import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { AnswerTally, type PartAnswers } from "../report/answerTally.ts";
import { openPredictions } from "./predictions.ts";

/** Which part speaks for a model: the first that there is. */
const tellingOrder = ["test", "target", "validation", "source"];

/** The answers of a file of predictions, part by part, the most telling first. */
export interface StoredAnswers {
  readonly labels: readonly string[];
  readonly parts: readonly PartAnswers[];
  /** What is wrong with some of them. */
  readonly warnings: readonly string[];
}

/** Counts the answers in `predictions.csv` or a file that `graft evaluate --predictions` wrote. Throws `input` when it is none. */
export async function readAnswers(file: string, platform: Platform, signal: AbortSignal): Promise<StoredAnswers> {
  const { labels, predictions } = await openPredictions(platform.store.stream(file), file);
  const places = new Map(labels.map((label, c) => [label, c]));
  const tallies = new Map<string, AnswerTally>();
  for await (const { image, split, label, probabilities } of predictions) {
    if (signal.aborted) throw new GraftError("interrupted", "stopped before all answers were read.");
    const truth = places.get(label);
    if (truth === undefined) {
      throw new GraftError("input", `"${file}": "${image}" is of "${label}", which has no column p(${label}).`);
    }
    const tally = tallies.get(split) ?? new AnswerTally(split, labels);
    tallies.set(split, tally);
    tally.add(image, truth, probabilities);
  }
  const parts = [...tallies.values()].flatMap((tally) => tally.answers() ?? []);
  const warnings = [...tallies.values()].flatMap((tally) => tally.warnings());
  return { labels, parts: parts.toSorted((a, b) => rankOf(a.part) - rankOf(b.part)), warnings };
}

function rankOf(part: string): number {
  const place = tellingOrder.indexOf(part);
  return place < 0 ? tellingOrder.length : place;
}
