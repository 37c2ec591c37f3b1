import { imageInput, type ModelMetadata, readModelMetadata } from "../artefact/modelMetadata.ts";
import { didYouMean, GraftError } from "../base/errors.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/imageTensor.ts";
import { type ExplainedNetwork, explainedNetwork } from "../explain/network.ts";
import { compileGraph } from "../graph/compile.ts";
import type { Preparation } from "../image/prepare.ts";
import { readModel } from "../onnx/read.ts";
import { importModel } from "../ops/importModel.ts";
import type { Pixels, Platform, Program } from "../platform/platform.ts";
import { labelsOf, readRun } from "./servedModel.ts";

/** A saved classifier opened for explaining: its network, and the preparation before it as a program of its own. */
export class ExplainedModel {
  readonly network: ExplainedNetwork;
  readonly labels: readonly string[];
  readonly preparation: Preparation;
  readonly #path: string;
  readonly #program: Program;
  readonly #platform: Platform;

  private constructor(
    path: string,
    network: ExplainedNetwork,
    { answers, preparation }: ModelMetadata,
    program: Program,
    platform: Platform,
  ) {
    this.network = network;
    this.labels = labelsOf(answers, path);
    this.preparation = preparation;
    this.#path = path;
    this.#program = program;
    this.#platform = platform;
  }

  /** Opens a run folder or a model file. Throws `input` where there is none, `model` for one that has no single kind of labels. */
  static async open(path: string, platform: Platform): Promise<ExplainedModel> {
    const { file, bytes } = await readRun(path, platform);
    const metadata = readModelMetadata(bytes, file);
    labelsOf(metadata.answers, path);
    const { inputs, outputs } = importModel(readModel(bytes, file), { fileName: file });
    const probabilities = outputs.get("probabilities");
    if (probabilities === undefined) throw new GraftError("model", `"${file}" has no output "probabilities".`);
    const { network, prepared } = explainedNetwork(probabilities, metadata.preparation.cropTo);
    const graph = { name: "prepare", inputs, outputs: { prepared } };
    const program = await compileGraph(graph, platform.engine, { releaseMemory: true });
    return new ExplainedModel(path, network, metadata, program, platform);
  }

  /** The pixels of an encoded image, and what the network sees of them: levels [side, side, 3]. Throws `input` when it cannot be decoded. */
  async prepare(bytes: Uint8Array): Promise<{ readonly photo: Pixels; readonly prepared: Float32Array }> {
    const photo = await decodeImage({ kind: "encoded", bytes }, this.#platform, limitPixels);
    const { prepared } = await this.#program.run({ [imageInput]: imageTensor(photo) });
    if (prepared === undefined) throw new Error("the preparation returned nothing");
    return { photo, prepared: prepared.floats };
  }

  /** Where a label stands among the model's. Throws `usage` for one that it does not know. */
  classOf(label: string): number {
    const index = this.labels.indexOf(label);
    if (index >= 0) return index;
    const near = didYouMean(label, this.labels);
    throw new GraftError(
      "usage",
      `--class: "${this.#path}" knows no "${label}" (it knows ${this.labels.join(", ")}).${near}`,
    );
  }

  dispose(): Promise<void> {
    return this.#program.dispose();
  }
}
