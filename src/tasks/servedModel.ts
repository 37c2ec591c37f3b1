import { readLabels } from "../artefact/modelFile.ts";
import { GraftError } from "../base/errors.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/preparedImages.ts";
import type { RawImage } from "../data/source.ts";
import type { Platform, Program } from "../platform/platform.ts";

/** A trained model as it is served: nothing but `model.onnx`. */
export class ServedModel {
  readonly labels: readonly string[];
  readonly #program: Program;
  readonly #platform: Platform;

  private constructor(labels: readonly string[], program: Program, platform: Platform) {
    this.labels = labels;
    this.#program = program;
    this.#platform = platform;
  }

  /** Opens a run folder or a model file. */
  static async open(path: string, platform: Platform): Promise<ServedModel> {
    const { store } = platform;
    const file = await modelPath(path, store);
    const bytes = await store.read(file);
    const labels = readLabels(bytes, file);
    return new ServedModel(labels, await platform.engine.compile(bytes, { releaseMemory: true }), platform);
  }

  /** The probability of each label. Throws `input` when the image cannot be decoded. */
  async probabilities(image: RawImage): Promise<Float32Array> {
    const pixels = await decodeImage(image, this.#platform, limitPixels);
    const { probabilities } = await this.#program.run({ image: imageTensor(pixels) });
    if (probabilities === undefined) throw new GraftError("model", 'the model has no output "probabilities".');
    return probabilities.floats;
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }
}

/** The model file of a run folder, or the file itself. Throws `input` when there is none. */
export async function modelPath(path: string, store: Platform["store"]): Promise<string> {
  const info = await store.info(path);
  const file = info?.kind === "folder" ? store.join(path, "model.onnx") : path;
  if ((await store.info(file)) !== undefined) return file;
  const advice = info === undefined ? "" : ` If training was interrupted: graft train --resume ${path}`;
  throw new GraftError("input", `"${file}" does not exist; expected a run folder with a model.onnx.${advice}`);
}
