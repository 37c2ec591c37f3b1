import type { CompileOptions, DeviceName, Engine, Platform, Program } from "../platform/platform.ts";

/** Programs that nobody uses at the moment and that stay compiled nevertheless. */
const idleLimit = 12;

/**
 * An engine that compiles equal models once: for many trainings after one another that differ in their rates and draws, not in their graphs.
 * A program that its user disposes of stays for the next one; the least recently used go first.
 */
export class SharedPrograms implements Engine {
  readonly #engine: Engine;
  readonly #digest: Platform["digest"];
  readonly #shared = new Map<string, Shared>();

  constructor({ engine, digest }: Pick<Platform, "engine" | "digest">) {
    this.#engine = engine;
    this.#digest = digest;
  }

  device(): Promise<DeviceName> {
    return this.#engine.device();
  }

  async compile(model: Uint8Array, options: CompileOptions = {}): Promise<Program> {
    const { threads, releaseMemory, externalData = new Map<string, Uint8Array>() } = options;
    const words = new TextEncoder().encode(JSON.stringify([threads, releaseMemory, ...externalData.keys()]));
    const key = this.#digest(words, model, ...externalData.values());
    const shared = this.#shared.get(key) ?? { program: this.#engine.compile(model, options), users: 0 };
    // Last in the order of the map: most recently used.
    this.#shared.delete(key);
    this.#shared.set(key, shared);
    shared.users++;
    const program = await shared.program;
    let isInUse = true;
    return {
      inputNames: program.inputNames,
      outputNames: program.outputNames,
      run: (feeds, into) => program.run(feeds, into),
      dispose: async () => {
        if (!isInUse) return;
        isInUse = false;
        shared.users--;
        await this.#drop(idleLimit);
      },
    };
  }

  /** Frees all that nobody uses. */
  async dispose(): Promise<void> {
    await this.#drop(0);
  }

  async #drop(limit: number): Promise<void> {
    const idle = [...this.#shared].filter(([, { users }]) => users === 0);
    for (const [key, { program }] of idle.slice(0, Math.max(0, idle.length - limit))) {
      this.#shared.delete(key);
      await (await program).dispose();
    }
  }
}

interface Shared {
  readonly program: Promise<Program>;
  users: number;
}
