import { type ModelMetadata, readMetadata } from "../artefact/modelFile.ts";
import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/preparedImages.ts";
import type { RawImage } from "../data/source.ts";
import type { Preparation } from "../image/prepare.ts";
import type { Platform, Program } from "../platform/platform.ts";

/** The model file of a run folder, or a model file itself. Throws `input` where there is none. */
export async function readRun(
  path: string,
  { store }: Platform,
): Promise<{ readonly file: string; readonly bytes: Uint8Array }> {
  const info = await store.info(path);
  const file = info?.kind === "folder" ? store.join(path, "model.onnx") : path;
  if ((await store.info(file)) === undefined) {
    const advice = info === undefined ? "" : ` If training was interrupted: graft train --resume ${path}`;
    throw new GraftError("input", `"${file}" does not exist; expected a run folder with a model.onnx.${advice}`);
  }
  return { file, bytes: await store.read(file) };
}

/** A trained model as it is served: nothing but `model.onnx`. */
export class ServedModel {
  readonly labels: readonly string[];
  readonly preparation: Preparation;
  /** Of its file. */
  readonly sizeBytes: number;
  readonly hash: string;
  readonly #program: Program;
  readonly #platform: Platform;

  private constructor({ labels, preparation }: ModelMetadata, bytes: Uint8Array, program: Program, platform: Platform) {
    this.labels = labels;
    this.preparation = preparation;
    this.sizeBytes = bytes.length;
    this.hash = platform.digest(bytes);
    this.#program = program;
    this.#platform = platform;
  }

  /** Opens a run folder or a model file. With `oneSize` all images are of one size, so that memory may be kept between runs. */
  static async open(path: string, platform: Platform, { oneSize = false } = {}): Promise<ServedModel> {
    const { file, bytes } = await readRun(path, platform);
    const metadata = readMetadata(bytes, file);
    return new ServedModel(
      metadata,
      bytes,
      await platform.engine.compile(bytes, { releaseMemory: !oneSize }),
      platform,
    );
  }

  /** The probability of each label. Throws `input` when the image cannot be decoded. */
  async probabilities(image: RawImage): Promise<Float32Array> {
    const pixels = await decodeImage(image, this.#platform, limitPixels);
    return this.answer(imageTensor(pixels));
  }

  /** The probabilities [N, labels] of uint8 [N, H, W, 3]. */
  async answer(image: Tensor): Promise<Float32Array> {
    const { probabilities } = await this.#program.run({ image });
    if (probabilities === undefined) throw new GraftError("model", 'the model has no output "probabilities".');
    return probabilities.floats;
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }
}
