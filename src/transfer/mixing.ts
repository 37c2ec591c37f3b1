import { type Stream, stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import type { Loss } from "../nn/loss.ts";
import { categoricalCrossentropy, sparseCategoricalCrossentropy } from "../nn/losses.ts";
import type { TrainingData } from "../train/data.ts";
import type { Learning, TransferJob } from "./strategy.ts";

/** How strongly images are mixed: the α of Beta(α, α), from which an image's share is drawn. 0 leaves it out. */
export interface Mixing {
  /** Sums of two images (Zhang et al. 2018, eq. 1). */
  readonly mixup: number;
  /** A rectangle of one in another (Yun et al. 2019, eq. 1 f.). */
  readonly cutmix: number;
}

/** What one image of an epoch is mixed with. */
export interface Mix {
  /** Row of the other image. */
  readonly partner: number;
  /** Of the image itself, 0 to 1; the rest is the partner's. */
  readonly share: number;
  /** [left, top, right, bottom] of the partner in the image; everywhere without. */
  readonly patch: readonly [number, number, number, number] | undefined;
}

type MixingJob = Pick<TransferJob, "mixing" | "seed" | "classes" | "classWeights">;

/** A class loss on labels, or on the mixed labels of mixed images when the job asks for them. */
export function classLearning(
  job: MixingJob,
  labelSmoothing: number,
): Pick<Learning, "taught"> & { readonly loss: Loss } {
  const { mixing } = job;
  if (mixing.mixup === 0 && mixing.cutmix === 0) return { loss: sparseCategoricalCrossentropy({ labelSmoothing }) };
  return {
    loss: categoricalCrossentropy(),
    taught: (data, indices, isTraining) => mixed(data, indices, { ...job, labelSmoothing, isTraining }),
  };
}

interface Options extends MixingJob {
  readonly labelSmoothing: number;
  readonly isTraining: boolean;
}

/** `data` (the images `indices`) with rows of class shares as targets; mixed where an epoch is given. */
function mixed(data: TrainingData, indices: readonly number[], options: Options): TrainingData {
  const { targets } = data;
  if (targets.kind !== "classes") throw new Error("mixing begins with class labels");
  const { classes, isTraining } = options;
  const plain = rowsOf(targets.labels, [], options);
  const rows = { ...data, targets: { kind: "values", width: classes, values: plain } } as const;
  if (!isTraining) return rows;
  const [side = 0] = data.inputShape;
  const mixOf = (epoch: number) => (row: number) =>
    drawMix(options.mixing, stream(options.seed, "mix", epoch, indices[row] ?? 0), data.count, side);
  return {
    ...rows,
    inputDType: "float32",
    targetsOf(epoch) {
      const mixes = Array.from({ length: data.count }, (_, row) => mixOf(epoch)(row));
      return { kind: "values", width: classes, values: rowsOf(targets.labels, mixes, options) };
    },
    async load(batch, epoch) {
      const own = floatsOf(await data.load(batch, epoch));
      if (epoch === undefined) return own;
      const mixes = Array.from(batch, mixOf(epoch));
      const others = floatsOf(
        await data.load(
          Uint32Array.from(mixes, ({ partner }) => partner),
          epoch,
        ),
      );
      return mixImages(own, others, mixes, side);
    },
  };
}

/** A partner, and how much of it: a function of the stream alone. */
export function drawMix({ mixup, cutmix }: Mixing, random: Stream, count: number, side: number): Mix {
  const partner = random.below(count);
  const isCut = cutmix > 0 && (mixup === 0 || random.uniform() < 0.5);
  const share = beta(random, isCut ? cutmix : mixup);
  if (!isCut) return { partner, share, patch: undefined };
  const half = (side * Math.sqrt(1 - share)) / 2;
  const [x, y] = [random.uniform(0, side), random.uniform(0, side)];
  const inside = (edge: number) => Math.min(side, Math.max(0, Math.round(edge)));
  const patch = [inside(x - half), inside(y - half), inside(x + half), inside(y + half)] as const;
  const area = (patch[2] - patch[0]) * (patch[3] - patch[1]);
  // What is seen counts: the border may have cut the patch.
  return { partner, share: 1 - area / (side * side), patch };
}

/** Beta(α, α) (Jöhnk 1964); α at most about 2, above which few attempts succeed. */
function beta(random: Stream, alpha: number): number {
  for (;;) {
    const a = random.uniform() ** (1 / alpha);
    const b = random.uniform() ** (1 / alpha);
    // For a tiny α both powers can vanish; then the shares are all or nothing.
    if (a + b === 0) return Number(random.uniform() < 0.5);
    if (a + b <= 1) return a / (a + b);
  }
}

/** Both classes by their shares, smoothed, times the weights of the classes: [N, classes]. */
function rowsOf(labels: Int32Array, mixes: readonly Mix[], { classes, classWeights, labelSmoothing }: Options) {
  const values = new Float32Array(labels.length * classes);
  const put = (row: number, label: number, share: number) => {
    const weight = share * (classWeights?.[label] ?? 1);
    const start = row * classes;
    for (let c = 0; c < classes; c++)
      values[start + c] = (values[start + c] ?? 0) + (weight * labelSmoothing) / classes;
    values[start + label] = (values[start + label] ?? 0) + weight * (1 - labelSmoothing);
  };
  for (const [row, label] of labels.entries()) {
    const { share, partner } = mixes[row] ?? { share: 1, partner: row };
    put(row, label, share);
    if (share < 1) put(row, labels[partner] ?? 0, 1 - share);
  }
  return values;
}

function mixImages(own: Tensor, others: Tensor, mixes: readonly Mix[], side: number): Tensor {
  const values = own.floats.slice();
  const size = values.length / mixes.length;
  const channels = size / (side * side);
  for (const [i, { share, patch }] of mixes.entries()) {
    const start = i * size;
    if (patch === undefined) {
      for (let at = start; at < start + size; at++) {
        values[at] = share * (values[at] ?? 0) + (1 - share) * (others.floats[at] ?? 0);
      }
      continue;
    }
    const [left, top, right, bottom] = patch;
    for (let y = top; y < bottom; y++) {
      const line = start + y * side * channels;
      const [from, to] = [line + left * channels, line + right * channels];
      values.set(others.floats.subarray(from, to), from);
    }
  }
  return Tensor.of("float32", own.shape, values);
}

function floatsOf(images: Tensor): Tensor {
  return images.dtype === "float32" ? images : Tensor.of("float32", images.shape, Float32Array.from(images.bytes));
}
