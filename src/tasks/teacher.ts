import { readServedGraph } from "../artefact/modelFile.ts";
import { imageInput, type ModelMetadata, readModelMetadata } from "../artefact/modelMetadata.ts";
import { stageMaps } from "../backbones/stageMaps.ts";
import { didYouMean, GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { compileGraph } from "../graph/compile.ts";
import type { Value } from "../graph/value.ts";
import type { Preparation } from "../image/prepare.ts";
import { readModel } from "../onnx/read.ts";
import type { Platform, Program } from "../platform/platform.ts";
import { attention, type MapSize } from "../transfer/attentionTransfer.ts";
import type { Teacher, WantedAttention } from "../transfer/distil.ts";
import { mapSize } from "../transfer/shownStages.ts";
import { labelsOf, readRun } from "./servedModel.ts";

/** A teacher from a file. Whoever opens it disposes of it. */
export interface OpenTeacher extends Teacher {
  dispose(): Promise<void>;
}

/**
 * A run folder or a model.onnx as a teacher of these labels. Throws `data` when it knows others, `model` for a network that does not say what
 * its outputs mean.
 */
export async function openTeacher(path: string, labels: readonly string[], platform: Platform): Promise<OpenTeacher> {
  const { file, bytes } = await readRun(path, platform);
  const metadata = labelled(bytes, file);
  return new ServedTeacher(file, bytes, metadata, columnsOf(labels, labelsOf(metadata.answers, path), path), platform);
}

/** Any other classifier would have to be believed about the order of its classes. */
function labelled(bytes: Uint8Array, file: string): ModelMetadata {
  const { metadata } = readModel(bytes, file);
  if (metadata.has("graft.labels") || metadata.has("graft.targets")) return readModelMetadata(bytes, file);
  throw new GraftError(
    "model",
    `--teacher: "${file}" is not a model that "graft train" wrote: it does not say which of its outputs is which class. ` +
      `Train it on these photos first (graft train … --backbone ${file}) and give that run.`,
  );
}

/** A served model whose graph is shown to students; compiled when it is first asked. */
class ServedTeacher implements OpenTeacher {
  readonly hash: string;
  readonly #file: string;
  readonly #bytes: Uint8Array;
  readonly #metadata: ModelMetadata;
  readonly #columns: readonly number[];
  readonly #platform: Platform;
  readonly #programs = new Map<string, Promise<Program>>();

  constructor(
    file: string,
    bytes: Uint8Array,
    metadata: ModelMetadata,
    columns: readonly number[],
    platform: Platform,
  ) {
    this.hash = platform.digest(bytes);
    this.#file = file;
    this.#bytes = bytes;
    this.#metadata = metadata;
    this.#columns = columns;
    this.#platform = platform;
  }

  stages(): readonly MapSize[] {
    return this.#stageMaps().maps.map(mapSize);
  }

  async answer(pixels: Tensor, wanted: readonly WantedAttention[]): Promise<Float32Array> {
    const program = await this.#compiled(wanted);
    const { probabilities, ...looks } = await program.run({
      [imageInput]: withBorder(pixels, this.#metadata.preparation),
    });
    if (probabilities === undefined) throw new GraftError("model", 'the teacher has no output "probabilities".');
    const [count = 0] = pixels.shape;
    const known = probabilities.size / count;
    const parts = wanted.map((_, i) => looks[attentionName(i)]?.floats ?? new Float32Array(0));
    const rows: number[] = [];
    for (let row = 0; row < count; row++) {
      for (const column of this.#columns) rows.push(probabilities.floats[row * known + column] ?? 0);
      for (const part of parts)
        rows.push(...part.subarray((row * part.length) / count, ((row + 1) * part.length) / count));
    }
    return Float32Array.from(rows);
  }

  async dispose(): Promise<void> {
    for (const program of this.#programs.values()) await (await program).dispose();
    this.#programs.clear();
  }

  #compiled(wanted: readonly WantedAttention[]): Promise<Program> {
    const key = JSON.stringify(wanted);
    const known = this.#programs.get(key) ?? this.#compile(wanted);
    this.#programs.set(key, known);
    return known;
  }

  #compile(wanted: readonly WantedAttention[]): Promise<Program> {
    const { engine } = this.#platform;
    if (wanted.length === 0) return engine.compile(this.#bytes);
    const { image, probabilities, maps } = this.#stageMaps();
    const outputs: Record<string, Value> = { probabilities };
    for (const [i, { stage, grid }] of wanted.entries()) {
      const shown = maps[stage];
      if (shown === undefined) throw new Error(`the teacher has no stage ${stage}`);
      outputs[attentionName(i)] = attention(shown, grid);
    }
    return compileGraph({ name: "teacher", inputs: [image], outputs }, engine);
  }

  #stageMaps() {
    const { image, prepared, probabilities } = readServedGraph(this.#bytes, this.#file);
    return { image, probabilities, maps: stageMaps({ input: prepared, features: probabilities }) };
  }
}

function attentionName(i: number): string {
  return `attention.${i}`;
}

/** Where each label stands among the known ones. */
function columnsOf(labels: readonly string[], known: readonly string[], path: string): readonly number[] {
  const beyond = known.filter((label) => !labels.includes(label)).map((label) => `"${label}"`);
  const columns = labels.map((label) => {
    const at = known.indexOf(label);
    if (at >= 0) return at;
    throw new GraftError(
      "data",
      `--teacher: "${path}" does not know the class "${label}" (it knows ${known.join(", ")}).${didYouMean(label, known)} ` +
        "Train the teacher on these classes.",
    );
  });
  if (beyond.length === 0) return columns;
  throw new GraftError(
    "data",
    `--teacher: "${path}" knows classes that the data set lacks: ${beyond.join(", ")}. Train the teacher on these classes.`,
  );
}

/**
 * The views [N, side, side, 3] with as much border, their own edges repeated, as the teacher's preparation cuts off: it sees what the student
 * sees, no less.
 */
export function withBorder(pixels: Tensor, { resizeTo, cropTo }: Preparation): Tensor {
  const [count = 0, side = 0] = pixels.shape;
  const border = Math.round((side * (resizeTo / cropTo - 1)) / 2);
  if (border <= 0) return pixels;
  const wide = side + 2 * border;
  const within = (place: number) => Math.min(side - 1, Math.max(0, place - border));
  const { bytes } = pixels;
  const bordered = new Uint8Array(count * wide * wide * 3);
  let to = 0;
  for (let image = 0; image < count; image++) {
    for (let y = 0; y < wide; y++) {
      const row = (image * side + within(y)) * side;
      for (let x = 0; x < wide; x++) {
        const from = 3 * (row + within(x));
        for (let channel = 0; channel < 3; channel++) bordered[to++] = bytes[from + channel] ?? 0;
      }
    }
  }
  return Tensor.of("uint8", [count, wide, wide, 3], bordered);
}
