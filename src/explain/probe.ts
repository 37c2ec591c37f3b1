import { throwIfStopped } from "../algebra/compute.ts";
import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { compileGraph } from "../graph/compile.ts";
import { differentiate } from "../graph/differentiate.ts";
import { input, type Value } from "../graph/value.ts";
import { mul } from "../ops/arithmetic.ts";
import { reduceSum } from "../ops/reductions.ts";
import type { Engine, Program } from "../platform/platform.ts";
import type { Layer } from "./layers.ts";
import { type ExplainedNetwork, overPixels } from "./network.ts";

/** A layer's maps of one image, [C, H, W]. */
export interface FeatureMaps {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  readonly values: Float32Array;
}

/** The same, and how the class's score changes with them. */
export interface DifferentiatedMaps extends FeatureMaps {
  readonly gradient: Float32Array;
}

/** What a network says of one image: probability and score of each class. */
export interface Answer {
  readonly probabilities: Float32Array;
  readonly scores: Float32Array;
}

type ProgramKey = "answers" | "gradients" | `${"maps" | "gradient"} of ${string}`;

/** Images in one run. */
const answeredAtOnce = 16;
const differentiatedAtOnce = 4;

/** Asks a network about prepared images [side, side, 3], levels of 0–255. What it needs is compiled once; whoever makes it disposes of it. */
export class Probe {
  readonly network: ExplainedNetwork;
  readonly #engine: Engine;
  readonly #signal: AbortSignal | undefined;
  readonly #programs: Map<ProgramKey, Promise<Program>>;

  constructor(
    network: ExplainedNetwork,
    engine: Engine,
    signal?: AbortSignal,
    programs: Map<ProgramKey, Promise<Program>> = new Map(),
  ) {
    this.network = network;
    this.#engine = engine;
    this.#signal = signal;
    this.#programs = programs;
  }

  /** The same with the same programs, for work that `signal` stops. */
  stoppedBy(signal: AbortSignal): Probe {
    return new Probe(this.network, this.#engine, signal, this.#programs);
  }

  async answers(images: readonly Float32Array[]): Promise<readonly Answer[]> {
    const { pixels, probabilities, scores } = this.network;
    const program = await this.#program("answers", () =>
      compileGraph({ name: "answers", inputs: [pixels], outputs: { probabilities, scores } }, this.#engine),
    );
    const answers: Answer[] = [];
    for (const batch of batches(images, answeredAtOnce)) {
      const found = await this.#run(program, { pixels: this.#tensor(batch) });
      const rows = [found("probabilities"), found("scores")].map((all) => rowsOf(all, batch.length));
      for (const i of batch.keys()) {
        const [ofProbabilities = [], ofScores = []] = rows;
        answers.push({
          probabilities: ofProbabilities[i] ?? new Float32Array(0),
          scores: ofScores[i] ?? new Float32Array(0),
        });
      }
    }
    return answers;
  }

  /** How the score of a class changes with each level of each image. Throws `model` where an operator has no gradient. */
  async gradients(images: readonly Float32Array[], classIndex: number): Promise<readonly Float32Array[]> {
    const program = await this.#program("gradients", () => this.#differentiated(differentiatedAtOnce));
    const gradients: Float32Array[] = [];
    for (const batch of batches(images, differentiatedAtOnce)) {
      // The graph has one batch size; what fills the last batch up is thrown away.
      const full = Array.from({ length: differentiatedAtOnce }, (_, i) => batch[i] ?? batch[0] ?? new Float32Array(0));
      const feeds = { pixels: this.#tensor(full), chosen: this.#chosen(full.length, classIndex) };
      const found = await this.#run(program, feeds);
      gradients.push(...rowsOf(found("gradient"), full.length).slice(0, batch.length));
    }
    return gradients;
  }

  async maps(image: Float32Array, layer: Layer): Promise<FeatureMaps> {
    const { pixels } = this.network;
    const program = await this.#program(`maps of ${layer.name}`, () =>
      compileGraph({ name: "maps", inputs: [pixels], outputs: { values: layer.value } }, this.#engine),
    );
    const found = await this.#run(program, { pixels: this.#tensor([image]) });
    const { channels, height, width } = layer;
    return { channels, height, width, values: found("values") };
  }

  /** Throws `model` where an operator behind the layer has no gradient. */
  async differentiatedMaps(image: Float32Array, classIndex: number, layer: Layer): Promise<DifferentiatedMaps> {
    const program = await this.#program(`gradient of ${layer.name}`, () => this.#differentiated(1, layer.value));
    const found = await this.#run(program, { pixels: this.#tensor([image]), chosen: this.#chosen(1, classIndex) });
    const { channels, height, width } = layer;
    return { channels, height, width, values: found("values"), gradient: found("gradient") };
  }

  async dispose(): Promise<void> {
    const compiled = await Promise.allSettled(this.#programs.values());
    for (const each of compiled) if (each.status === "fulfilled") await each.value.dispose();
    this.#programs.clear();
  }

  /** The chosen score's gradient with respect to the pixels, or to a value within. */
  #differentiated(count: number, within?: Value): Promise<Program> {
    const { network } = this;
    const pixels = input("pixels", "float32", [count, network.side, network.side, 3]);
    const chosen = input("chosen", "float32", [count, network.classes]);
    const [scores, values] = overPixels(network, [network.scores, within ?? network.pixels], pixels);
    if (scores === undefined || values === undefined) throw new Error("as many values come back as were given");
    const gradient = gradientOf(reduceSum(mul(scores, chosen), { keepdims: 0 }), values);
    const outputs: Record<string, Value> = within === undefined ? { gradient } : { gradient, values };
    return compileGraph({ name: "gradient", inputs: [pixels, chosen], outputs }, this.#engine);
  }

  #program(key: ProgramKey, compile: () => Promise<Program>): Promise<Program> {
    const program = this.#programs.get(key) ?? compile();
    this.#programs.set(key, program);
    return program;
  }

  async #run(program: Program, feeds: Readonly<Record<string, Tensor>>): Promise<(name: string) => Float32Array> {
    throwIfStopped({ signal: this.#signal });
    const outputs = await program.run(feeds);
    return (name) => {
      const found = outputs[name];
      if (found === undefined) throw new Error(`the program gives no "${name}"`);
      return found.floats;
    };
  }

  #tensor(images: readonly Float32Array[]): Tensor {
    const { side } = this.network;
    const all = new Float32Array(images.length * side * side * 3);
    for (const [i, image] of images.entries()) all.set(image, i * side * side * 3);
    return Tensor.of("float32", [images.length, side, side, 3], all);
  }

  #chosen(count: number, classIndex: number): Tensor {
    const { classes } = this.network;
    const chosen = Float32Array.from({ length: count * classes }, (_, i) => (i % classes === classIndex ? 1 : 0));
    return Tensor.of("float32", [count, classes], chosen);
  }
}

function gradientOf(score: Value, value: Value): Value {
  try {
    const [gradient] = differentiate(score, [value]);
    return gradient;
  } catch (error) {
    if (!(error instanceof GraftError) || error.code !== "model") throw error;
    throw new GraftError("model", `${error.message} The method "occlusion" explains without gradients.`, {
      cause: error,
    });
  }
}

function rowsOf(values: Float32Array, count: number): readonly Float32Array[] {
  const width = values.length / count;
  return Array.from({ length: count }, (_, i) => values.slice(i * width, (i + 1) * width));
}

function* batches<T>(all: readonly T[], size: number): Generator<readonly T[]> {
  for (let at = 0; at < all.length; at += size) yield all.slice(at, at + size);
}
