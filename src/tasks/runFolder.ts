import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { EpochLog } from "../train/progress.ts";

const epochLog = z.object({ epoch: z.number() }).catchall(z.number());
const encoder = new TextEncoder();

/** Every held-out image with the run's answer to it. */
export const predictionsFile = "predictions.csv";

/** How long the run took, and how much memory. */
export const costFile = "cost.json";

/** A few images and what the model answered when it was saved. */
export const goldenFolder = "golden";

/** A folder of one training run: what is written there and under which names. */
export class RunFolder {
  readonly path: string;
  readonly #platform: Platform;

  constructor(path: string, platform: Platform) {
    this.path = path;
    this.#platform = platform;
  }

  /** A new folder at `wanted`, or at `wanted-2`, `-3`, … when that exists: nothing is ever overwritten. */
  static async claim(wanted: string, platform: Platform): Promise<RunFolder> {
    for (let i = 1; i <= 10_000; i++) {
      const path = i === 1 ? wanted : `${wanted}-${i}`;
      if (!(await platform.store.claimFolder(path))) continue;
      await platform.store.makeFolder(platform.store.join(path, "checkpoints"));
      return new RunFolder(path, platform);
    }
    throw new GraftError("system", `"${wanted}" and 9,999 numbered folders after it exist; give --out another name.`);
  }

  file(...names: readonly string[]): string {
    return this.#platform.store.join(this.path, ...names);
  }

  /** Where the progress of a run lies, or of one of the strategies that it tries. */
  checkpoint(of = "last"): string {
    return this.file("checkpoints", `${of}.safetensors`);
  }

  async writeText(name: string, text: string): Promise<void> {
    await this.#platform.store.write(this.file(name), encoder.encode(text));
  }

  async writeJson(name: string, value: unknown): Promise<void> {
    await this.writeText(name, `${JSON.stringify(value, undefined, 2)}\n`);
  }

  async has(name: string): Promise<boolean> {
    return (await this.#platform.store.info(this.file(name))) !== undefined;
  }

  /** A JSON file of the run. Throws `input` when the folder has none. */
  async readJson(name: string): Promise<unknown> {
    const path = this.file(name);
    if ((await this.#platform.store.info(path)) === undefined) {
      throw new GraftError(
        "input",
        `"${this.path}" is not a run folder: it has no ${name}. Expected a folder that "graft train" wrote.`,
      );
    }
    try {
      return JSON.parse(new TextDecoder().decode(await this.#platform.store.read(path)));
    } catch {
      throw new GraftError("input", `"${path}" is not JSON: it was changed or damaged.`);
    }
  }

  /** The epochs in `history.jsonl`; none where nothing was saved yet. Throws `input` when it is damaged. */
  async readHistory(): Promise<readonly EpochLog[]> {
    const path = this.file("history.jsonl");
    if ((await this.#platform.store.info(path)) === undefined) return [];
    const lines = new TextDecoder().decode(await this.#platform.store.read(path)).split("\n");
    try {
      return lines.filter((line) => line !== "").map((line) => epochLog.parse(JSON.parse(line)));
    } catch {
      throw new GraftError("input", `"${path}" is not a history as training writes it: it was changed or damaged.`);
    }
  }

  /** `history.jsonl` and `results.csv`, whole each time, so that they always agree with the checkpoint. */
  async writeHistory(history: readonly EpochLog[]): Promise<void> {
    const columns = [...new Set(history.flatMap((log) => Object.keys(log)))];
    const rows = history.map((log) => columns.map((column) => log[column] ?? "").join(","));
    await this.writeText("history.jsonl", history.map((log) => `${JSON.stringify(log)}\n`).join(""));
    await this.writeText("results.csv", `${[columns.join(","), ...rows].join("\n")}\n`);
  }
}
