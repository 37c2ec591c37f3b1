/** An image whose given label the out-of-sample probabilities contradict. */
export interface LabelErrorCandidate {
  /** Place of the sample among those given. */
  readonly sample: number;
  readonly given: number;
  /** The class that the probabilities speak for. */
  readonly likely: number;
  /** Probability of the given label less that of the likeliest other one, −1 to 1: the lower, the more suspect. */
  readonly margin: number;
  /** Off the diagonal of the confident joint, or merely of another likeliest class. */
  readonly isConfident: boolean;
}

/**
 * Samples whose label the probabilities contradict, the most suspect first by normalised margin: those off the diagonal of the confident joint
 * (Northcutt, Jiang & Chuang 2021, “Confident Learning”), and those whose likeliest class is another, which noisy labels leave less certain.
 * `probabilities` [N, C] must come from models that did not see the sample; `labels` [N] are class indices.
 */
export function labelErrorCandidates(
  probabilities: readonly ArrayLike<number>[],
  labels: ArrayLike<number>,
): readonly LabelErrorCandidate[] {
  const thresholds = confidenceThresholds(probabilities, labels);
  const candidates: LabelErrorCandidate[] = [];
  probabilities.forEach((row, sample) => {
    const given = labels[sample];
    const confident = confidentClass(row, thresholds);
    const isConfident = confident !== undefined && confident !== given;
    const likely = isConfident ? confident : likeliestKnown(row, thresholds);
    if (likely !== undefined && likely !== given)
      candidates.push({ sample, given, likely, margin: marginOf(row, given), isConfident });
  });
  return candidates.sort((a, b) => a.margin - b.margin || a.sample - b.sample);
}

/** Mean probability of each class over the samples labelled with it; infinite for a class without samples, which nobody can be confident of. */
function confidenceThresholds(
  probabilities: readonly ArrayLike<number>[],
  labels: ArrayLike<number>,
): readonly number[] {
  const classes = probabilities[0]?.length ?? 0;
  const sums = new Array<number>(classes).fill(0);
  const counts = new Array<number>(classes).fill(0);
  probabilities.forEach((row, sample) => {
    sums[labels[sample]] += row[labels[sample]];
    counts[labels[sample]]++;
  });
  return sums.map((sum, label) => (counts[label] === 0 ? Number.POSITIVE_INFINITY : sum / counts[label]));
}

/** The likeliest of the classes whose threshold the sample reaches. */
function confidentClass(row: ArrayLike<number>, thresholds: readonly number[]): number | undefined {
  let best: number | undefined;
  for (let label = 0; label < thresholds.length; label++) {
    if (row[label] >= thresholds[label] && (best === undefined || row[label] > row[best])) best = label;
  }
  return best;
}

/** The likeliest of the classes that any sample is labelled with. */
function likeliestKnown(row: ArrayLike<number>, thresholds: readonly number[]): number | undefined {
  return confidentClass(
    row,
    thresholds.map((threshold) => (Number.isFinite(threshold) ? 0 : threshold)),
  );
}

function marginOf(row: ArrayLike<number>, given: number): number {
  let other = 0;
  for (let label = 0; label < row.length; label++) if (label !== given) other = Math.max(other, row[label]);
  return row[given] - other;
}
