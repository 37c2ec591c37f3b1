import type { Classification } from "../tasks/imageAnswers.ts";
import { ImageModel } from "../tasks/imageModel.ts";
import type { TargetAnswer } from "../tasks/task.ts";
import { createBrowserCodec } from "./codec.ts";
import { type DownloadOptions, download } from "./download.ts";
import { createBrowserEngine } from "./engine.ts";
import { type ImageSource, imageContent } from "./imageSource.ts";

export interface LoadOptions<Label extends string = string> extends DownloadOptions {
  /** The labels that your program knows, for its types: a model with others is refused. */
  readonly labels?: readonly Label[];
}

/** A model that `load` opened. It answers images one after another, however many are asked for at once. */
export interface LoadedModel<Label extends string = string>
  extends Pick<ImageModel<Label>, "path" | "answers" | "labels" | "dispose"> {
  /** As in Node.js, of all that a page shows images with too. */
  classify(image: ImageSource): Promise<Classification<Label>>;
  /** The same of several images, in one run of the network. */
  classifyBatch(images: readonly ImageSource[]): Promise<readonly Classification<Label>[]>;
  /** What a model of several targets says of an image. A model with labels of one kind has one target, `"label"`. */
  targets(image: ImageSource): Promise<readonly TargetAnswer[]>;
}

/**
 * Opens a trained model in a browser: `const model = await load("/models/photos/model.onnx"); await model.classify(file)`.
 *
 * @param url a model.onnx
 * @throws `network` where there is none, `model` for a file that Graft did not write, or with other labels than yours
 */
export async function load<const Label extends string = string>(
  url: string | URL,
  { labels, ...options }: LoadOptions<Label> = {},
): Promise<LoadedModel<Label>> {
  const bytes = await download(url, options);
  const name = { path: String(url), file: String(url) };
  const platform = { engine: createBrowserEngine(), codec: createBrowserCodec() };
  return new WebModel(await ImageModel.of(bytes, name, platform, labels));
}

class WebModel<Label extends string> implements LoadedModel<Label> {
  readonly path: string;
  readonly answers: ImageModel["answers"];
  readonly #model: ImageModel<Label>;
  /** ONNX Runtime runs one image at a time here. */
  #last: Promise<unknown> = Promise.resolve();

  constructor(model: ImageModel<Label>) {
    this.path = model.path;
    this.answers = model.answers;
    this.#model = model;
  }

  get labels(): readonly Label[] {
    return this.#model.labels;
  }

  async classify(image: ImageSource): Promise<Classification<Label>> {
    const content = await imageContent(image);
    return this.#next(() => this.#model.classify(content));
  }

  async classifyBatch(images: readonly ImageSource[]): Promise<readonly Classification<Label>[]> {
    const contents = await Promise.all(images.map(imageContent));
    return this.#next(() => this.#model.classifyBatch(contents));
  }

  async targets(image: ImageSource): Promise<readonly TargetAnswer[]> {
    const content = await imageContent(image);
    return this.#next(() => this.#model.targets(content));
  }

  dispose(): Promise<void> {
    return this.#next(() => this.#model.dispose());
  }

  /** Begins when everything before has ended, well or not. */
  #next<T>(work: () => Promise<T>): Promise<T> {
    const result = this.#last.then(work);
    this.#last = result.catch(() => undefined);
    return result;
  }
}
