import { type SelectionBias, selectionBias } from "../metrics/selectionBias.ts";
import { wilsonInterval } from "../metrics/wilson.ts";
import { type PairedGain, pairedGain } from "../transfer/pairedGain.ts";
import { shownValues } from "./race.ts";
import { type MeasuredRow, type TrialTable, unpackAnswers } from "./trialTable.ts";

/** Networks count as smaller from here on: a few numbers less are no simplicity. */
const smallerShare = 0.9;

/** What a search comes to. */
export interface Verdict {
  /** All trials that were trained to the end, the best first. */
  readonly finished: readonly MeasuredRow[];
  readonly best: MeasuredRow;
  /** The smallest network whose accuracy is within one standard error of the best's (the rule of Breiman et al. 1984, §3.4.3); of equals the best. */
  readonly simplest: MeasuredRow;
  /** Of the best over the settings as they were, where these were trained to the end. */
  readonly gain: PairedGain | undefined;
  readonly bias: SelectionBias;
}

/** Nothing where no trial came to its end. */
export function verdictOf(table: TrialTable, rung: number, images: number, seed: number): Verdict | undefined {
  const finished = table.standing(rung);
  const [best] = finished;
  if (best === undefined) return undefined;
  const rightOf = ({ right }: MeasuredRow) => unpackAnswers(right, images);
  const over = (row: MeasuredRow) => pairedGain(rightOf(row), rightOf(best));
  const near = finished.filter((row) => row === best || over(row).gain <= over(row).standardError);
  const simplest = near.reduce((least, row) => (row.size < smallerShare * least.size ? row : least), best);
  const asTheyWere = finished.find(({ trial }) => trial === 1);
  return {
    finished,
    best,
    simplest,
    gain: asTheyWere === undefined || asTheyWere === best ? undefined : over(asTheyWere),
    bias: selectionBias(finished.map(rightOf), seed),
  };
}

/** The verdict in sentences. */
export function toldVerdict({ finished, best, simplest, gain, bias }: Verdict, images: number): readonly string[] {
  const over =
    gain === undefined
      ? ""
      : `, ${signed(gain.gain)} ± ${points(gain.standardError)} points over trial 1, the settings as they were`;
  const lines = [`best: ${named(best)}: ${rightOn(best.accuracy, images)}${over}`];
  if (finished.length > 1) {
    const loss = bias.apparent - bias.corrected;
    lines.push(
      `picked from ${finished.length} by the same ${images} images, that figure flatters: picks made on resampled images are right on ${points(bias.corrected)} % of those left out, ${points(Math.max(0, loss))} points less`,
    );
  }
  if (simplest !== best) {
    lines.push(
      `simplest within one standard error: ${named(simplest)}: ${points(simplest.accuracy)} %, ${counted(simplest.size)} numbers instead of ${counted(best.size)}`,
    );
  }
  return lines;
}

export function named({ trial, values }: MeasuredRow): string {
  return `trial ${trial} (${shownValues(values)})`;
}

/** `92.2 % of 180 images right [87.3–95.3]`. */
export function rightOn(accuracy: number, images: number): string {
  const { lower, upper } = wilsonInterval(accuracy, images);
  return `${points(accuracy)} % of ${images} images right [${points(lower)}–${points(upper)}]`;
}

function points(fraction: number): string {
  return (100 * fraction).toFixed(1);
}

function signed(fraction: number): string {
  return `${fraction < 0 ? "−" : "+"}${points(Math.abs(fraction))}`;
}

function counted(size: number): string {
  return size.toLocaleString("en-US");
}
