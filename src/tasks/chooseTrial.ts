import { pairedGain } from "../transfer/pairedGain.ts";
import type { AdaptationTrial, SeedResult } from "./acrossSeeds.ts";
import type { AdaptInput } from "./adaptInput.ts";
import type { OpenedDomains } from "./openDomains.ts";

export interface Choice<T = AdaptationTrial> {
  readonly sourceOnly: T;
  readonly best: T;
  /** InfoMax on the target images over source-only's, in nats, and the standard error of that difference; nothing where their answers differ in classes. */
  readonly gain: number | undefined;
  readonly standardError: number | undefined;
  readonly reasons: readonly string[];
}

/** In nats: of domains that are one, solutions differ by less, and surely. */
const leastGain = 0.01;

/**
 * The trial with the most InfoMax on calibrated answers; under `auto` of those that agree with all together (EnsV) as much as the median of them, since
 * InfoMax also rewards who is sure of something odd, as optimal transport often is. Under `auto` source-only stays unless the best gains more than a hundredth of a nat and its
 * standard error over the target images: the same images judged twice. A method that was asked for is kept, and told where it gains nothing. No validator
 * compares answers with and without an unknown class, so a target with classes of its own leaves `auto` no choice.
 */
export function chooseTrial<T extends SeedResult>(
  trials: readonly T[],
  wanted: AdaptInput["method"],
  { targetClasses }: Pick<OpenedDomains, "targetClasses">,
): Choice<T> {
  const [sourceOnly] = trials;
  if (sourceOnly === undefined) throw new Error("source-only is always tried");
  const rivals = trials.slice(1);
  if (rivals.length === 0) return { sourceOnly, best: sourceOnly, gain: 0, standardError: 0, reasons: [] };
  const surest = mostInfoMax(rivals, rivals[0] ?? sourceOnly);
  if (targetClasses === "more") return withoutValidators(sourceOnly, surest, wanted);
  const best = wanted === "auto" ? mostInfoMax(agreeing(rivals, trials), surest) : surest;
  const { gain, standardError } = pairedGain([...sourceOnly.informed], [...best.informed]);
  const isBetter = gain > Math.max(standardError, leastGain);
  const kept = isBetter || wanted !== "auto" ? best : sourceOnly;
  const signed = `${gain < 0 ? "−" : "+"}${Math.abs(gain).toFixed(3)} ± ${standardError.toFixed(3)} nats`;
  const tooLittle = gain > standardError ? "too little to matter" : "no more than its standard error";
  const verdict = isBetter ? "more than its standard error" : tooLittle;
  const end = kept === best ? `chosen: ${nameOf(best)}` : "source-only is kept: no method is measurably better";
  const passed = `${nameOf(surest)}: the most InfoMax, but it agrees less with all methods together than most do: passed over`;
  const reasons = [
    ...(surest === best ? [] : [passed]),
    `${nameOf(best)}: InfoMax ${signed} over source-only, ${verdict}`,
    end,
  ];
  return { sourceOnly, best: kept, gain, standardError, reasons };
}

function mostInfoMax<T extends SeedResult>(trials: readonly T[], first: T): T {
  const [start = first, ...others] = trials;
  return others.reduce((a, b) => (b.scores.infoMax > a.scores.infoMax ? b : a), start);
}

/** The half of all trials that agrees the most with their mean answer, as far as it is among the rivals. */
function agreeing<T extends SeedResult>(rivals: readonly T[], trials: readonly T[]): readonly T[] {
  const sorted = trials.map(({ scores }) => scores.agreement).sort((a, b) => b - a);
  const median = sorted[Math.floor(sorted.length / 2)] ?? Number.NEGATIVE_INFINITY;
  return rivals.filter(({ scores }) => scores.agreement >= median);
}

function nameOf({ method, setting }: SeedResult): string {
  return [method, setting].filter((part) => part !== "").join(", ");
}

function withoutValidators<T extends SeedResult>(sourceOnly: T, best: T, wanted: AdaptInput["method"]): Choice<T> {
  const isAuto = wanted === "auto";
  const why =
    "the target has classes of its own: no validator without labels compares answers that have an unknown class with answers that have none";
  const end = isAuto
    ? `source-only is kept, which knows the source's classes alone; ask for the other with --method ${best.method}`
    : `chosen: ${best.method}, as it was asked for`;
  const chosen = isAuto ? sourceOnly : best;
  return { sourceOnly, best: chosen, gain: undefined, standardError: undefined, reasons: [why, end] };
}
