import { GraftError } from "../base/errors.ts";
import { type Attribution, attribute, type MethodName, needsLayer } from "../explain/attribute.ts";
import { MapChecker } from "../explain/check.ts";
import { chooseLayer, type Layer } from "../explain/layers.ts";
import type { ExplainedNetwork } from "../explain/network.ts";
import { overlay } from "../explain/overlay.ts";
import { Probe } from "../explain/probe.ts";
import type { Platform } from "../platform/platform.ts";
import { ExplainedModel } from "./explainedModel.ts";
import { readImageFile } from "./imageFile.ts";
import { PictureNames } from "./pictureNames.ts";
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
  readonly #probe: Probe;
  readonly #checker: MapChecker | undefined;
  readonly #names: PictureNames;

  private constructor(input: ExplainInput, model: ExplainedModel, platform: Platform, signal: AbortSignal) {
    const { engine, store } = platform;
    this.#input = input;
    this.#platform = platform;
    this.#model = model;
    this.#attribution = attributionOf(input, model.network);
    this.#wanted = input.class === undefined ? undefined : model.classOf(input.class);
    this.#probe = new Probe(model.network, engine, signal);
    const draws = { seed: input.seed, signal };
    this.#checker = input.check ? new MapChecker(this.#probe, this.#attribution, engine, draws) : undefined;
    this.#names = new PictureNames(input.out, store);
  }

  /** Throws `input`, `model` or `usage` for a model, a class or a layer that is none. */
  static async open(input: ExplainInput, platform: Platform, signal: AbortSignal): Promise<Explainer> {
    const model = await ExplainedModel.open(input.model, platform);
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
    const { photo, prepared } = await this.#model.prepare(await readImageFile(file, store));
    const [answer] = await this.#probe.answers([prepared]);
    const probabilities = answer?.probabilities ?? new Float32Array(0);
    const classIndex = this.#wanted ?? probabilities.indexOf(Math.max(...probabilities));
    const map = await attribute(prepared, classIndex, this.#attribution, this.#probe);
    const check = await this.#checker?.check(prepared, classIndex, map);
    const label = this.#model.labels[classIndex] ?? "";
    const { method } = this.#input;
    const picture = this.#names.of(file, method, label);
    await store.write(picture, await codec.encodePng(overlay(photo, map, this.#model.preparation)));
    const probability = probabilities[classIndex] ?? 0;
    const explanation = { file, label, probability, method, layer: this.layer?.name, picture, check };
    return { explanation, isEmpty: !map.values.some((value) => value > 0) };
  }

  async dispose(): Promise<void> {
    await this.#checker?.dispose();
    await this.#probe.dispose();
    await this.#model.dispose();
  }
}

function attributionOf({ method, layer }: ExplainInput, network: ExplainedNetwork): Attribution {
  if (needsLayer(method)) return { method, layer: chooseLayer(network, layer) };
  if (layer === undefined) return { method };
  throw new GraftError(
    "usage",
    `--layer is for gradcam, gradcam++ and eigencam; ${method} looks at the pixels. Leave it out.`,
  );
}
