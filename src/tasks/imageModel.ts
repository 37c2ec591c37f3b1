import { type ModelAnswers, type ModelMetadata, readModelMetadata } from "../artefact/modelMetadata.ts";
import { stagesOf } from "../artefact/stages.ts";
import type { StatedTrust } from "../artefact/statedTrust.ts";
import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/imageTensor.ts";
import type { Preparation } from "../image/prepare.ts";
import type { Platform, Program } from "../platform/platform.ts";
import { type Classification, classificationOf, type ImageOutputs, targetAnswers } from "./imageAnswers.ts";
import { labelsOf, readRun } from "./servedModel.ts";
import type { TargetAnswer } from "./task.ts";

/** What opening and asking a model need of the platform. */
export type ModelPlatform = Pick<Platform, "engine" | "codec" | "store">;

/**
 * A trained model for applications: from the bytes of image files to labels. It is cut where its images are prepared, since images
 * of different sizes cannot share a batch before that and can after it. Whoever opens it disposes of it.
 */
export class ImageModel {
  readonly path: string;
  readonly answers: ModelAnswers;
  readonly preparation: Preparation;
  /** What it promises; nothing where it was trained without validation images. */
  readonly trust: StatedTrust;
  readonly #programs: { readonly prepare: Program; readonly network: Program };
  readonly #inputs: { readonly image: string; readonly prepared: string };
  readonly #codec: ModelPlatform["codec"];

  private constructor(
    path: string,
    about: ModelMetadata,
    programs: { readonly prepare: Program; readonly network: Program },
    inputs: { readonly image: string; readonly prepared: string },
    codec: ModelPlatform["codec"],
  ) {
    this.path = path;
    this.answers = about.answers;
    this.preparation = about.preparation;
    this.trust = about.trust;
    this.#programs = programs;
    this.#inputs = inputs;
    this.#codec = codec;
  }

  /** Opens a run folder or a model file. Throws `input` where there is none, `model` for a file that Graft did not write. */
  static async open(path: string, { engine, codec, store }: ModelPlatform): Promise<ImageModel> {
    const { file, bytes } = await readRun(path, { store });
    const metadata = readModelMetadata(bytes, file);
    const { prepare, network, imageInput: image, preparedInput: prepared } = stagesOf(bytes, file);
    const programs = {
      prepare: await engine.compile(prepare, { releaseMemory: true }),
      network: await engine.compile(network),
    };
    return new ImageModel(path, metadata, programs, { image, prepared }, codec);
  }

  /** In the order in which it was trained on them. Throws `model` when it answers more than one thing. */
  get labels(): readonly string[] {
    return labelsOf(this.answers, this.path);
  }

  /**
   * The labels of an encoded image (JPEG, PNG, WebP, …) with their probabilities, 0 to 1, the likeliest first, and what the model promises:
   * the set of labels that holds the true one as often as was promised, and whether the image is unlike those of the training.
   *
   * @throws `input` when the bytes are not a whole image; `model` when the model answers more than one thing
   */
  async classify(image: Uint8Array): Promise<Classification> {
    const [classification = { classes: [] }] = await this.classifyBatch([image]);
    return classification;
  }

  /** The same of several images, in one run of the network. */
  async classifyBatch(images: readonly Uint8Array[]): Promise<readonly Classification[]> {
    // Before anything is decoded for a model that has no labels of one kind.
    const about = { labels: this.labels, trust: this.trust };
    return (await this.#outputs(images)).map((outputs) => classificationOf(about, outputs));
  }

  /** What a model of several targets says of an encoded image. A model with labels of one kind has one target, `"label"`. */
  async targets(image: Uint8Array): Promise<readonly TargetAnswer[]> {
    const [outputs = new Map()] = await this.#outputs([image]);
    return targetAnswers(this, outputs);
  }

  /** uint8 [1, side, side, 3] of an encoded image. Throws `input` when it cannot be decoded or has more than `limit` pixels. */
  async prepare(bytes: Uint8Array, limit: number = limitPixels): Promise<Tensor> {
    return this.prepareTensor(
      imageTensor(await decodeImage({ kind: "encoded", bytes }, { codec: this.#codec }, limit)),
    );
  }

  /** uint8 [N, H, W, 3] of any size → uint8 [N, side, side, 3]. */
  async prepareTensor(image: Tensor): Promise<Tensor> {
    const { [this.#inputs.prepared]: prepared } = await this.#programs.prepare.run({ [this.#inputs.image]: image });
    if (prepared === undefined) throw new GraftError("model", `"${this.path}" prepares no image. Train it again.`);
    return prepared;
  }

  /** What the network says of prepared images [1, side, side, 3], in one run. */
  async answer(prepared: readonly Tensor[]): Promise<readonly ImageOutputs[]> {
    if (prepared.length === 0) return [];
    const outputs = await this.#programs.network.run({ [this.#inputs.prepared]: stack(prepared) });
    return prepared.map((_, i) => new Map(Object.entries(outputs).map(([name, all]) => [name, row(all, i)])));
  }

  async dispose(): Promise<void> {
    await this.#programs.prepare.dispose();
    await this.#programs.network.dispose();
  }

  async #outputs(images: readonly Uint8Array[]): Promise<readonly ImageOutputs[]> {
    const prepared: Tensor[] = [];
    for (const image of images) prepared.push(await this.prepare(image));
    return this.answer(prepared);
  }
}

/** N × [1, …] → [N, …]. */
function stack(images: readonly Tensor[]): Tensor {
  const [first] = images;
  if (first === undefined || images.length === 1) return first ?? new Tensor("uint8", [0], new Uint8Array(0));
  const bytes = new Uint8Array(images.length * first.bytes.length);
  for (const [i, image] of images.entries()) bytes.set(image.bytes, i * first.bytes.length);
  return new Tensor(first.dtype, [images.length, ...first.shape.slice(1)], bytes);
}

/** Row `i` of [N, …], in memory of its own. */
function row(all: Tensor, i: number): Float32Array {
  const width = all.size / (all.shape[0] ?? 1);
  return all.floats.slice(i * width, (i + 1) * width);
}
