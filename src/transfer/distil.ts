import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { RecordStore } from "../data/recordStore.ts";
import { type Augmentation, isIdentity } from "../image/augmentation.ts";
import { type DistillationOptions, distillation } from "../nn/losses.ts";
import type { TrainingData } from "../train/data.ts";
import { drawsPerImage } from "./featureCache.ts";
import type { StrategyEvent, TransferJob, TransferPlan } from "./strategy.ts";

/** Always so many images at once, the last batch filled up: answers do not depend on what was cached before. */
const batchSize = 16;

/** A trained classifier whose answers another one learns. */
export interface Teacher {
  /** Of its file: answers are cached by it. */
  readonly hash: string;
  /** Probabilities [N, classes] of uint8 [N, side, side, 3], classes in the job's order. */
  answer(pixels: Tensor): Promise<Float32Array>;
}

/**
 * A student learns the labels and the teacher's answers on the very views that it sees itself (Hinton et al. 2015; Beyer et al. 2022, §3):
 * `drawsPerImage` augmented ones of each image, answered once and cached. Throws `usage` for a student that learns nothing by steps.
 */
export async function* distil(
  job: TransferJob,
  student: TransferPlan,
  teacher: Teacher,
  options: DistillationOptions,
): AsyncGenerator<StrategyEvent, TransferPlan> {
  if (student.learning === undefined) throw new GraftError("usage", "distil: the student must learn by steps.");
  const { split, classes, augmentation } = job;
  const draws = isIdentity(augmentation) ? 1 : drawsPerImage;
  const answers = await Answers.open(job, teacher);
  yield* answers.ask(student.data(split.validation, false), split.validation, [undefined]);
  const numbers = Array.from({ length: draws }, (_, draw) => draw);
  yield* answers.ask(student.data(split.train, true), split.train, numbers);
  const soften = softened(options.temperature, classes);
  const rows = (indices: readonly number[], draw: number | undefined) => ({
    kind: "values" as const,
    width: 2 * classes,
    values: targetRows(job, indices, soften(answers.of(indices, draw))),
  });
  const training = numbers.map((draw) => rows(split.train, draw));
  return {
    ...student,
    learning: {
      ...student.learning,
      recipe: { ...student.learning.recipe, loss: distillation(options) },
      taught(data, indices, isTraining) {
        const [first] = training;
        if (!isTraining || first === undefined) return { ...data, targets: rows(indices, undefined) };
        return {
          ...data,
          targets: first,
          targetsOf: (epoch) => training[epoch % draws] ?? first,
          load: (batch, epoch) => data.load(batch, epoch === undefined ? epoch : epoch % draws),
        };
      },
    },
  };
}

/** The label and the teacher's softened answer of each image, both times the weight of its class. */
function targetRows(
  { images, classes, classWeights }: TransferJob,
  indices: readonly number[],
  answers: Float32Array,
): Float32Array {
  const rows = new Float32Array(indices.length * 2 * classes);
  for (const [i, index] of indices.entries()) {
    const label = images.samples[index]?.label ?? 0;
    const weight = classWeights?.[label] ?? 1;
    const start = i * 2 * classes;
    rows[start + label] = weight;
    for (let c = 0; c < classes; c++) rows[start + classes + c] = weight * (answers[i * classes + c] ?? 0);
  }
  return rows;
}

/** Probabilities as they are at temperature T: p^(1/T), made to sum to one again. */
function softened(temperature: number, classes: number) {
  return (probabilities: Float32Array) => {
    const powers = probabilities.map((p) => Math.max(p, 1e-12) ** (1 / temperature));
    for (let start = 0; start < powers.length; start += classes) {
      const total = powers.subarray(start, start + classes).reduce((sum, one) => sum + one, 0);
      for (let c = start; c < start + classes; c++) powers[c] = (powers[c] ?? 0) / total;
    }
    return powers;
  };
}

/** The teacher's answers to all views that the student will see, on disk by view. */
class Answers {
  readonly #job: TransferJob;
  readonly #teacher: Teacher;
  readonly #records: RecordStore;
  readonly #known = new Map<string, Float32Array>();

  private constructor(job: TransferJob, teacher: Teacher, records: RecordStore) {
    this.#job = job;
    this.#teacher = teacher;
    this.#records = records;
  }

  static async open(job: TransferJob, teacher: Teacher): Promise<Answers> {
    const { platform, images, classes } = job;
    const hash = platform.digest(new TextEncoder().encode(`${teacher.hash} ${images.preparationHash} bordered`));
    const folder = platform.store.join(platform.cacheDir, "teachers", hash.slice(0, 32));
    return new Answers(job, teacher, await RecordStore.open(platform, folder, 4 * classes));
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

  /** Probabilities [N, classes] of views that were asked about. */
  of(indices: readonly number[], draw: number | undefined): Float32Array {
    const { classes } = this.#job;
    const all = new Float32Array(indices.length * classes);
    for (const [i, index] of indices.entries()) all.set(this.#known.get(this.#key(index, draw)) ?? [], i * classes);
    return all;
  }

  async #answerBatch(
    data: TrainingData,
    indices: readonly number[],
    rows: readonly number[],
    draw: number | undefined,
  ) {
    const { classes } = this.#job;
    const keys = rows.map((row) => this.#key(indices[row] ?? 0, draw));
    if (!keys.every((key) => this.#records.has(key))) {
      const filled = Uint32Array.from({ length: batchSize }, (_, i) => rows[i] ?? rows[0] ?? 0);
      const answers = await this.#teacher.answer(toPixels(await data.load(filled, draw)));
      const bytes = new Uint8Array(answers.buffer, answers.byteOffset, answers.byteLength);
      const size = 4 * classes;
      for (const [i, key] of keys.entries()) await this.#records.put(key, bytes.subarray(i * size, (i + 1) * size));
    }
    for (const key of keys) {
      this.#known.set(key, new Tensor("float32", [classes], await this.#records.get(key)).floats.slice());
    }
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
