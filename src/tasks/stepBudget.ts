import { z } from "zod";
import { type TrainedMethodName, trainedMethodNames } from "../adapt/trainedMethods.ts";
import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { DomainTrial } from "../transfer/domainTrial.ts";
import type { AdaptFolder } from "./adaptFolder.ts";
import type { AdaptInput } from "./adaptInput.ts";
import type { TaskEvent } from "./task.ts";
import { budgetMs } from "./trainInput.ts";

/** What was decided once: it depends on the clock, and a resumed run must go on alike. */
const decisionFile = "budget.json";
const decisionSchema = z.object({ leftOut: z.array(z.enum(trainedMethodNames)) });
/** The first epoch also compiles. */
const timedEpochs = 2;

/** Which of the methods that learn by steps `auto` has time for. They come last, and where one takes too long, so would the next. */
export class StepBudget {
  readonly #input: AdaptInput;
  readonly #kept: AdaptFolder;
  readonly #platform: Platform;
  readonly #startMs: number;
  #leftOut: readonly TrainedMethodName[];
  /** What each further seed takes that is sure to be done. */
  #committedMs = 0;

  private constructor(input: AdaptInput, kept: AdaptFolder, platform: Platform, leftOut: readonly TrainedMethodName[]) {
    this.#input = input;
    this.#kept = kept;
    this.#platform = platform;
    this.#startMs = platform.nowMs();
    this.#leftOut = leftOut;
  }

  static async open(input: AdaptInput, kept: AdaptFolder, platform: Platform): Promise<StepBudget> {
    return new StepBudget(input, kept, platform, await decided(kept, platform));
  }

  allows(method: string): boolean {
    return !this.#leftOut.some((name) => name === method);
  }

  /** Of a whole method, with the first seed. */
  commit(durationMs: number): void {
    this.#committedMs += durationMs;
  }

  /** The trial of a method with the first seed; nothing, and a note on what is left out and why, as soon as it is known to take too long. */
  async *timed(
    method: string,
    trial: AsyncGenerator<TaskEvent, DomainTrial | undefined>,
  ): AsyncGenerator<TaskEvent, DomainTrial | undefined> {
    const names: readonly string[] = trainedMethodNames;
    const place = names.indexOf(method);
    if (this.#input.method !== "auto" || place < 0) return yield* trial;
    const startMs = this.#platform.nowMs();
    const timed = Math.min(timedEpochs, this.#input.epochs);
    let next = await trial.next();
    for (; !next.done; next = await trial.next()) {
      yield next.value;
      if (next.value.type !== "epoch" || next.value.log.epoch !== timed) continue;
      const spentMs = this.#platform.nowMs() - startMs;
      const needMs = (spentMs / timed) * this.#input.epochs * this.#input.seeds - spentMs;
      const leftMs = this.#leftMs();
      if (needMs <= leftMs) continue;
      await trial.return(undefined);
      await this.#leaveOut(trainedMethodNames.slice(place));
      yield { type: "note", text: this.#inWords(needMs, leftMs) };
      return undefined;
    }
    return next.value;
  }

  #leftMs(): number {
    const laterMs = this.#committedMs * (this.#input.seeds - 1);
    return Math.max(0, this.#startMs + budgetMs(this.#input) - this.#platform.nowMs() - laterMs);
  }

  async #leaveOut(names: readonly TrainedMethodName[]): Promise<void> {
    this.#leftOut = names;
    await (await this.#kept.claim()).writeJson(decisionFile, { leftOut: names });
  }

  #inWords(needMs: number, leftMs: number): string {
    const { epochs, seeds, budget } = this.#input;
    const times = seeds === 1 ? "" : ` with ${seeds} seeds`;
    const [method, ...after] = this.#leftOut;
    const others = after.length === 0 ? "" : `; so are ${after.join(", ")}`;
    return `${method} was left out: ${epochs} epochs${times} take about ${seconds(needMs)} more, and ${seconds(leftMs)} of --budget ${budget} are left${others}`;
  }
}

async function decided(kept: AdaptFolder, platform: Platform): Promise<readonly TrainedMethodName[]> {
  if (kept.path === undefined) return [];
  const folder = await kept.claim();
  if (!(await folder.has(decisionFile))) return [];
  const stored = decisionSchema.safeParse(await folder.readJson(decisionFile));
  if (stored.success) return stored.data.leftOut;
  throw new GraftError(
    "input",
    `"${platform.store.join(kept.path, decisionFile)}" was changed or damaged: expected the methods that were left out. Delete it to decide anew.`,
  );
}

function seconds(durationMs: number): string {
  return `${Math.round(durationMs / 1000)} s`;
}
