import { GraftError } from "../base/errors.ts";

/** The learning rate at a step (counted from 0) of `totalSteps`, as a multiple of the base rate. */
export type Schedule = (step: number, totalSteps: number) => number;

/** The base rate throughout. */
export function constantSchedule(): Schedule {
  return () => 1;
}

/** ×`factor` at each of these fractions of the run, such as [0.5, 0.75]. */
export function stepSchedule(options: { readonly at: readonly number[]; readonly factor?: number }): Schedule {
  const { at, factor = 0.1 } = options;
  return (step, total) => factor ** at.filter((fraction) => step >= fraction * total).length;
}

/** Falls exponentially from 1 to `final` at the last step. */
export function exponentialSchedule({ final = 0.01 }: { readonly final?: number } = {}): Schedule {
  if (!(final > 0))
    throw new GraftError("usage", `exponentialSchedule: "final" is ${final}; expected a positive number.`);
  return (step, total) => final ** progress(step, total);
}

/** Half a cosine from 1 to `final` (Loshchilov & Hutter 2017, equation 5, without restarts). */
export function cosineSchedule({ final = 0 }: { readonly final?: number } = {}): Schedule {
  return (step, total) => final + ((1 - final) * (1 + Math.cos(Math.PI * progress(step, total)))) / 2;
}

/** Rises linearly over the first `steps` steps (Goyal et al. 2017, §2.2), then follows `after` over the rest. */
export function warmUp(steps: number, after: Schedule): Schedule {
  return (step, total) => (step < steps ? (step + 1) / steps : after(step - steps, Math.max(1, total - steps)));
}

/**
 * One cycle (Smith & Topin 2018): up from 1/`divide` to 1 over the fraction `rise`, then down to 1/(`divide`·`divideFinal`), both by cosine;
 * the base rate is the peak. Defaults as in fastai and PyTorch.
 */
export function oneCycle(
  options: { readonly rise?: number; readonly divide?: number; readonly divideFinal?: number } = {},
): Schedule {
  const { rise = 0.3, divide = 25, divideFinal = 1e4 } = options;
  const start = 1 / divide;
  const end = start / divideFinal;
  const between = (from: number, to: number, t: number) => to + ((from - to) * (1 + Math.cos(Math.PI * t))) / 2;
  return (step, total) => {
    const peak = rise * total - 1;
    if (step <= peak) return between(start, 1, peak <= 0 ? 1 : step / peak);
    return between(1, end, Math.min(1, (step - peak) / Math.max(1, total - 1 - peak)));
  };
}

/** Schedules by name, with their defaults. */
export const schedules = {
  constant: constantSchedule,
  step: () => stepSchedule({ at: [0.5, 0.75] }),
  exponential: () => exponentialSchedule(),
  cosine: () => cosineSchedule(),
  oneCycle: () => oneCycle(),
} as const satisfies Record<string, () => Schedule>;

function progress(step: number, total: number): number {
  return total <= 1 ? 0 : Math.min(1, step / (total - 1));
}
