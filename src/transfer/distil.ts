import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { RecordStore } from "../data/recordStore.ts";
import { type Augmentation, isIdentity } from "../image/augmentation.ts";
import { type DistillationOptions, distillation } from "../nn/losses.ts";
import type { TrainingData } from "../train/data.ts";
import { attentionTransfer, type MapSize, pairStages, positions } from "./attentionTransfer.ts";
import { drawsPerImage } from "./featureCache.ts";
import { shownStages } from "./shownStages.ts";
import type { StrategyEvent, TransferJob, TransferPlan } from "./strategy.ts";

/** Always so many images at once, the last batch filled up: answers do not depend on what was cached before. */
const batchSize = 16;

/** A trained classifier whose answers another one learns. */
export interface Teacher {
  /** Of its file: answers are cached by it. */
  readonly hash: string;
  /** The maps with which its stages end, first to last; none for a network that works on tokens. */
  stages(): readonly MapSize[];
  /** A row for each of uint8 [N, side, side, 3]: probabilities, classes in the job's order, then its attention in the wanted stages. */
  answer(pixels: Tensor, wanted: readonly WantedAttention[]): Promise<Float32Array>;
}

/** Where the teacher looks, in one of its stages. */
export interface WantedAttention {
  readonly stage: number;
  readonly grid: MapSize;
}

export interface TeachingOptions extends DistillationOptions {
  /** How strongly the student's stages are to look where the teacher's look; 0 not at all. See `attentionTransfer`. */
  readonly matchFeatures: number;
}

/**
 * A student learns the labels and the teacher's answers on the very views that it sees itself (Hinton et al. 2015; Beyer et al. 2022, §3):
 * `drawsPerImage` augmented ones of each image, answered once and cached. Throws `usage` for a student that learns nothing by steps.
 */
export async function* distil(
  job: TransferJob,
  student: TransferPlan,
  teacher: Teacher,
  options: TeachingOptions,
): AsyncGenerator<StrategyEvent, TransferPlan> {
  if (student.learning === undefined) throw new GraftError("usage", "distil: the student must learn by steps.");
  const { split, augmentation } = job;
  const draws = isIdentity(augmentation) ? 1 : drawsPerImage;
  const matched = options.matchFeatures === 0 ? [] : yield* matchedStages(student, teacher);
  const answers = await Answers.open(job, teacher, matched);
  yield* answers.ask(student.data(split.validation, false), split.validation, [undefined]);
  const numbers = Array.from({ length: draws }, (_, draw) => draw);
  yield* answers.ask(student.data(split.train, true), split.train, numbers);
  const rows = async (indices: readonly number[], draw: number | undefined) =>
    targetRows(job, indices, await answers.of(indices, draw), options.temperature);
  const validation = await rows(split.validation, undefined);
  const first = await rows(split.train, 0);
  // One draw at a time is in memory.
  const ofDraw = lastOf((draw: number) => rows(split.train, draw));
  const answered = distillation(options);
  const loss = matched.length === 0 ? answered : attentionTransfer(answered, matched, options.matchFeatures);
  return {
    ...student,
    learning: {
      ...student.learning,
      recipe: { ...student.learning.recipe, loss },
      taught(data, _, isTraining) {
        if (!isTraining) return { ...data, targets: validation };
        return {
          ...data,
          targets: first,
          targetsOf: (epoch) => ofDraw(epoch % draws),
          load: (batch, epoch) => data.load(batch, epoch === undefined ? epoch : epoch % draws),
        };
      },
    },
  };
}

/** A stage of the student, and which of the teacher's it follows. */
interface MatchedStage extends WantedAttention {
  readonly layer: string;
}

function* matchedStages(
  { network }: TransferPlan,
  teacher: Teacher,
): Generator<StrategyEvent, readonly MatchedStage[]> {
  const [theirs, ours] = [teacher.stages(), shownStages(network)];
  const matched = pairStages(theirs, ours).flatMap(({ teacher: stage, student, grid }) => {
    const layer = ours[student]?.layer;
    return layer === undefined ? [] : [{ stage, layer, grid }];
  });
  if (matched.length > 0) {
    const grids = matched.map(({ grid: { height, width } }) => `${height}×${width}`).join(", ");
    yield {
      type: "note",
      text: `features: ${matched.length} stages look where the teacher's look, on ${grids} places`,
    };
    return matched;
  }
  const text = `features: ${obstacle(theirs, ours)}, so that --match-features has nothing to compare; the answers alone are learned`;
  yield { type: "note", text };
  return [];
}

function obstacle(theirs: readonly MapSize[], ours: readonly MapSize[]): string {
  if (theirs.length === 0) return "the teacher has no feature maps";
  if (ours.length === 0) return "the student has no feature maps";
  return "no two stages have maps of several places";
}

