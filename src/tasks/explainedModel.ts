import { imageInput, type ModelMetadata, readModelMetadata } from "../artefact/modelMetadata.ts";
import { didYouMean, GraftError } from "../base/errors.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/imageTensor.ts";
import { type Attribution, attribute, type MethodName, needsLayer } from "../explain/attribute.ts";
import type { HeatMap } from "../explain/heatMap.ts";
import { chooseLayer } from "../explain/layers.ts";
import { explainedNetwork } from "../explain/network.ts";
import { Probe } from "../explain/probe.ts";
import { compileGraph } from "../graph/compile.ts";
import type { Preparation } from "../image/prepare.ts";
import { readModel } from "../onnx/read.ts";
import { importModel } from "../ops/importModel.ts";
import type { Pixels, Program } from "../platform/platform.ts";
import type { ModelPlatform } from "./imageModel.ts";
import { labelsOf } from "./servedModel.ts";

/** Where a model looks in one image, and what it says of it. */
export interface ExplainedImage {
  readonly photo: Pixels;
  /** What the network sees of it: levels [side, side, 3] of 0–255. */
  readonly prepared: Float32Array;
  readonly classIndex: number;
  readonly label: string;
  readonly probability: number;
  readonly map: HeatMap;
  /** Whether nothing in the image speaks for the class. */
  readonly isEmpty: boolean;
}

export interface ExplainWishes {
  readonly attribution: Attribution;
  /** Default: what the model answers. */
  readonly classIndex?: number | undefined;
  /** Pixels of a photo at most. */
  readonly limit?: number | undefined;
}

/** A saved classifier opened for explaining: its network, and the preparation before it as a program of its own. */
export class ExplainedModel {
  readonly labels: readonly string[];
  readonly preparation: Preparation;
  /** Asks the network; its programs are compiled when they are needed. */
  readonly probe: Probe;
  readonly #program: Program;
  readonly #codec: ModelPlatform["codec"];

  private constructor(
    { labels, preparation }: { readonly labels: readonly string[]; readonly preparation: Preparation },
    probe: Probe,
    program: Program,
    codec: ModelPlatform["codec"],
  ) {
    this.labels = labels;
    this.preparation = preparation;
    this.probe = probe;
    this.#program = program;
    this.#codec = codec;
  }

  /** Opens the bytes of a model file. Throws `model` for one that has no single kind of labels, or that Graft did not write. */
  static async of(
    bytes: Uint8Array,
    file: string,
    { engine, codec }: Pick<ModelPlatform, "engine" | "codec">,
    signal?: AbortSignal,
  ): Promise<ExplainedModel> {
    const { answers, preparation }: ModelMetadata = readModelMetadata(bytes, file);
    const labels = labelsOf(answers, file);
    const { inputs, outputs } = importModel(readModel(bytes, file), { fileName: file });
    const probabilities = outputs.get("probabilities");
    if (probabilities === undefined) throw new GraftError("model", `"${file}" has no output "probabilities".`);
    const { network, prepared } = explainedNetwork(probabilities, preparation.cropTo);
    const program = await compileGraph({ name: "prepare", inputs, outputs: { prepared } }, engine, {
      releaseMemory: true,
    });
    return new ExplainedModel({ labels, preparation }, new Probe(network, engine, signal), program, codec);
  }

  /** A method, with the layer that it looks into. Throws `usage` for a layer that is none, `model` where there is none at all. */
  attributionOf(method: MethodName, layer?: string): Attribution {
    if (needsLayer(method)) return { method, layer: chooseLayer(this.probe.network, layer) };
    if (layer === undefined) return { method };
    throw new GraftError(
      "usage",
      `a layer is for gradcam, gradcam++ and eigencam; ${method} looks at the pixels. Leave it out.`,
    );
  }

  /** Where a label stands among the model's. Throws `usage` for one that it does not know. */
  classOf(label: string): number {
    const index = this.labels.indexOf(label);
    if (index >= 0) return index;
    const near = didYouMean(label, this.labels);
    throw new GraftError("usage", `the model knows no class "${label}" (it knows ${this.labels.join(", ")}).${near}`);
  }

  /** What the network sees of a photo: levels [side, side, 3]. */
  async prepare(photo: Pixels): Promise<Float32Array> {
    const { prepared } = await this.#program.run({ [imageInput]: imageTensor(photo) });
    if (prepared === undefined) throw new Error("the preparation returned nothing");
    return prepared.floats;
  }

  /** Explains an encoded image. Throws `input` where it cannot be decoded, `interrupted` where `signal` stops it. */
  async explain(
    bytes: Uint8Array,
    { attribution, classIndex: wanted, limit = limitPixels }: ExplainWishes,
    signal?: AbortSignal,
  ): Promise<ExplainedImage> {
    const probe = signal === undefined ? this.probe : this.probe.stoppedBy(signal);
    const photo = await decodeImage({ kind: "encoded", bytes }, { codec: this.#codec }, limit);
    const prepared = await this.prepare(photo);
    const [answer] = await probe.answers([prepared]);
    const probabilities = answer?.probabilities ?? new Float32Array(0);
    const classIndex = wanted ?? probabilities.indexOf(Math.max(...probabilities));
    const map = await attribute(prepared, classIndex, attribution, probe);
    return {
      photo,
      prepared,
      classIndex,
      label: this.labels[classIndex] ?? "",
      probability: probabilities[classIndex] ?? 0,
      map,
      isEmpty: !map.values.some((value) => value > 0),
    };
  }

  async dispose(): Promise<void> {
    await this.probe.dispose();
    await this.#program.dispose();
  }
}
