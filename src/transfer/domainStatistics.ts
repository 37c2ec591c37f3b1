import type { Compute } from "../algebra/compute.ts";
import { throwIfStopped } from "../algebra/compute.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import { rewrite } from "../graph/rewrite.ts";
import { substitute } from "../graph/substitute.ts";
import { constant, input, type Node, type Value } from "../graph/value.ts";
import { normalise } from "../image/prepare.ts";
import { batchNormalization } from "../ops/normalisation.ts";
import type { Program } from "../platform/platform.ts";
import { compileLowered } from "../train/step.ts";
import { loadPixels } from "./pixelData.ts";

/** Images that are normalised together while statistics are measured: as many on average, no batch more than one larger than another. */
const batchSize = 32;

/** A batch normalisation and the statistics that it has. */
interface Normalisation {
  readonly node: Node;
  readonly mean: Value;
  readonly variance: Value;
}

/**
 * AdaBN (Li, Wang, Shi, Liu & Hou 2016, algorithm 1): the backbone with every batch normalisation's mean and variance those of some images of a domain, its
 * weights as they were. Images pass in shuffled batches, each normalised by itself, and the statistics of all are pooled. Yields how far it is.
 *
 * @throws `model` for a backbone without batch normalisation, such as one exported with it folded into convolutions
 */
export async function* withDomainStatistics(
  backbone: Backbone,
  images: PreparedImages,
  indices: readonly number[],
  { seed }: { readonly seed: number },
  compute: Compute,
): AsyncGenerator<{ readonly done: number; readonly total: number }, Backbone> {
  const measuring = measured(backbone);
  const order = stream(seed, "statistics order").permutation(indices.length);
  const batches = Math.max(1, Math.round(indices.length / batchSize));
  const pools = measuring.olds.flatMap(({ mean, variance }) => [new Pool(mean), new Pool(variance)]);
  const programs = new Map<number, Promise<Program>>();
  try {
    for (let batch = 0; batch < batches; batch++) {
      throwIfStopped(compute);
      const [start, end] = [batch, batch + 1].map((at) => Math.floor((at * indices.length) / batches));
      const chosen = Array.from(order.subarray(start, end), (at) => indices[at] ?? 0);
      const program = programs.get(chosen.length) ?? measuring.compile(chosen.length, compute);
      programs.set(chosen.length, program);
      const results = await (await program).run({ pixels: await loadPixels(images, chosen) });
      for (const [i] of measuring.olds.entries()) {
        const [means, variances] = [results[`mean ${i}`], results[`variance ${i}`]];
        if (means === undefined || variances === undefined) throw new Error("a normalisation gave no statistics");
        pools[2 * i]?.add(means.floats, chosen.length);
        pools[2 * i + 1]?.add(
          variances.floats.map((variance, c) => variance + (means.floats[c] ?? 0) ** 2),
          chosen.length,
        );
      }
      yield { done: end ?? indices.length, total: indices.length };
    }
  } finally {
    for (const program of programs.values()) await (await program).dispose();
  }
  return { ...backbone, features: replaced(backbone, measuring.olds, pools) };
}

/** The statistics as they are, and a program that measures those of a batch of uint8 pixels [N, side, side, 3]. */
function measured(backbone: Backbone) {
  const olds: Normalisation[] = [];
  const news: Value[] = [];
  rewrite([backbone.features], (node, [x, scale, bias, mean, variance]) => {
    if (node.operator !== batchNormalization.operator || !x || !scale || !bias || !mean || !variance) return undefined;
    if (mean.source.kind !== "constant" || variance.source.kind !== "constant") return undefined;
    const epsilon = Number(node.attributes["epsilon"]);
    const options = { epsilon, momentum: 0, training_mode: 1 };
    const [y, batchMean, batchVariance] = batchNormalization.outputs(x, scale, bias, mean, variance, options);
    if (y === undefined || batchMean === undefined || batchVariance === undefined)
      throw new Error("batch normalisation in training has three outputs");
    olds.push({ node, mean, variance });
    news.push(batchMean, batchVariance);
    return [y];
  });
  if (olds.length === 0) {
    throw new GraftError(
      "model",
      `"${backbone.name}" has no batch normalisation; some exports fold it into the convolutions. Give a network that has it, such as one of "graft backbones" with its weights, or take another --method than adabn.`,
    );
  }
  const side = backbone.preparation.cropTo;
  const compile = (count: number, { engine }: Compute) => {
    const pixels = input("pixels", "uint8", [count, side, side, 3]);
    const bound = substitute(news, new Map([[backbone.input, normalise(pixels, backbone.normalisation)]]));
    const outputs = new Map(
      bound.map((value, i): [string, Value] => [`${i % 2 === 0 ? "mean" : "variance"} ${i >> 1}`, value]),
    );
    return compileLowered("statistics", [pixels], outputs, engine);
  };
  return { olds, compile };
}

/** The features with pooled means and variances in the place of the old ones. */
function replaced({ features }: Backbone, olds: readonly Normalisation[], pools: readonly Pool[]): Value {
  const places = new Map(olds.map(({ node }, i) => [node, i]));
  const [changed] = rewrite([features], (node, [x, scale, bias]) => {
    const i = places.get(node);
    if (i === undefined || !x || !scale || !bias) return undefined;
    const means = pools[2 * i]?.mean() ?? new Float64Array(0);
    const squares = pools[2 * i + 1]?.mean() ?? new Float64Array(0);
    const variances = squares.map((square, c) => Math.max(0, square - (means[c] ?? 0) ** 2));
    const of = (values: Float64Array, old: Value | undefined) =>
      constant(Tensor.of("float32", [values.length], Float32Array.from(values)), nameOf(old));
    const epsilon = Number(node.attributes["epsilon"]);
    const { mean: oldMean, variance: oldVariance } = olds[i] ?? {};
    return [batchNormalization(x, scale, bias, of(means, oldMean), of(variances, oldVariance), { epsilon })];
  });
  return changed;
}

function nameOf(value: Value | undefined): string | undefined {
  return value?.source.kind === "constant" ? value.source.name : undefined;
}

/** The mean over all images of one number a channel, from its means over batches. */
class Pool {
  readonly #sums: Float64Array;
  #count = 0;

  constructor({ staticShape }: Value) {
    this.#sums = new Float64Array(staticShape[0] ?? 0);
  }

  add(means: Float32Array, count: number): void {
    for (const [c, mean] of means.entries()) this.#sums[c] = (this.#sums[c] ?? 0) + count * mean;
    this.#count += count;
  }

  mean(): Float64Array {
    return this.#sums.map((sum) => sum / this.#count);
  }
}
