import { pairedGain } from "../transfer/pairedGain.ts";
import type { AdaptationTrial } from "./acrossSeeds.ts";
import type { AdaptInput } from "./adaptInput.ts";
import type { OpenedDomains } from "./openDomains.ts";

export interface Choice {
  readonly sourceOnly: AdaptationTrial;
  readonly best: AdaptationTrial;
  /** InfoMax on the target images over source-only's, in nats, and the standard error of that difference; nothing where their answers differ in classes. */
  readonly gain: number | undefined;
  readonly standardError: number | undefined;
  readonly reasons: readonly string[];
}

/** In nats: of domains that are one, solutions differ by less, and surely. */
const leastGain = 0.01;

/**
 * The trial with the most InfoMax on calibrated answers. Under `auto` source-only stays unless the best gains more than a hundredth of a nat and its
 * standard error over the target images: the same images judged twice. A method that was asked for is kept, and told where it gains nothing. No validator
 * compares answers with and without an unknown class, so a target with classes of its own leaves `auto` no choice.
 */
export function chooseTrial(
  trials: readonly AdaptationTrial[],
  wanted: AdaptInput["method"],
  { targetClasses }: Pick<OpenedDomains, "targetClasses">,
): Choice {
  const [sourceOnly] = trials;
  if (sourceOnly === undefined) throw new Error("source-only is always tried");
  const rivals = trials.slice(1);
  if (rivals.length === 0) return { sourceOnly, best: sourceOnly, gain: 0, standardError: 0, reasons: [] };
  const best = rivals.reduce((a, b) => (b.scores.infoMax > a.scores.infoMax ? b : a));
  if (targetClasses === "more") return withoutValidators(sourceOnly, best, wanted);
  const { gain, standardError } = pairedGain([...sourceOnly.informed], [...best.informed]);
  const isBetter = gain > Math.max(standardError, leastGain);
  const kept = isBetter || wanted !== "auto" ? best : sourceOnly;
  const signed = `${gain < 0 ? "−" : "+"}${Math.abs(gain).toFixed(3)} ± ${standardError.toFixed(3)} nats`;
  const tooLittle = gain > standardError ? "too little to matter" : "no more than its standard error";
  const verdict = isBetter ? "more than its standard error" : tooLittle;
  const name = [best.method, best.setting].filter((part) => part !== "").join(", ");
  const end = kept === best ? `chosen: ${name}` : "source-only is kept: no method is measurably better";
  const reasons = [`${name}: InfoMax ${signed} over source-only, ${verdict}`, end];
  return { sourceOnly, best: kept, gain, standardError, reasons };
}

function withoutValidators(sourceOnly: AdaptationTrial, best: AdaptationTrial, wanted: AdaptInput["method"]): Choice {
  const isAuto = wanted === "auto";
  const why =
    "the target has classes of its own: no validator without labels compares answers that have an unknown class with answers that have none";
  const end = isAuto
    ? `source-only is kept, which knows the source's classes alone; ask for the other with --method ${best.method}`
    : `chosen: ${best.method}, as it was asked for`;
  const chosen = isAuto ? sourceOnly : best;
  return { sourceOnly, best: chosen, gain: undefined, standardError: undefined, reasons: [why, end] };
}