/** Each image's label, the teacher's softened answer and its attention, all times the weight of its class. */
function targetRows(
  { images, classes, classWeights }: TransferJob,
  indices: readonly number[],
  answers: readonly Float32Array[],
  temperature: number,
) {
  const width = classes + (answers[0]?.length ?? classes);
  const values = new Float32Array(indices.length * width);
  for (const [i, index] of indices.entries()) {
    const label = images.samples[index]?.label ?? 0;
    const weight = classWeights?.[label] ?? 1;
    const answer = answers[i] ?? new Float32Array(0);
    const row = values.subarray(i * width, (i + 1) * width);
    row[label] = 1;
    row.set(softened(answer.subarray(0, classes), temperature), classes);
    row.set(answer.subarray(classes), 2 * classes);
    for (let at = 0; at < width; at++) row[at] = weight * (row[at] ?? 0);
  }
  return { kind: "values" as const, width, values };
}

/** Probabilities as they are at temperature T: p^(1/T), made to sum to one again. */
function softened(probabilities: Float32Array, temperature: number): Float32Array {
  const powers = probabilities.map((p) => Math.max(p, 1e-12) ** (1 / temperature));
  const total = powers.reduce((sum, one) => sum + one, 0);
  return powers.map((power) => power / total);
}

/** `compute`, which keeps what it gave last. */
function lastOf<T>(compute: (key: number) => T): (key: number) => T {
  let last: { readonly key: number; readonly value: T } | undefined;
  return (key) => {
    if (last?.key !== key) last = { key, value: compute(key) };
    return last.value;
  };
}

/** The teacher's answers to all views that the student will see, on disk by view. */
class Answers {
  readonly #job: TransferJob;
  readonly #teacher: Teacher;
  readonly #wanted: readonly WantedAttention[];
  /** Numbers of an answer. */
  readonly #width: number;
  readonly #records: RecordStore;

  private constructor(
    job: TransferJob,
    teacher: Teacher,
    wanted: readonly WantedAttention[],
    width: number,
    records: RecordStore,
  ) {
    this.#job = job;
    this.#teacher = teacher;
    this.#wanted = wanted;
    this.#width = width;
    this.#records = records;
  }

  static async open(job: TransferJob, teacher: Teacher, wanted: readonly WantedAttention[]): Promise<Answers> {
    const { platform, images, classes } = job;
    const attention = wanted.map(({ stage, grid }) => ` ${stage}:${grid.height}×${grid.width}`).join("");
    const content = `${teacher.hash} ${images.preparationHash} bordered${attention}`;
    const hash = platform.digest(new TextEncoder().encode(content));
    const folder = platform.store.join(platform.cacheDir, "teachers", hash.slice(0, 32));
    const width = wanted.reduce((sum, { grid }) => sum + positions(grid), classes);
    return new Answers(job, teacher, wanted, width, await RecordStore.open(platform, folder, 4 * width));
  }

  /** Has every view answered: `data` are the images `indices`. */
  async *ask(
    data: TrainingData,
    indices: readonly number[],
    draws: readonly (number | undefined)[],
  ): AsyncGenerator<StrategyEvent> {
    const { signal } = this.#job;
    const total = indices.length * draws.length;
    let done = 0;
    try {
      for (const draw of draws) {
        for (let start = 0; start < indices.length; start += batchSize) {
          if (signal.aborted)
            throw new GraftError("interrupted", "stopped while the teacher answered; answers are kept.");
          const rows = Array.from({ length: Math.min(batchSize, indices.length - start) }, (_, i) => start + i);
          await this.#answerBatch(data, indices, rows, draw);
          done += rows.length;
          yield { type: "progress", phase: "teacher", done, total };
        }
      }
    } finally {
      await this.#records.flush();
    }
  }

  /** A row for each of these views, which were asked about. */
  async of(indices: readonly number[], draw: number | undefined): Promise<readonly Float32Array[]> {
    const rows: Float32Array[] = [];
    for (const index of indices) {
      const bytes = await this.#records.get(this.#key(index, draw));
      rows.push(new Tensor("float32", [this.#width], bytes).floats);
    }
    return rows;
  }

  async #answerBatch(
    data: TrainingData,
    indices: readonly number[],
    rows: readonly number[],
    draw: number | undefined,
  ) {
    const keys = rows.map((row) => this.#key(indices[row] ?? 0, draw));
    if (keys.every((key) => this.#records.has(key))) return;
    const filled = Uint32Array.from({ length: batchSize }, (_, i) => rows[i] ?? rows[0] ?? 0);
    const answers = await this.#teacher.answer(toPixels(await data.load(filled, draw)), this.#wanted);
    const bytes = new Uint8Array(answers.buffer, answers.byteOffset, answers.byteLength);
    const size = 4 * this.#width;
    for (const [i, key] of keys.entries()) await this.#records.put(key, bytes.subarray(i * size, (i + 1) * size));
  }

  #key(index: number, draw: number | undefined): string {
    const { images, augmentation, seed, platform } = this.#job;
    const view: readonly [Augmentation, number, number, number] | [] =
      draw === undefined || isIdentity(augmentation) ? [] : [augmentation, seed, index, draw];
    return platform.digest(new TextEncoder().encode(JSON.stringify([images.keys[index], ...view])));
  }
}

function toPixels(images: Tensor): Tensor {
  if (images.dtype === "uint8") return images;
  return Tensor.of(
    "uint8",
    images.shape,
    Uint8Array.from(images.floats, (level) => Math.min(255, Math.max(0, Math.round(level)))),
  );
}
