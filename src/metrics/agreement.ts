import { type Confusion, sum } from "./confusion.ts";

/** The parts of a confusion matrix that chance-corrected scores are made of. */
function marginsOf(matrix: Confusion) {
  const truths = matrix.map(sum);
  const predictions = matrix.map((_, c) => sum(matrix.map((row) => row[c])));
  const right = sum(matrix.map((row, c) => row[c]));
  return { truths, predictions, right, total: sum(truths) };
}

/** Matthews' correlation coefficient for any number of classes (Gorodkin 2004), −1 to 1; 0 where truth or prediction is of one class only. */
export function matthewsCorrelation(matrix: Confusion): number {
  const { truths, predictions, right, total } = marginsOf(matrix);
  const covariance = right * total - products(truths, predictions);
  const variances = (total ** 2 - products(truths, truths)) * (total ** 2 - products(predictions, predictions));
  return variances > 0 ? covariance / Math.sqrt(variances) : 0;
}

/** Cohen's kappa (1960): agreement beyond what the two frequencies of the classes give by chance. Nothing where chance already agrees wholly. */
export function cohenKappa(matrix: Confusion): number | undefined {
  const { truths, predictions, right, total } = marginsOf(matrix);
  const byChance = products(truths, predictions) / total;
  return byChance < total ? (right - byChance) / (total - byChance) : undefined;
}

function products(a: readonly number[], b: readonly number[]): number {
  return sum(a.map((value, i) => value * b[i]));
}
