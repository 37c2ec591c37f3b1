import { Evaluator } from "../train/evaluator.ts";
import type { Learned } from "./learn.ts";
import type { Job } from "./trainPlan.ts";

const rowsAtOnce = 64;

/** What a trained network says of some of the job's images, [images, classes], row by row. */
export async function probabilitiesOf(
  { platform }: Pick<Job, "platform">,
  { plan, state }: Pick<Learned, "plan" | "state">,
  indices: readonly number[],
): Promise<Float32Array> {
  const evaluator = new Evaluator(plan.network, platform.engine);
  try {
    return (await evaluator.predict(plan.data(indices, false), state, rowsAtOnce)).floats;
  } finally {
    await evaluator.dispose();
  }
}

/** The likeliest class of each row. */
export function answersOf(probabilities: Float32Array, classes: number): readonly number[] {
  return Array.from({ length: probabilities.length / classes }, (_, i) => {
    const row = probabilities.subarray(i * classes, (i + 1) * classes);
    return row.indexOf(Math.max(...row));
  });
}

/** 1 for each validation image that is named right, else 0. */
export async function rightAnswers(job: Job, learned: Learned): Promise<readonly number[]> {
  const { split, images, labels } = job;
  const answers = answersOf(await probabilitiesOf(job, learned, split.validation), labels.length);
  return split.validation.map((image, i) => Number(answers[i] === images.samples[image]?.label));
}
