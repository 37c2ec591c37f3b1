import { GraftError } from "../base/errors.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { compileGraph } from "../graph/compile.ts";
import { constantOf, input, type Value } from "../graph/value.ts";
import type { Layer } from "../nn/layer.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { add, div, exp, mul } from "../ops/arithmetic.ts";
import { gather, topK } from "../ops/indexing.ts";
import { reshape, transpose } from "../ops/layout.ts";
import { matmul } from "../ops/products.ts";
import { reduceSum } from "../ops/reductions.ts";
import type { Engine } from "../platform/platform.ts";
import { cutBatches } from "../train/batches.ts";
import type { TrainingData } from "../train/data.ts";
import { unit } from "./cosineHead.ts";
import type { Weights } from "./strategy.ts";

const name = "head";
/** Of Wu et al. 2018, §3.3: a neighbour's vote is exp(cos/τ). */
const temperature = 0.07;
/** One vote spread over all classes: no class is ruled out by a handful of neighbours. */
const doubt = 0.01;
const candidates = [1, 3, 5, 10, 20, 50];
/** So many images are judged by the others to find the number of neighbours, however many there are. */
const judgedImages = 2000;
const rowsAtOnce = 256;

/** The classes of the `neighbours` most alike of `count` known features, weighted by likeness (Wu et al. 2018, eq. 6 f.). */
export function nearestNeighbours(classes: number, count: number, neighbours: number): Layer {
  return moduleLayer(name, (scope, x) => {
    const width = Number(x.shape[1]);
    const known = scope.param("features", [count, width], { initializer: "zeros", trainable: false });
    const labels = scope.param("labels", [count, classes], { initializer: "zeros", trainable: false });
    const [likeness, places] = mostAlike(x, known, neighbours);
    const votes = exp(div(add(likeness, -1), temperature)); // [N, k]
    const voted = reduceSum(mul(gather(labels, places), reshape(votes, [-1, neighbours, 1])), [1], { keepdims: 0 });
    const shares = div(voted, reduceSum(voted, [1], { keepdims: 1 }));
    return add(mul(shares, 1 - doubt), doubt / classes);
  });
}

/** The largest cosines of x [N, width] with `known` [M, width], and whose they are: [N, k] each. */
function mostAlike(x: Value, known: Value, k: number): readonly [Value, Value] {
  const cosines = matmul(unit(x, 1), transpose(unit(known, 1), { perm: [1, 0] }));
  const [likeness, places] = topK.outputs(cosines, constantOf("int64", [1], [k]));
  if (likeness === undefined || places === undefined) throw new Error("TopK has two outputs");
  return [likeness, places];
}

export interface Neighbourhood {
  readonly neighbours: number;
  readonly weights: Weights;
  /** Of images judged by all others; nothing where there was no choice. */
  readonly accuracy: number | undefined;
}

interface NeighbourOptions {
  readonly classes: number;
  /** How much each class's votes count; the same without. */
  readonly classWeights: readonly number[] | undefined;
  /** The first so many rows show one image each, and every further round of so many shows them again. */
  readonly images: number;
}

/** Keeps all features of `data`, and finds how many neighbours judge best when each image is judged by the others. */
export async function surveyNeighbours(
  data: TrainingData,
  options: NeighbourOptions,
  engine: Engine,
): Promise<Neighbourhood> {
  if (data.targets.kind !== "classes") throw new GraftError("data", "nearest neighbours need class labels.");
  const { classes, classWeights, images } = options;
  const { labels } = data.targets;
  const all = Uint32Array.from({ length: data.count }, (_, row) => row);
  const features = await data.load(all, undefined);
  const votes = new Float32Array(data.count * classes);
  for (const [row, label] of labels.entries()) votes[row * classes + label] = classWeights?.[label] ?? 1;
  const weights: Weights = new Map([
    [`${name}/features`, features],
    [`${name}/labels`, Tensor.of("float32", [data.count, classes], votes)],
  ]);
  const possible = candidates.filter((k) => k < images);
  if (possible.length === 0) return { neighbours: 1, weights, accuracy: undefined };
  const known = { features, labels, images, classWeights };
  const right = possible.map(() => 0);
  const judged = Math.min(images, judgedImages);
  const queries = Uint32Array.from({ length: judged }, (_, i) => Math.floor((i * images) / judged));
  for await (const { label, others } of neighboursOf(known, data, queries, possible.at(-1) ?? 1, engine)) {
    for (const [at, k] of possible.entries()) {
      right[at] = (right[at] ?? 0) + Number(winner(others.slice(0, k), classes) === label);
    }
  }
  const best = right.indexOf(Math.max(...right));
  return { neighbours: possible[best] ?? 1, weights, accuracy: (right[best] ?? 0) / judged };
}

interface Known {
  readonly features: Tensor;
  readonly labels: Int32Array;
  readonly images: number;
  readonly classWeights: readonly number[] | undefined;
}

interface Vote {
  readonly label: number;
  readonly weight: number;
}

/** The `most` nearest neighbours of some images, nearest first, none of which shows the same image. */
async function* neighboursOf(
  { features, labels, images, classWeights }: Known,
  data: TrainingData,
  queries: Uint32Array,
  most: number,
  engine: Engine,
): AsyncGenerator<{ readonly label: number; readonly others: readonly Vote[] }> {
  const shows = data.count / images;
  const depth = Math.min(data.count, (most + 1) * shows);
  const x = input("x", "float32", ["N", sizeOf(data.inputShape)]);
  const all = input("all", "float32", features.shape);
  const [likeness, places] = mostAlike(x, all, depth);
  const program = await compileGraph({ name: "neighbours", inputs: [x, all], outputs: { likeness, places } }, engine);
  try {
    for (const batch of cutBatches(queries, rowsAtOnce)) {
      const found = await program.run({ x: await data.load(batch, undefined), all: features });
      const cosines = found["likeness"]?.floats ?? [];
      const rows = found["places"]?.numbers ?? [];
      for (const [i, image] of batch.entries()) {
        const others: Vote[] = [];
        for (let n = i * depth; n < (i + 1) * depth && others.length < most; n++) {
          const row = rows[n] ?? 0;
          if (row % images === image) continue;
          const label = labels[row] ?? 0;
          const weight = Math.exp(((cosines[n] ?? 0) - 1) / temperature) * (classWeights?.[label] ?? 1);
          others.push({ label, weight });
        }
        yield { label: labels[image] ?? 0, others };
      }
    }
  } finally {
    await program.dispose();
  }
}

function winner(votes: readonly Vote[], classes: number): number {
  const totals = new Float64Array(classes);
  for (const { label, weight } of votes) totals[label] = (totals[label] ?? 0) + weight;
  return totals.indexOf(Math.max(...totals));
}
