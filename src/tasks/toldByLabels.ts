import { pairedGain } from "../transfer/pairedGain.ts";
import type { AdaptationTrial } from "./acrossSeeds.ts";

/** What the target's labels say of a choice that was made without them; nothing where there are none, or nothing to compare. */
export function toldByLabels(
  { sourceOnly, best }: { readonly sourceOnly: AdaptationTrial; readonly best: AdaptationTrial },
  truth: Int32Array,
): string | undefined {
  const known = Array.from(truth.keys()).filter((image) => (truth[image] ?? -1) >= 0);
  if (known.length === 0 || best === sourceOnly) return undefined;
  const rightShares = ({ results }: AdaptationTrial) =>
    known.map((image) => results.filter(({ answers }) => answers[image] === truth[image]).length / results.length);
  const { gain, standardError } = pairedGain(rightShares(sourceOnly), rightShares(best));
  const verdict = verdictOn(gain, standardError);
  const points = (share: number) => (100 * share).toFixed(1);
  const signed = `${gain < 0 ? "−" : "+"}${points(Math.abs(gain))} ± ${points(standardError)} points`;
  return `by the target's labels, which the choice did not see, it is ${verdict} source-only: ${signed}`;
}

function verdictOn(gain: number, standardError: number): string {
  if (Math.abs(gain) <= standardError) return "as good as";
  return gain > 0 ? "better than" : "worse than";
}
