import type { Attribution, MethodName } from "../explain/attribute.ts";
import { MapChecker } from "../explain/check.ts";
import type { Layer } from "../explain/layers.ts";
import { overlay } from "../explain/overlay.ts";
import type { Platform } from "../platform/platform.ts";
import { ExplainedModel } from "./explainedModel.ts";
import { readImageFile } from "./imageFile.ts";
import { PictureNames } from "./pictureNames.ts";
import { readRun } from "./servedModel.ts";
import type { Explanation } from "./task.ts";

/** What `graft explain` is asked for. */
export interface ExplainInput {
  readonly model: string;
  readonly method: MethodName;
  readonly class?: string | undefined;
  readonly layer?: string | undefined;
  readonly out: string;
  readonly check: boolean;
  readonly seed: number;
}

/** Explains one photo after another by one model and one method; whoever opens it disposes of it. */
export class Explainer {
  readonly #input: ExplainInput;
  readonly #platform: Platform;
  readonly #model: ExplainedModel;
  readonly #attribution: Attribution;
  /** Index of the class to explain, or nothing for what the model answers. */
  readonly #wanted: number | undefined;
  readonly #checker: MapChecker | undefined;
  readonly #names: PictureNames;

  private constructor(input: ExplainInput, model: ExplainedModel, platform: Platform, signal: AbortSignal) {
    const { engine, store } = platform;
    this.#input = input;
    this.#platform = platform;
    this.#model = model;
    this.#attribution = model.attributionOf(input.method, input.layer);
    this.#wanted = input.class === undefined ? undefined : model.classOf(input.class);
    const draws = { seed: input.seed, signal };
    this.#checker = input.check ? new MapChecker(model.probe, this.#attribution, engine, draws) : undefined;
    this.#names = new PictureNames(input.out, store);
  }

  /** Throws `input`, `model` or `usage` for a model, a class or a layer that is none. */
  static async open(input: ExplainInput, platform: Platform, signal: AbortSignal): Promise<Explainer> {
    const { file, bytes } = await readRun(input.model, platform);
    const model = await ExplainedModel.of(bytes, file, platform, signal);
    try {
      const explainer = new Explainer(input, model, platform, signal);
      await platform.store.makeFolder(input.out);
      return explainer;
    } catch (error) {
      await model.dispose();
      throw error;
    }
  }

  /** Where the method looks into one. */
  get layer(): Layer | undefined {
    return "layer" in this.#attribution ? this.#attribution.layer : undefined;
  }

  /** Writes the picture of a photo. Throws `input` where that cannot be read. */
  async explain(file: string): Promise<{ readonly explanation: Explanation; readonly isEmpty: boolean }> {
    const { store, codec } = this.#platform;
    const wishes = { attribution: this.#attribution, classIndex: this.#wanted };
    const explained = await this.#model.explain(await readImageFile(file, store), wishes);
    const { photo, prepared, classIndex, label, probability, map, isEmpty } = explained;
    const check = await this.#checker?.check(prepared, classIndex, map);
    const { method } = this.#input;
    const picture = this.#names.of(file, method, label);
    await store.write(picture, await codec.encodePng(overlay(photo, map, this.#model.preparation)));
    return { explanation: { file, label, probability, method, layer: this.layer?.name, picture, check }, isEmpty };
  }

  async dispose(): Promise<void> {
    await this.#checker?.dispose();
    await this.#model.dispose();
  }
}
