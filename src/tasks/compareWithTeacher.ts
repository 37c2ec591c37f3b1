import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/preparedImages.ts";
import { majorityShare } from "../metrics/majority.ts";
import { alignTable } from "../metrics/textTable.ts";
import { argMax } from "../train/measures.ts";
import type { RunFolder } from "./runFolder.ts";
import { ServedModel } from "./servedModel.ts";
import type { TaskEvent } from "./task.ts";
import type { Job } from "./trainPlan.ts";

/** What matters when one network is to take the place of another. */
interface Figures {
  readonly megabytes: number;
  /** One at a time, without decoding. */
  readonly imagesPerSecond: number;
  readonly accuracy: number;
}

/** Size, speed and accuracy of the run's model beside its teacher's, both as they are served; nothing without a teacher. */
export async function* compareWithTeacher(job: Job, folder: RunFolder): AsyncGenerator<TaskEvent> {
  const { input, images, split, labels, source, platform, signal } = job;
  if (input.teacher === undefined) return;
  const [indices, name] = split.test.length > 0 ? [split.test, "test"] : [split.validation, "validation"];
  const rivals = [new Rival(await ServedModel.open(input.teacher, platform), job)];
  try {
    rivals.push(new Rival(await ServedModel.open(folder.path, platform), job));
    let done = 0;
    for await (const { sample, image } of source.read(new Set(indices.map((i) => images.samples[i]?.id ?? "")))) {
      if (signal.aborted) return;
      const pixels = imageTensor(await decodeImage(image, platform, limitPixels));
      for (const rival of rivals) await rival.judge(pixels, labels[sample.label] ?? "");
      yield { type: "progress", phase: "evaluate", done: ++done, total: indices.length };
    }
    const [teacher, student] = rivals.map((rival) => rival.figures());
    if (teacher === undefined || student === undefined) return;
    await folder.writeJson("distillation.json", { images: name, teacher, student });
    const majority = majorityShare(indices.map((i) => images.samples[i]?.label));
    const table = [
      ["", "MB", "images/s", `right on ${name}`],
      ["majority class", "", "", percent(majority)],
      row("teacher", teacher),
      row("student", student),
    ];
    yield { type: "note", text: alignTable(table) };
  } finally {
    for (const rival of rivals) await rival.model.dispose();
  }
}

function row(who: string, { megabytes, imagesPerSecond, accuracy }: Figures): readonly string[] {
  return [who, megabytes.toFixed(2), imagesPerSecond.toFixed(0), percent(accuracy)];
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}

/** One of the two, while it is measured. */
class Rival {
  readonly model: ServedModel;
  readonly #job: Job;
  readonly #durationsMs: number[] = [];
  #right = 0;

  constructor(model: ServedModel, job: Job) {
    this.model = model;
    this.#job = job;
  }

  async judge(pixels: Parameters<ServedModel["answer"]>[0], truth: string): Promise<void> {
    const { platform } = this.#job;
    const startMs = platform.nowMs();
    const answer = await this.model.answer(pixels);
    this.#durationsMs.push(platform.nowMs() - startMs);
    this.#right += Number(this.model.labels[argMax(answer, 0, answer.length)] === truth);
  }

  figures(): Figures {
    const sorted = this.#durationsMs.toSorted((a, b) => a - b);
    return {
      megabytes: this.model.sizeBytes / 1e6,
      imagesPerSecond: 1000 / (sorted[Math.floor(sorted.length / 2)] ?? Number.NaN),
      accuracy: this.#right / sorted.length,
    };
  }
}
