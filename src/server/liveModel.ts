import { GraftError, messageOf } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import type { FileInfo } from "../platform/platform.ts";
import type { ImageOutputs } from "../tasks/imageAnswers.ts";
import { ImageModel, type ModelPlatform } from "../tasks/imageModel.ts";
import { HttpError } from "./httpError.ts";
import type { ServerMetrics } from "./metrics.ts";
import { MicroBatcher } from "./microBatcher.ts";

export interface LiveModelOptions {
  readonly batchSize: number;
  readonly batchWaitMs: number;
  readonly metrics: ServerMetrics;
  /** Hears of a model that was replaced, or could not be. */
  say(text: string): void;
}

/** One opened version of a model, with what waits for it. */
interface Version {
  readonly number: number;
  readonly model: ImageModel;
  readonly batcher: MicroBatcher<Tensor, ImageOutputs>;
  readonly stamp: string;
  /** Requests that have not had their answer. */
  users: number;
  isOld: boolean;
}

/** A model that is replaced while it serves when its file is: requests finish on the version that they began with. */
export class LiveModel {
  readonly name: string;
  readonly #file: string;
  readonly #platform: ModelPlatform;
  readonly #options: LiveModelOptions;
  #version: Version;
  #failedStamp = "";

  private constructor(
    name: string,
    file: string,
    version: Version,
    { platform, options }: { readonly platform: ModelPlatform; readonly options: LiveModelOptions },
  ) {
    this.name = name;
    this.#file = file;
    this.#version = version;
    this.#platform = platform;
    this.#options = options;
  }

  /** Opens a run folder or a model file. Throws `input` where there is none, `model` for a file that Graft did not write. */
  static async open(
    name: string,
    path: string,
    platform: ModelPlatform,
    options: LiveModelOptions,
  ): Promise<LiveModel> {
    const { store } = platform;
    const file = (await store.info(path))?.kind === "folder" ? store.join(path, "model.onnx") : path;
    const version = await openVersion(name, file, 1, platform, options);
    return new LiveModel(name, file, version, { platform, options });
  }

  get versionNumber(): number {
    return this.#version.number;
  }

  /** Runs `work` on the version of now, which stays open until it is done. */
  async use<T>(work: (model: ImageModel, batcher: MicroBatcher<Tensor, ImageOutputs>) => Promise<T>): Promise<T> {
    const version = this.#version;
    version.users++;
    try {
      return await work(version.model, version.batcher);
    } finally {
      version.users--;
      if (version.isOld && version.users === 0) await version.model.dispose();
    }
  }

  /** The file of the version of now. Throws `busy` where another has just taken its place. */
  async readFile(): Promise<{ readonly bytes: Uint8Array; readonly version: number }> {
    const { number, stamp } = this.#version;
    const { store } = this.#platform;
    const bytes = await store.read(this.#file);
    if (stampOf(await store.info(this.#file)) === stamp) return { bytes, version: number };
    throw new HttpError("busy", `"${this.name}" is being replaced; try again.`, { retryAfterSeconds: 1 });
  }

  /** Opens the file anew where it was replaced. A file that cannot be opened is told of once, and the model that serves goes on. */
  async refresh(): Promise<void> {
    const stamp = stampOf(await this.#platform.store.info(this.#file));
    if (stamp === undefined || stamp === this.#version.stamp || stamp === this.#failedStamp) return;
    const { metrics, say } = this.#options;
    try {
      const next = await openVersion(this.name, this.#file, this.#version.number + 1, this.#platform, this.#options);
      const old = this.#version;
      this.#version = next;
      metrics.reload(this.name, "replaced");
      say(`"${this.name}" was replaced: version ${next.number} serves now`);
      await this.#retire(old);
    } catch (error) {
      this.#failedStamp = stamp;
      metrics.reload(this.name, "failed");
      say(`"${this.name}" was replaced by a file that cannot be served, so the old one goes on: ${messageOf(error)}`);
    }
  }

  async dispose(): Promise<void> {
    await this.#retire(this.#version);
  }

  async #retire(version: Version): Promise<void> {
    version.isOld = true;
    if (version.users === 0) await version.model.dispose();
  }
}

async function openVersion(
  name: string,
  file: string,
  number: number,
  platform: ModelPlatform,
  { batchSize, batchWaitMs, metrics }: LiveModelOptions,
): Promise<Version> {
  // Before it is read: a file replaced in between is opened once more rather than missed.
  const stamp = stampOf(await platform.store.info(file));
  if (stamp === undefined) {
    throw new GraftError("input", `"${file}" does not exist; expected a run folder with a model.onnx.`);
  }
  const model = await ImageModel.open(file, platform);
  const batcher = new MicroBatcher<Tensor, ImageOutputs>((prepared) => model.answer(prepared), {
    size: batchSize,
    waitMs: batchWaitMs,
    onBatch: (size) => metrics.batch(name, size),
  });
  return { number, model, batcher, stamp, users: 0, isOld: false };
}

/** What changes when a file is replaced. */
function stampOf(info: FileInfo | undefined): string | undefined {
  return info?.kind === "file" ? `${info.modifiedMs} ${info.size}` : undefined;
}
