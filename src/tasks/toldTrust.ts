import type { StatedTrust } from "../artefact/statedTrust.ts";

/** Expected calibration error of one part, by the network alone and by the served model. */
export interface CalibrationErrors {
  readonly before: number;
  readonly after: number;
}

/** What was promised on validation images, in sentences, with the errors by part. */
export function toldTrust(
  trust: StatedTrust | undefined,
  errors: Readonly<Record<string, CalibrationErrors>>,
): readonly string[] {
  if (trust === undefined) {
    return ["not calibrated, no prediction sets and no unknown score: there are no validation images to fit them on"];
  }
  const { calibration, conformal, unknown } = trust;
  const changes = Object.entries(errors).map(([part, { before, after }]) => {
    const fitted = part === "validation" ? " (which it was fitted on)" : "";
    return `${before.toFixed(3)} → ${after.toFixed(3)} on ${part}${fitted}`;
  });
  const how = calibration?.temperature?.toPrecision(3);
  const scaled = how === undefined ? "a factor and a shift for each class" : `temperature ${how}`;
  return [
    `calibration: ${scaled}, fitted on ${calibration?.images} validation images; expected calibration error ${changes.join(", ")}`,
    conformal === undefined
      ? "no prediction sets: too few validation images to promise 90 %"
      : `prediction sets at ${(100 * conformal.coverage).toFixed(0)} %: the classes with a probability of ${(1 - conformal.threshold).toPrecision(2)} or more`,
    ...(unknown === undefined ? [] : [toldUnknown(unknown)]),
  ];
}

function toldUnknown({ score, threshold, quantile }: NonNullable<StatedTrust["unknown"]>): string {
  const share = (100 * (1 - quantile)).toFixed(0);
  return `unknown: an image whose ${score} score is above ${threshold.toPrecision(4)}, as for ${share} % of the validation images`;
}
