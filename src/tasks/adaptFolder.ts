import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../train/checkpoint.ts";
import type { Checkpoints } from "../transfer/learnBySteps.ts";
import type { AdaptInput } from "./adaptInput.ts";
import type { OpenedDomains } from "./openDomains.ts";
import { absolutePaths, nameOfData } from "./resume.ts";
import { RunFolder } from "./runFolder.ts";

const checkpointMs = 500;

/** The run folder of an adaptation, which is there from the first step that is worth keeping: what is solved at once is solved anew. */
export class AdaptFolder {
  readonly #input: AdaptInput;
  readonly #opened: Pick<OpenedDomains, "source" | "target" | "labels">;
  readonly #platform: Platform;
  #folder: RunFolder | undefined;

  private constructor(
    input: AdaptInput,
    opened: Pick<OpenedDomains, "source" | "target" | "labels">,
    platform: Platform,
    folder: RunFolder | undefined,
  ) {
    this.#input = input;
    this.#opened = opened;
    this.#platform = platform;
    this.#folder = folder;
  }

  /** A new one, or the one that is resumed. Throws `data` where its work began with other images. */
  static async open(
    input: AdaptInput,
    opened: Pick<OpenedDomains, "source" | "target" | "labels">,
    platform: Platform,
  ): Promise<AdaptFolder> {
    if (input.resume === undefined) return new AdaptFolder(input, opened, platform, undefined);
    const folder = new RunFolder(input.resume, platform);
    const stored = (await folder.readJson("config.json")) as { readonly content?: unknown };
    if (stored.content === contentOf(opened, platform)) return new AdaptFolder(input, opened, platform, folder);
    throw new GraftError(
      "data",
      `"${input.resume}" cannot be resumed: the images or their labels have changed since it began. Start a new run.`,
    );
  }

  /** Where it lies; nothing while nothing is kept. */
  get path(): string | undefined {
    return this.#folder?.path;
  }

  /** The folder, with its configuration. */
  async claim(): Promise<RunFolder> {
    if (this.#folder !== undefined) return this.#folder;
    const input = this.#input;
    const { store } = this.#platform;
    const name = nameOfRun(input, this.#platform);
    const folder = await RunFolder.claim(input.out ?? store.join("runs", name), this.#platform);
    await folder.writeJson("config.json", {
      adapt: await inputToKeep(input, folder.path, this.#platform),
      labels: this.#opened.labels,
      content: contentOf(this.#opened, this.#platform),
    });
    this.#folder = folder;
    return folder;
  }

  /** Of what a seed learns by steps. */
  checkpoints(seed: number): Checkpoints {
    const { store } = this.#platform;
    const place = (lesson: string) => `${lesson}-${seed}`;
    return {
      everyMs: checkpointMs,
      load: async (lesson, callbacks) => {
        const path = this.#folder?.checkpoint(place(lesson));
        if (path === undefined || (await store.info(path)) === undefined) return undefined;
        return decodeCheckpoint(await store.read(path), path, callbacks);
      },
      save: async (lesson, ...now) => {
        const folder = await this.claim();
        await store.write(folder.checkpoint(place(lesson)), encodeCheckpoint(...now));
      },
    };
  }
}

/** What a run is called after its data. */
export function nameOfRun({ source, target }: AdaptInput, platform: Platform): string {
  return `${nameOfData(source, platform)}-to-${nameOfData(target, platform)}`;
}

/** What was asked for, with absolute paths. */
export async function inputToKeep(input: AdaptInput, out: string, platform: Platform) {
  const { store } = platform;
  const { backbone, weights } = await absolutePaths(
    { data: undefined, backbone: input.backbone, weights: input.weights, teacher: undefined, init: undefined },
    platform,
  );
  const [source, target] = [store.absolute(input.source), store.absolute(input.target)];
  return { ...input, source, target, backbone, weights, out };
}

function contentOf({ source, target }: Pick<OpenedDomains, "source" | "target">, platform: Platform): string {
  const labels = source.samples.map(({ label }) => label);
  return platform.digest(new TextEncoder().encode(JSON.stringify([source.keys, labels, target.keys])));
}
