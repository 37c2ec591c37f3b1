import { imageInput, type ModelAnswers, type ModelMetadata, readModelMetadata } from "../artefact/modelMetadata.ts";
import type { StatedTrust } from "../artefact/statedTrust.ts";
import { didYouMean, GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/imageTensor.ts";
import type { RawImage } from "../data/source.ts";
import type { Preparation } from "../image/prepare.ts";
import type { Platform, Program } from "../platform/platform.ts";
import type { ImageOutputs } from "./imageAnswers.ts";

/** The model file of a run folder, or a model file itself. Throws `input` where there is none. */
export async function readRun(
  path: string,
  { store }: Pick<Platform, "store">,
): Promise<{ readonly file: string; readonly bytes: Uint8Array }> {
  const info = await store.info(path);
  const file = info?.kind === "folder" ? store.join(path, "model.onnx") : path;
  if ((await store.info(file)) === undefined) {
    const advice = info === undefined ? "" : ` If training was interrupted: graft train --resume ${path}`;
    throw new GraftError("input", `"${file}" does not exist; expected a run folder with a model.onnx.${advice}`);
  }
  return { file, bytes: await store.read(file) };
}

/** The labels of a model with one kind of them. Throws `model` when it answers more than one thing. */
export function labelsOf(answers: ModelAnswers, path: string): readonly string[] {
  if (answers.kind === "classes") return answers.labels;
  const names = answers.targets.map(({ name }) => `"${name}"`).join(", ");
  throw new GraftError("model", `"${path}" answers ${names}; expected a classifier with labels of one kind.`);
}

/** Labels as a program knows them. Throws `model` where the model has others, in whatever order. */
export function checkLabels<Label extends string>(
  labels: readonly string[],
  expected: readonly Label[] | undefined,
  path: string,
): asserts labels is readonly Label[] {
  if (expected === undefined) return;
  const known = new Set<string>(expected);
  if (labels.length === known.size && labels.every((label) => known.has(label))) return;
  const listed = (names: Iterable<string>) => Array.from(names, (name) => `"${name}"`).join(", ");
  throw new GraftError(
    "model",
    `"${path}" tells ${listed(labels)} apart; this program expects ${listed(known)}. Load another model, or correct the labels in the program.`,
  );
}

/** A trained model as it is served: nothing but `model.onnx`. */
export class ServedModel {
  /** As it was opened. */
  readonly path: string;
  /** What it is asked. */
  readonly answers: ModelAnswers;
  readonly preparation: Preparation;
  /** What it promises; nothing where it was trained without validation images. */
  readonly trust: StatedTrust;
  /** Of its file. */
  readonly sizeBytes: number;
  readonly #program: Program;
  readonly #platform: Platform;

  private constructor(
    path: string,
    { answers, preparation, trust }: ModelMetadata,
    bytes: Uint8Array,
    program: Program,
    platform: Platform,
  ) {
    this.path = path;
    this.answers = answers;
    this.preparation = preparation;
    this.trust = trust;
    this.sizeBytes = bytes.length;
    this.#program = program;
    this.#platform = platform;
  }

  /** Opens a run folder or a model file. */
  static async open(path: string, platform: Platform): Promise<ServedModel> {
    const { file, bytes } = await readRun(path, platform);
    return ServedModel.of(bytes, file, platform, path);
  }

  /** Opens the bytes of a model file, called `path` in messages. */
  static async of(bytes: Uint8Array, file: string, platform: Platform, path = file): Promise<ServedModel> {
    const metadata = readModelMetadata(bytes, file);
    const program = await platform.engine.compile(bytes, { releaseMemory: true });
    return new ServedModel(path, metadata, bytes, program, platform);
  }

  /** What it calls images of none of its classes, where it finds them. */
  get unknownLabel(): string | undefined {
    return this.answers.kind === "classes" ? this.answers.unknownLabel : undefined;
  }

  /** Where a label of a data set stands among the model's; one that it does not know is unknown to it. Throws `data` where it has no class for these. */
  classOf(label: string): number {
    const index = this.labels.indexOf(label);
    if (index >= 0) return index;
    if (this.unknownLabel !== undefined) return this.labels.indexOf(this.unknownLabel);
    throw new GraftError(
      "data",
      `the class "${label}" of the data is unknown to "${this.path}" (${this.labels.join(", ")}).${didYouMean(label, this.labels)}`,
    );
  }

  /** In the order of its probabilities. Throws `model` when it answers more than one thing. */
  get labels(): readonly string[] {
    return labelsOf(this.answers, this.path);
  }

  /** What it says of an image, by the names of its outputs. Throws `input` when the image cannot be decoded. */
  async outputs(image: RawImage): Promise<ImageOutputs> {
    const pixels = await decodeImage(image, this.#platform, limitPixels);
    const outputs = await this.#program.run({ [imageInput]: imageTensor(pixels) });
    return new Map(Object.entries(outputs).map(([name, { floats }]) => [name, floats]));
  }

  /** The probabilities [N, labels] of uint8 [N, H, W, 3]. */
  async answer(image: Tensor): Promise<Float32Array> {
    const { probabilities } = await this.#program.run({ [imageInput]: image });
    if (probabilities === undefined) throw new GraftError("model", 'the model has no output "probabilities".');
    return probabilities.floats;
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }
}
