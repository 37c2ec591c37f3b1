import { GraftError } from "../base/errors.ts";
import { foldsOf } from "../data/folds.ts";
import type { TrainingData } from "../train/data.ts";
import { argMax } from "../train/measures.ts";
import { type LinearParameters, LinearProblem } from "./linearProblem.ts";
import type { BackboneJob } from "./strategy.ts";
import type { Hypothesis } from "./tradaboost.ts";

const foldCount = 5;
/** Weights change in every round by far more. */
const gradientTolerance = 1e-4;

/**
 * Learns linear heads on the same rows at one strength of the penalty, with other weights each time. With more features than rows a head is right
 * on all that it learned from, and boosting would have nothing to go by: so each row's answer comes from a head that did not see it.
 * Whoever opens it disposes of it.
 */
export class WeightedLearner {
  readonly #problem: LinearProblem;
  readonly #folds: Int32Array;
  readonly #penalty: number;
  readonly #classes: number;
  readonly #classWeights: readonly number[] | undefined;
  /** The last solution of each fold, and of all rows (−1): the start of the next. */
  readonly #points = new Map<number, Float64Array>();

  readonly labels: Int32Array;

  private constructor(
    problem: LinearProblem,
    rows: { readonly folds: Int32Array; readonly labels: Int32Array },
    penalty: number,
    job: BackboneJob,
  ) {
    this.#problem = problem;
    this.labels = rows.labels;
    this.#folds = rows.folds;
    this.#penalty = penalty;
    this.#classes = job.classes;
    this.#classWeights = job.classWeights;
  }

  /** @param rows the sample that each row of `data` shows, in parts that are divided into folds one by one */
  static async open(
    job: BackboneJob,
    data: TrainingData,
    rows: readonly (readonly number[])[],
    penalty: number,
  ): Promise<WeightedLearner> {
    const { images, classes, platform, seed, signal } = job;
    const folds = rows.flatMap((part) => [...foldsOf(images.samples, part, { count: foldCount, seed })]);
    const problem = await LinearProblem.open(data, classes, platform.engine, signal);
    const { labels } = problem;
    if (labels === undefined) throw new GraftError("data", "boosting needs class labels.");
    return new WeightedLearner(problem, { folds: Int32Array.from(folds), labels }, penalty, job);
  }

  async learn(sampleWeights: Float64Array): Promise<Hypothesis<LinearParameters>> {
    const weights = sampleWeights.map((weight, row) => weight * (this.#classWeights?.[this.labels[row] ?? 0] ?? 1));
    const whole = await this.#solve(-1, weights);
    const answers = await this.#answers(whole, weights);
    for (const fold of new Set(this.#folds)) {
      if (fold < 0) continue;
      const kept = weights.map((weight, row) => (this.#folds[row] === fold ? 0 : weight));
      const held = await this.#answers(await this.#solve(fold, kept), kept);
      for (const [row, answer] of held.entries()) if (this.#folds[row] === fold) answers[row] = answer;
    }
    return { hypothesis: this.#problem.head(whole), answers };
  }

  dispose(): Promise<void> {
    return this.#problem.dispose();
  }

  async #solve(fold: number, weights: Float64Array): Promise<Float64Array> {
    const start = this.#points.get(fold) ?? this.#problem.origin;
    const { point } = await this.#problem.solve(weights, this.#penalty, start, gradientTolerance);
    this.#points.set(fold, point);
    return point;
  }

  async #answers(point: Float64Array, weights: Float64Array): Promise<Int32Array> {
    const { predictions } = await this.#problem.evaluate(point, weights);
    return Int32Array.from(this.labels, (_, row) => argMax(predictions, row * this.#classes, this.#classes));
  }
}
