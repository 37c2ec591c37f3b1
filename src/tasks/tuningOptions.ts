import type { Unfreezing } from "../transfer/tunedBackbone.ts";
import type { TrainInput } from "./trainInput.ts";

/** The first option given that only fine-tuning heeds. */
export function tuningFlagOf({ stages, l2sp, parameters, unfreezeEvery, delta }: TrainInput): string | undefined {
  const given = {
    "--stages": stages !== undefined,
    "--l2sp": l2sp > 0,
    "--parameters": parameters !== "all",
    "--delta": delta > 0,
    "--unfreeze-every": unfreezeEvery !== undefined,
  };
  return Object.entries(given).find(([, isGiven]) => isGiven)?.[0];
}

/** When the stages of a backbone begin to learn, where they do so one after another. */
export function unfreezingOf(
  images: number,
  { unfreezeEvery, batchSize }: Pick<TrainInput, "unfreezeEvery" | "batchSize">,
): Unfreezing | undefined {
  if (unfreezeEvery === undefined) return undefined;
  return { epochs: unfreezeEvery, stepsAnEpoch: Math.ceil(images / batchSize) };
}
