import type { Tensor } from "../base/tensor.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/imageTensor.ts";
import { type Latency, latencyOf } from "../metrics/latency.ts";
import type { Engine, Platform } from "../platform/platform.ts";
import { ImageModel } from "./imageModel.ts";

/** A model file in one of its forms. */
export interface ModelForm {
  /** `float32`, or what it was exported to. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}

/** How fast one form is from an image's file to its labels, one image at a time. */
export interface FormSpeed {
  readonly form: string;
  readonly megabytes: number;
  /** From the model's file to being ready. */
  readonly openMs: number;
  /** The first image after that. */
  readonly firstMs: number;
  /** Every other. */
  readonly warm: Latency;
}

/** How fast the network of one form answers a batch of prepared images. */
export interface NetworkSpeed {
  readonly form: string;
  readonly threads: number;
  readonly batchSize: number;
  /** Of a whole batch. */
  readonly run: Latency;
  readonly imagesPerSecond: number;
}

/** What an image costs before the network, whatever the form. */
export interface InputSpeed {
  readonly decode: Latency;
  readonly prepare: Latency;
}

/** Times models on some images, form by form in turns, so that what slows the machine slows all of them. */
export class Benchmark {
  readonly #platform: Platform;
  readonly #images: readonly Uint8Array[];
  readonly #secondsEach: number;
  readonly #signal: AbortSignal;

  /** @param secondsEach for each form in each row of its tables */
  constructor(platform: Platform, images: readonly Uint8Array[], secondsEach: number, signal: AbortSignal) {
    this.#platform = platform;
    this.#images = images;
    this.#secondsEach = secondsEach;
    this.#signal = signal;
  }

  async input(form: ModelForm): Promise<InputSpeed> {
    const model = await this.#open(form, this.#platform.engine);
    const [decode, prepare]: [number[], number[]] = [[], []];
    try {
      await this.#inTurns([
        async (i) => {
          const pixels = await timed(this.#platform, decode, () => this.#decode(i));
          await timed(this.#platform, prepare, () => model.prepareTensor(pixels));
        },
      ]);
    } finally {
      await model.dispose();
    }
    return { decode: latencyOf(decode), prepare: latencyOf(prepare) };
  }

  /** From file to labels. Whatever the first form needs that is loaded once for all, such as the runtime, must be loaded before. */
  async forms(forms: readonly ModelForm[]): Promise<readonly FormSpeed[]> {
    const opened = await this.#openAll(forms, async (form) => {
      const [openMs, firstMs]: [number[], number[]] = [[], []];
      const model = await timed(this.#platform, openMs, () => this.#open(form, this.#platform.engine));
      await timed(this.#platform, firstMs, () => this.#answer(model, 0));
      return { form, model, openMs: openMs[0] ?? 0, firstMs: firstMs[0] ?? 0, warm: [] as number[] };
    });
    try {
      await this.#inTurns(
        opened.map(
          ({ model, warm }) =>
            (i: number) =>
              timed(this.#platform, warm, () => this.#answer(model, i)),
        ),
      );
    } finally {
      for (const { model } of opened) await model.dispose();
    }
    return opened.map(({ form, openMs, firstMs, warm }) => ({
      form: form.name,
      megabytes: form.bytes / 1e6,
      openMs,
      firstMs,
      warm: latencyOf(warm),
    }));
  }

  /** The networks alone, on so many threads, for one batch size after another. */
  async *networks(
    forms: readonly ModelForm[],
    threads: number,
    batchSizes: readonly number[],
  ): AsyncGenerator<readonly NetworkSpeed[]> {
    const engine = onThreads(this.#platform.engine, threads);
    const opened = await this.#openAll(forms, async (form) => ({ form, model: await this.#open(form, engine) }));
    try {
      const [first] = opened;
      const prepared: Tensor[] = [];
      for (const i of this.#images.keys())
        if (first) prepared.push(await first.model.prepareTensor(await this.#decode(i)));
      for (const batchSize of batchSizes) {
        const batch = Array.from({ length: batchSize }, (_, i) => prepared[i % prepared.length]).flatMap(
          (one) => one ?? [],
        );
        const durations = opened.map((): number[] => []);
        // The first run of a size allocates.
        for (const { model } of opened) await model.answer(batch);
        await this.#inTurns(
          opened.map(
            ({ model }, i) =>
              () =>
                timed(this.#platform, durations[i] ?? [], () => model.answer(batch)),
          ),
        );
        yield opened.map(({ form }, i) => speedOf(form, threads, batchSize, durations[i] ?? []));
      }
    } finally {
      for (const { model } of opened) await model.dispose();
    }
  }

  /** Closes what is open when a later one fails. */
  async #openAll<T extends { readonly model: ImageModel }>(
    forms: readonly ModelForm[],
    open: (form: ModelForm) => Promise<T>,
  ): Promise<readonly T[]> {
    const opened: T[] = [];
    try {
      for (const form of forms) opened.push(await open(form));
      return opened;
    } catch (error) {
      for (const { model } of opened) await model.dispose();
      throw error;
    }
  }

  #open(form: ModelForm, engine: Engine): Promise<ImageModel> {
    const { codec, store } = this.#platform;
    return ImageModel.open(form.path, { engine, codec, store });
  }

  async #decode(i: number): Promise<Tensor> {
    const bytes = this.#images[i % this.#images.length] ?? new Uint8Array(0);
    return imageTensor(await decodeImage({ kind: "encoded", bytes }, this.#platform, limitPixels));
  }

  async #answer(model: ImageModel, i: number): Promise<void> {
    await model.answer([await model.prepareTensor(await this.#decode(i))]);
  }

  /** Each kind of work by turns, until all have had their time, or the signal comes. */
  async #inTurns(works: readonly ((turn: number) => Promise<unknown>)[]): Promise<void> {
    const endMs = this.#platform.nowMs() + 1000 * this.#secondsEach * works.length;
    for (let turn = 0; turn === 0 || (this.#platform.nowMs() < endMs && !this.#signal.aborted); turn++) {
      for (const work of works) await work(turn);
    }
  }
}

function speedOf({ name }: ModelForm, threads: number, batchSize: number, durations: readonly number[]): NetworkSpeed {
  const totalMs = durations.reduce((sum, one) => sum + one, 0);
  return {
    form: name,
    threads,
    batchSize,
    run: latencyOf(durations),
    imagesPerSecond: (1000 * batchSize * durations.length) / totalMs,
  };
}

function onThreads(engine: Engine, threads: number): Engine {
  return {
    device: () => engine.device(),
    compile: (model, options) => engine.compile(model, { ...options, threads }),
  };
}

async function timed<T>({ nowMs }: Platform, durations: number[], work: () => Promise<T>): Promise<T> {
  const startMs = nowMs();
  const result = await work();
  durations.push(nowMs() - startMs);
  return result;
}
