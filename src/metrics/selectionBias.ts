import { stream } from "../base/random.ts";

/** Right (1) and wrong (0) answers of one candidate, an entry an image; the images are the same for all. */
export type Answers = readonly number[];

/** What picking the best of many on one set of images does to its figure. */
export interface SelectionBias {
  /** Accuracy of the candidate that is picked. */
  readonly apparent: number;
  /** What the pick would be right on among images that had no part in it. */
  readonly corrected: number;
}

const mostResamples = 1000;
const fewestResamples = 50;
/** Entries looked at in all: a second or so. */
const work = 1e8;

/**
 * Bootstrap bias correction (Tsamardinos, Greasidou & Borboudakis 2018, algorithm 3): the images are resampled, the best candidate on the resample is
 * judged by the images that are not in it, and the mean over many resamples is what such a pick is worth. Ties go to the earlier candidate.
 */
export function selectionBias(candidates: readonly Answers[], seed: number): SelectionBias {
  const count = candidates[0]?.length ?? 0;
  const resamples = Math.max(fewestResamples, Math.min(mostResamples, Math.floor(work / (count * candidates.length))));
  const apparent = Math.max(...candidates.map((answers) => answers.reduce((sum, one) => sum + one, 0))) / count;
  let sum = 0;
  let judged = 0;
  for (let resample = 0; resample < resamples; resample++) {
    const random = stream(seed, "selection bias", resample);
    const times = new Uint32Array(count);
    for (let i = 0; i < count; i++) {
      const drawn = random.below(count);
      times[drawn] = (times[drawn] ?? 0) + 1;
    }
    const outside = times.reduce((all, one) => all + Number(one === 0), 0);
    if (outside === 0) continue;
    const picked = bestOn(candidates, times);
    let right = 0;
    for (let i = 0; i < count; i++) if (times[i] === 0) right += picked[i] ?? 0;
    sum += right / outside;
    judged++;
  }
  return { apparent, corrected: judged === 0 ? apparent : sum / judged };
}

function bestOn(candidates: readonly Answers[], times: Uint32Array): Answers {
  let best: Answers = [];
  let most = -1;
  for (const answers of candidates) {
    let right = 0;
    for (let i = 0; i < times.length; i++) right += (times[i] ?? 0) * (answers[i] ?? 0);
    if (right > most) [best, most] = [answers, right];
  }
  return best;
}
