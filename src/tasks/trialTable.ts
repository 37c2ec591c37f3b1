import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { Trial } from "./drawTrials.ts";
import type { RunFolder } from "./runFolder.ts";

export const tableFile = "trials.jsonl";

const common = {
  trial: z.number().int().min(1),
  /** The options that the trial does not leave as they were. */
  values: z.record(z.string(), z.union([z.string(), z.number()])),
  /** From 1, the stage of successive halving that it was measured after: the last one for random search and for heads that are solved. */
  rung: z.number().int().min(1),
  seconds: z.number(),
};
const measuredSchema = z.object({
  ...common,
  outcome: z.literal("measured"),
  /** Of training so far; nothing for a head that is solved. */
  epochs: z.number().int().optional(),
  /** On the validation images. */
  accuracy: z.number(),
  /** Their mean cross-entropy. */
  loss: z.number(),
  /** Numbers in the network that was trained. */
  size: z.number().int(),
  /** A hexadecimal digit for every four validation images, the first image in the highest bit: 1 where it was named right. */
  right: z.string().regex(/^[0-9a-f]*$/),
});
const divergedSchema = z.object({ ...common, outcome: z.literal("diverged"), reason: z.string() });
const rowSchema = z.discriminatedUnion("outcome", [measuredSchema, divergedSchema]);

/** What became of a trial up to a rung. */
export type TrialRow = z.output<typeof rowSchema>;
export type MeasuredRow = z.output<typeof measuredSchema>;

/** All that was measured, a line of JSON each, in `trials.jsonl`; a reader sees whole lines only. */
export class TrialTable {
  readonly #folder: RunFolder;
  readonly #rows: TrialRow[];

  private constructor(folder: RunFolder, rows: TrialRow[]) {
    this.#folder = folder;
    this.#rows = rows;
  }

  /** The table of a folder, which may have none yet. Throws `input` when its lines are not those of `trials`. */
  static async open(folder: RunFolder, trials: readonly Trial[], { store }: Platform): Promise<TrialTable> {
    if (!(await folder.has(tableFile))) return new TrialTable(folder, []);
    const path = folder.file(tableFile);
    const lines = new TextDecoder()
      .decode(await store.read(path))
      .trimEnd()
      .split("\n");
    const rows = lines.map((line, at) => {
      const row = parsed(line);
      if (row === undefined) {
        throw new GraftError("input", `"${path}" was changed or damaged: line ${at + 1} is not the result of a trial.`);
      }
      const known = trials.find(({ number }) => number === row.trial);
      if (JSON.stringify(known?.values) !== JSON.stringify(row.values)) throw otherSpace(path, row.trial);
      return row;
    });
    return new TrialTable(folder, rows);
  }

  get rows(): readonly TrialRow[] {
    return this.#rows;
  }

  has(trial: number, rung: number): boolean {
    return this.#rows.some((row) => row.trial === trial && row.rung === rung);
  }

  /** What was measured after a rung, the best first: by accuracy, then by loss, then by number. */
  standing(rung: number): readonly MeasuredRow[] {
    const measured = this.#rows.flatMap((row) => (row.outcome === "measured" && row.rung === rung ? [row] : []));
    return measured.sort((a, b) => b.accuracy - a.accuracy || a.loss - b.loss || a.trial - b.trial);
  }

  async add(row: TrialRow): Promise<void> {
    this.#rows.push(row);
    await this.#folder.writeText(tableFile, this.#rows.map((one) => `${JSON.stringify(one)}\n`).join(""));
  }
}

function parsed(line: string): TrialRow | undefined {
  try {
    return rowSchema.safeParse(JSON.parse(line)).data;
  } catch {
    return undefined;
  }
}

function otherSpace(path: string, trial: number): GraftError {
  return new GraftError(
    "input",
    `"${path}" belongs to another search: its trial ${trial} has other settings than the space of config.json gives it. Start a new search.`,
  );
}

/** Right answers as `MeasuredRow.right` holds them. */
export function packAnswers(right: readonly number[]): string {
  let text = "";
  for (let i = 0; i < right.length; i += 4) {
    let digit = 0;
    for (let k = 0; k < 4; k++) digit = 2 * digit + (right[i + k] ?? 0);
    text += digit.toString(16);
  }
  return text;
}

export function unpackAnswers(text: string, count: number): readonly number[] {
  return Array.from({ length: count }, (_, i) => (Number.parseInt(text[i >> 2] ?? "0", 16) >> (3 - (i % 4))) & 1);
}
