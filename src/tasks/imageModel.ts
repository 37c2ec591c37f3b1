import { type ModelAnswers, type ModelMetadata, readModelMetadata } from "../artefact/modelMetadata.ts";
import { stagesOf } from "../artefact/stages.ts";
import type { StatedTrust } from "../artefact/statedTrust.ts";
import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/imageTensor.ts";
import type { RawImage } from "../data/source.ts";
import type { Preparation } from "../image/prepare.ts";
import type { Pixels, Platform, Program } from "../platform/platform.ts";
import { type Classification, classificationOf, type ImageOutputs, targetAnswers } from "./imageAnswers.ts";
import { checkLabels, labelsOf, readRun } from "./servedModel.ts";
import type { TargetAnswer } from "./task.ts";

/** What opening and asking a model need of the platform. */
export type ModelPlatform = Pick<Platform, "engine" | "codec" | "store">;

/** The bytes of an image's file (JPEG, PNG, WebP, …), or its pixels. */
export type ImageContent = Uint8Array | Pixels;

/**
 * A trained model for applications: from the bytes of image files to labels. It is cut where its images are prepared, since images
 * of different sizes cannot share a batch before that and can after it. Whoever opens it disposes of it.
 */
export class ImageModel<Label extends string = string> {
  readonly path: string;
  readonly answers: ModelAnswers;
  readonly preparation: Preparation;
  /** What it promises; nothing where it was trained without validation images. */
  readonly trust: StatedTrust;
  readonly #programs: { readonly prepare: Program; readonly network: Program };
  readonly #inputs: { readonly image: string; readonly prepared: string };
  readonly #codec: ModelPlatform["codec"];
  readonly #expected: readonly Label[] | undefined;

  private constructor(
    path: string,
    about: ModelMetadata & { readonly expected: readonly Label[] | undefined },
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
    this.#expected = about.expected;
  }

  /**
   * Opens a run folder or a model file.
   *
   * @param expected the labels that the caller knows, if any
   * @throws `input` where there is no file, `model` for one that Graft did not write or that has other labels
   */
  static async open<Label extends string = string>(
    path: string,
    { store, ...platform }: ModelPlatform,
    expected?: readonly Label[],
  ): Promise<ImageModel<Label>> {
    const { file, bytes } = await readRun(path, { store });
    return ImageModel.of(bytes, { path, file }, platform, expected);
  }

  /** Opens the bytes of a model file. Throws `model` as `open` does. */
  static async of<Label extends string = string>(
    bytes: Uint8Array,
    { path, file }: { readonly path: string; readonly file: string },
    { engine, codec }: Pick<Platform, "engine" | "codec">,
    expected?: readonly Label[],
  ): Promise<ImageModel<Label>> {
    const metadata = readModelMetadata(bytes, file);
    if (expected !== undefined) checkLabels(labelsOf(metadata.answers, path), expected, path);
    const { prepare, network, imageInput: image, preparedInput: prepared } = stagesOf(bytes, file);
    const programs = {
      prepare: await engine.compile(prepare, { releaseMemory: true }),
      network: await engine.compile(network),
    };
    return new ImageModel(path, { ...metadata, expected }, programs, { image, prepared }, codec);
  }

  /** In the order in which it was trained on them. Throws `model` when it answers more than one thing. */
  get labels(): readonly Label[] {
    const labels = labelsOf(this.answers, this.path);
    checkLabels(labels, this.#expected, this.path);
    return labels;
  }

  /**
   * The labels of an image with their probabilities, 0 to 1, the likeliest first, and what the model promises:
   * the set of labels that holds the true one as often as was promised, and whether the image is unlike those of the training.
   *
   * @throws `input` when the bytes are not a whole image; `model` when the model answers more than one thing
   */
  async classify(image: ImageContent): Promise<Classification<Label>> {
    const [classification = { classes: [] }] = await this.classifyBatch([image]);
    return classification;
  }

  /** The same of several images, in one run of the network. */
  async classifyBatch(images: readonly ImageContent[]): Promise<readonly Classification<Label>[]> {
    // Before anything is decoded for a model that has no labels of one kind.
    const about = { labels: this.labels, trust: this.trust };
    return (await this.#outputs(images)).map((outputs) => classificationOf(about, outputs));
  }

  /** What a model of several targets says of an image. A model with labels of one kind has one target, `"label"`. */
  async targets(image: ImageContent): Promise<readonly TargetAnswer[]> {
    const [outputs = new Map()] = await this.#outputs([image]);
    return targetAnswers(this, outputs);
  }

  /** uint8 [1, side, side, 3] of an image. Throws `input` when it cannot be decoded or has more than `limit` pixels. */
  async prepare(image: ImageContent, limit: number = limitPixels): Promise<Tensor> {
    const raw: RawImage =
      image instanceof Uint8Array
        ? { kind: "encoded", bytes: image }
        : { kind: "pixels", pixels: checked(image, limit) };
    return this.prepareTensor(imageTensor(await decodeImage(raw, { codec: this.#codec }, limit)));
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

  async #outputs(images: readonly ImageContent[]): Promise<readonly ImageOutputs[]> {
    const prepared: Tensor[] = [];
    for (const image of images) prepared.push(await this.prepare(image));
    return this.answer(prepared);
  }
}

/** Pixels from outside. */
function checked(pixels: Pixels, limit: number): Pixels {
  const { width, height, channels, data } = pixels;
  const size = `${width}×${height}`;
  if (width * height > limit)
    throw new GraftError("input", `${size} pixels, over the limit of ${limit.toLocaleString("en")}`);
  if (width * height * channels === data.length && data.length > 0) return pixels;
  throw new GraftError("input", `${size} pixels of ${channels} bytes each; found ${data.length} bytes`);
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
