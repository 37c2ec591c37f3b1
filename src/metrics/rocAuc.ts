import type { ClassificationBatch } from "./classificationBatch.ts";
import { classMeans, Mean } from "./mean.ts";
import type { RankedSamples } from "./rankedSamples.ts";
import { weightOf } from "./weightedMean.ts";

/** Areas under ROC curves. What no pair of samples tells is left out. */
export interface RocAuc {
  /** One class against the rest, by class; nothing where a class, or all but it, is absent. */
  readonly perClass: readonly (number | undefined)[];
  /** The mean over the classes that have one. */
  readonly macro: number | undefined;
  /** The same, each class counting as much as its samples. */
  readonly weighted: number | undefined;
  /** The mean over pairs of classes, each pair by both of its scores (Hand & Till 2001). */
  readonly oneVsOne: number | undefined;
  /** The same, each pair counting as much as its samples. */
  readonly oneVsOneWeighted: number | undefined;
}

/**
 * The area under the ROC curve is the share of pairs of a sample of the class and one of another in which the first has the higher
 * score, ties half (Mann & Whitney 1947; Hanley & McNeil 1982). Equals scikit-learn's `roc_auc_score`, "ovr" and "ovo".
 * `won` holds `pairsWon` of each class.
 */
export function rocAucOf(won: readonly Float64Array[], supports: Float64Array): RocAuc {
  const total = sumOf(supports);
  const perClass = won.map((pairs, c) => {
    const rest = total - supports[c];
    return supports[c] > 0 && rest > 0 ? sumOf(pairs) / (supports[c] * rest) : undefined;
  });
  return { perClass, ...classMeans(perClass, supports), ...pairMeans(won, supports) };
}

/** [classes] the weight of the pairs of a sample of class `c` and one of each other class in which the first scores higher by `c`. */
export function pairsWon(
  { scores, labels, places }: RankedSamples,
  { classes, weights }: Pick<ClassificationBatch, "classes" | "weights">,
  c: number,
): Float64Array {
  const won = new Float64Array(classes);
  const below = new Float64Array(classes);
  for (let start = 0; start < scores.length; ) {
    let own = 0;
    let end = start;
    for (; end < scores.length && scores[end] === scores[start]; end++) {
      if (labels[end] === c) own += weightOf(weights, places[end]);
    }
    if (own > 0) {
      for (let other = 0; other < classes; other++) won[other] += own * below[other];
      for (let i = start; i < end; i++) won[labels[i]] += (own * weightOf(weights, places[i])) / 2;
    }
    for (; start < end; start++) below[labels[start]] += weightOf(weights, places[start]);
  }
  won[c] = 0;
  return won;
}

function pairMeans(won: readonly Float64Array[], supports: Float64Array) {
  const macro = new Mean();
  const weighted = new Mean();
  for (let a = 0; a < won.length; a++) {
    for (let b = a + 1; b < won.length; b++) {
      if (!(supports[a] > 0 && supports[b] > 0)) continue;
      const area = (won[a][b] + won[b][a]) / (2 * supports[a] * supports[b]);
      macro.add(area, 1);
      weighted.add(area, supports[a] + supports[b]);
    }
  }
  return { oneVsOne: macro.value(), oneVsOneWeighted: weighted.value() };
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
