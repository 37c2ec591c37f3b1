import { type ClassificationBatch, checkBatch } from "./classificationBatch.ts";
import { type Interval, wilsonInterval } from "./wilson.ts";

/** What a threshold is to reach: of the images that it names, so many are right; or of the class's images, so many are named. 0 to 1. */
export interface WantedPoint {
  readonly of: "precision" | "recall";
  readonly atLeast: number;
}

/** An image counts as of the class where the class's probability is `threshold` or more. */
export interface OperatingPoint {
  readonly threshold: number;
  readonly precision: number;
  readonly recall: number;
  /** Of what was wanted, with 95 % confidence (Wilson). The threshold was chosen by the same images: it flatters a little. */
  readonly interval: Interval;
  /** How many images are named. */
  readonly named: number;
}

/**
 * For each class the threshold that reaches what is wanted and keeps the most of the other: the highest recall at a precision, the highest precision at a
 * recall. Nothing for a class that reaches it nowhere, or has no image.
 */
export function operatingPoints(
  batch: ClassificationBatch,
  wanted: WantedPoint,
): readonly (OperatingPoint | undefined)[] {
  checkBatch(batch);
  return Array.from({ length: batch.classes }, (_, c) => bestPoint(batch, c, wanted));
}

function bestPoint(batch: ClassificationBatch, c: number, { of, atLeast }: WantedPoint): OperatingPoint | undefined {
  let best: OperatingPoint | undefined;
  for (const point of pointsOf(batch, c, of)) {
    if (point[of] < atLeast) continue;
    const other = of === "precision" ? "recall" : "precision";
    if (best === undefined || point[other] > best[other]) best = point;
  }
  return best;
}

/** One for each probability that occurs, from the highest threshold. */
function* pointsOf({ probabilities, labels, classes }: ClassificationBatch, c: number, of: WantedPoint["of"]) {
  const order = Array.from(labels.keys()).sort(
    (a, b) => probabilities[b * classes + c] - probabilities[a * classes + c],
  );
  const positives = labels.reduce((sum, label) => sum + Number(label === c), 0);
  if (positives === 0) return;
  let hits = 0;
  for (const [at, i] of order.entries()) {
    hits += Number(labels[i] === c);
    const threshold = probabilities[i * classes + c];
    // Images of one probability are named together.
    if (at + 1 < order.length && probabilities[order[at + 1] * classes + c] === threshold) continue;
    const [precision, recall] = [hits / (at + 1), hits / positives];
    const interval = of === "precision" ? wilsonInterval(precision, at + 1) : wilsonInterval(recall, positives);
    yield { threshold, precision, recall, interval, named: at + 1 };
  }
}
