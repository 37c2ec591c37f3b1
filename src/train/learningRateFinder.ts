import type { Schedule } from "../optim/schedules.ts";

/** A loss as it was at one learning rate. */
export interface RatePoint {
  readonly learningRate: number;
  /** Mean over the steps before, the last ones counting most. */
  readonly loss: number;
}

export interface RateAdvice {
  /** Where the loss falls fastest, and no more than a tenth of where it is lowest: close to that, training soon diverges. */
  readonly suggested: number;
  readonly steepest: number;
  readonly lowest: number;
}

const forgetting = 0.9;
/** The sweep ends when the loss is so many times the best; not before it had time to settle. */
const worstFactor = 4;
const settlingSteps = 10;

/** From `from` to `to` in equal ratios over `steps` steps (Smith 2017, §3.3), as multiples of `base`. */
export function sweepSchedule(from: number, to: number, steps: number, base: number): Schedule {
  return (step) => (from * (to / from) ** (step / Math.max(1, steps - 1))) / base;
}

/** The smoothed losses of a sweep, one a step. */
export class RateCurve {
  readonly points: RatePoint[] = [];
  #sum = 0;

  /** Adds a step; true when the sweep has seen enough. */
  add(learningRate: number, loss: number): boolean {
    this.#sum = forgetting * this.#sum + (1 - forgetting) * loss;
    const smoothed = this.#sum / (1 - forgetting ** (this.points.length + 1));
    this.points.push({ learningRate, loss: smoothed });
    const best = Math.min(...this.points.map((point) => point.loss));
    return this.points.length > settlingSteps && smoothed > worstFactor * best;
  }

  /** Nothing when the loss never fell. */
  advice(): RateAdvice | undefined {
    const { points } = this;
    const lowest = points.reduce((best, point, i) => (point.loss < (points[best]?.loss ?? 0) ? i : best), 0);
    let steepest: { readonly at: number; readonly slope: number } | undefined;
    // Over several steps: between neighbours the slope is mostly chance.
    const reach = Math.max(1, Math.round(points.length / 20));
    for (let i = reach; i + reach <= lowest; i++) {
      const rise = (points[i + reach]?.loss ?? 0) - (points[i - reach]?.loss ?? 0);
      const slope = rise / Math.log((points[i + reach]?.learningRate ?? 1) / (points[i - reach]?.learningRate ?? 1));
      if (slope < (steepest?.slope ?? 0)) steepest = { at: i, slope };
    }
    if (steepest === undefined) return undefined;
    const rateAt = (at: number) => points[at]?.learningRate ?? 0;
    const suggested = Math.min(rateAt(steepest.at), rateAt(lowest) / 10);
    return { suggested, steepest: rateAt(steepest.at), lowest: rateAt(lowest) };
  }
}
