import type { Progress } from "../base/steps.ts";

/** What a learner makes of weighted rows. */
export interface Hypothesis<H> {
  readonly hypothesis: H;
  /** The class that it names for each row. */
  readonly answers: ArrayLike<number>;
}

export interface BoostingOptions {
  readonly classes: number;
  /** So many rows come first that are of the target; the rest are of the source. */
  readonly targets: number;
  /** N. */
  readonly rounds: number;
}

export interface Boosted<H> {
  /** The hypotheses of the later half of the rounds; shares sum to one. */
  readonly votes: readonly { readonly hypothesis: H; readonly share: number }[];
  /** What each source row counted in those rounds, in units of what a target row did. */
  readonly sourceWeights: Float64Array;
  /** ε of each round: the weighted share of target rows that are wrong. */
  readonly errors: readonly number[];
}

/**
 * TrAdaBoost (Dai, Yang, Xue & Yu 2007, figure 1) for K classes. In each round t a learner gets the rows with weights p = w/Σw (step 1 f.), and then
 *
 *   ε = Σ w·[wrong] / Σ w over target rows (step 3)
 *   target: w ← w·exp(α·[wrong]), α = ln((1 − ε)/ε) + ln(K − 1): SAMME (Zhu, Zou, Rosset & Hastie 2009, algorithm 2); for K = 2 it is Dai's βₜ⁻¹
 *   source: w ← C·w·β^[wrong], β = 1/(1 + √(2 ln n / N)) with n source rows (steps 4 f.)
 *
 * C is by how much the target's weight grew: without it all source rows fade, the right ones too, because weights are shares (Al-Stouhi & Reddy
 * 2011, §3; K·(1 − ε), in their case of two classes 2·(1 − ε)). Rounds ⌈N/2⌉ … N vote (step "output"), with α as their weight.
 * Where ε leaves no say to a round, α is zero; where nothing is wrong, ε counts as half a row.
 *
 * @param labels the class of each row
 */
export async function* tradaboost<H>(
  labels: ArrayLike<number>,
  { classes, targets, rounds }: BoostingOptions,
  learn: (weights: Float64Array) => Promise<Hypothesis<H>>,
): AsyncGenerator<Progress, Boosted<H>> {
  const count = labels.length;
  const sources = count - targets;
  const beta = 1 / (1 + Math.sqrt((2 * Math.log(sources)) / rounds));
  const weights = new Float64Array(count).fill(1 / count);
  const errors: number[] = [];
  const voters: { readonly hypothesis: H; readonly alpha: number; readonly used: Float64Array }[] = [];
  for (let round = 1; round <= rounds; round++) {
    yield { done: round - 1, total: rounds };
    const { hypothesis, answers } = await learn(weights.slice());
    const before = sumOf(weights, 0, targets);
    const used = weights.slice(targets).map((weight) => (weight * targets) / before);
    let wrong = 0;
    for (let row = 0; row < targets; row++) if (answers[row] !== labels[row]) wrong += weights[row] ?? 0;
    const error = wrong / before;
    errors.push(error);
    const alpha = voteOf(Math.max(error, 1 / (2 * targets)), classes);
    if (round >= Math.ceil(rounds / 2)) voters.push({ hypothesis, alpha, used });
    scaleWrong(weights, labels, answers, { from: 0, to: targets, factor: Math.exp(alpha) });
    const growth = sumOf(weights, 0, targets) / before;
    scaleWrong(weights, labels, answers, { from: targets, to: count, factor: beta });
    for (let row = targets; row < count; row++) weights[row] = growth * (weights[row] ?? 0);
    const total = sumOf(weights, 0, count);
    for (let row = 0; row < count; row++) weights[row] = (weights[row] ?? 0) / total;
  }
  return { ...counted(voters, sources), errors };
}

function voteOf(error: number, classes: number): number {
  return Math.max(0, Math.log((1 - error) / error) + Math.log(classes - 1));
}

/** Votes as shares: even ones where no round has a say. */
function counted<H>(
  voters: readonly { readonly hypothesis: H; readonly alpha: number; readonly used: Float64Array }[],
  sources: number,
): Pick<Boosted<H>, "votes" | "sourceWeights"> {
  const total = voters.reduce((sum, { alpha }) => sum + alpha, 0);
  const shareOf = (alpha: number) => (total > 0 ? alpha / total : 1 / voters.length);
  const sourceWeights = new Float64Array(sources);
  for (const { alpha, used } of voters) {
    for (const [row, weight] of used.entries())
      sourceWeights[row] = (sourceWeights[row] ?? 0) + shareOf(alpha) * weight;
  }
  const votes = voters
    .map(({ hypothesis, alpha }) => ({ hypothesis, share: shareOf(alpha) }))
    .filter(({ share }) => share > 0);
  return { votes, sourceWeights };
}

function scaleWrong(
  weights: Float64Array,
  labels: ArrayLike<number>,
  answers: ArrayLike<number>,
  { from, to, factor }: { readonly from: number; readonly to: number; readonly factor: number },
): void {
  for (let row = from; row < to; row++) if (answers[row] !== labels[row]) weights[row] = (weights[row] ?? 0) * factor;
}

function sumOf(values: Float64Array, from: number, to: number): number {
  let sum = 0;
  for (let i = from; i < to; i++) sum += values[i] ?? 0;
  return sum;
}
