interface Waiting<Input, Output> {
  readonly input: Input;
  resolve(output: Output): void;
  reject(error: unknown): void;
}

export interface BatchOptions {
  /** Items that run together at most. */
  readonly size: number;
  /** How long the first of a batch waits for others. */
  readonly waitMs: number;
  /** Hears of every batch. */
  readonly onBatch?: (size: number) => void;
}

/** Gathers what comes within a few milliseconds, or while a batch runs, into one batch. One batch runs at a time. */
export class MicroBatcher<Input, Output> {
  readonly #run: (inputs: readonly Input[]) => Promise<readonly Output[]>;
  readonly #options: BatchOptions;
  readonly #queue: Waiting<Input, Output>[] = [];
  #timer: NodeJS.Timeout | undefined;
  #isRunning = false;

  constructor(run: (inputs: readonly Input[]) => Promise<readonly Output[]>, options: BatchOptions) {
    this.#run = run;
    this.#options = options;
  }

  add(input: Input): Promise<Output> {
    const output = new Promise<Output>((resolve, reject) => {
      this.#queue.push({ input, resolve, reject });
    });
    this.#schedule();
    return output;
  }

  #schedule(): void {
    const { size, waitMs } = this.#options;
    if (this.#isRunning || this.#queue.length === 0) return;
    if (this.#queue.length >= size) void this.#flush();
    else this.#timer ??= setTimeout(() => void this.#flush(), waitMs);
  }

  async #flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    const batch = this.#queue.splice(0, this.#options.size);
    this.#isRunning = true;
    this.#options.onBatch?.(batch.length);
    await this.#settle(batch);
    this.#isRunning = false;
    // Who came while it ran has waited long enough.
    if (this.#queue.length > 0) void this.#flush();
  }

  async #settle(batch: readonly Waiting<Input, Output>[]): Promise<void> {
    try {
      const outputs = await this.#run(batch.map(({ input }) => input));
      for (const [i, { resolve, reject }] of batch.entries()) {
        const output = outputs[i];
        if (output === undefined) reject(new Error(`a batch of ${batch.length} gave ${outputs.length} answers`));
        else resolve(output);
      }
    } catch (error) {
      for (const { reject } of batch) reject(error);
    }
  }
}
