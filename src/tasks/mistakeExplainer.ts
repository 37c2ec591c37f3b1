import { GraftError } from "../base/errors.ts";
import { type Attribution, attribute } from "../explain/attribute.ts";
import { layersOf } from "../explain/layers.ts";
import { overlay } from "../explain/overlay.ts";
import type { Pixels, Platform } from "../platform/platform.ts";
import { ExplainedModel } from "./explainedModel.ts";
import { readRun } from "./servedModel.ts";

/** Covering patch after patch takes hundreds of runs of the network, so only so many images are explained by it. */
const occludedImages = 4;

/** Shows where a model looked when it gave an answer; whoever opens it disposes of it. */
export class MistakeExplainer {
  readonly #model: ExplainedModel;
  #attribution: Attribution;
  #left = Number.POSITIVE_INFINITY;
  /** How it explains, for people. */
  text: string;

  private constructor(model: ExplainedModel) {
    this.#model = model;
    const layer = layersOf(model.probe.network).at(-1);
    if (layer === undefined) {
      this.#attribution = { method: "occlusion" };
      this.#left = occludedImages;
      this.text = `The network has no feature maps of a convolution, so that Grad-CAM does not apply. Occlusion, integrated-gradients and smoothgrad do: beside the first ${occludedImages} photos, occlusion shows which parts lower the given answer when they are covered.`;
      return;
    }
    this.#attribution = { method: "gradcam", layer };
    this.text = `Beside each photo, Grad-CAM shows which parts speak for the answer that was given (bright), by the layer "${layer.name}".`;
  }

  /** Opens a run folder. Throws `model` for one that cannot be explained. */
  static async open(path: string, platform: Platform, signal: AbortSignal): Promise<MistakeExplainer> {
    const { file, bytes } = await readRun(path, platform);
    return new MistakeExplainer(await ExplainedModel.of(bytes, file, platform, signal));
  }

  /** The photo as it is shown, with the map beside it; the photo alone where no more are explained. */
  async beside(photo: Pixels, shown: Pixels, classIndex: number): Promise<Pixels> {
    if (this.#left <= 0) return shown;
    const prepared = await this.#model.prepare(photo);
    try {
      const map = await attribute(prepared, classIndex, this.#attribution, this.#model.probe);
      this.#left--;
      return overlay(shown, map, this.#model.preparation);
    } catch (error) {
      if (!(error instanceof GraftError) || error.code !== "model" || this.#attribution.method === "occlusion")
        throw error;
      this.text = `Grad-CAM does not apply (${error.message}); occlusion shows which parts of the first ${occludedImages} photos lower the given answer when they are covered.`;
      this.#attribution = { method: "occlusion" };
      this.#left = occludedImages;
      return this.beside(photo, shown, classIndex);
    }
  }

  dispose(): Promise<void> {
    return this.#model.dispose();
  }
}
