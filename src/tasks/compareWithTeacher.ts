import { alignTable } from "../metrics/textTable.ts";
import { cutBatches } from "../train/batches.ts";
import type { TrainingData } from "../train/data.ts";
import { argMax } from "../train/measures.ts";
import { pixelData } from "../transfer/pixelData.ts";
import type { RunFolder } from "./runFolder.ts";
import type { TaskEvent } from "./task.ts";
import { openTeacher } from "./teacher.ts";
import type { Job } from "./trainPlan.ts";

const batchSize = 16;

/** What matters when one network is to take the place of another. */
interface Figures {
  readonly megabytes: number;
  readonly imagesPerSecond: number;
  readonly accuracy: number;
}

/** Size, speed and accuracy of the run's model beside its teacher's, on the same images; nothing without a teacher. */
export async function* compareWithTeacher(job: Job, folder: RunFolder): AsyncGenerator<TaskEvent> {
  const { input, images, split } = job;
  if (input.teacher === undefined) return;
  const [indices, name] = split.test.length > 0 ? [split.test, "test"] : [split.validation, "validation"];
  const data = pixelData(images, indices);
  const teacher = await measured(input.teacher, job, data);
  const student = await measured(folder.path, job, data);
  await folder.writeJson("distillation.json", { images: name, teacher, student });
  const row = (who: string, { megabytes, imagesPerSecond, accuracy }: Figures) => [
    who,
    megabytes.toFixed(2),
    imagesPerSecond.toFixed(0),
    `${(100 * accuracy).toFixed(1)} %`,
  ];
  const table = [["", "MB", "images/s", `right on ${name}`], row("teacher", teacher), row("student", student)];
  yield { type: "note", text: alignTable(table) };
}

async function measured(path: string, { labels, platform }: Job, data: TrainingData): Promise<Figures> {
  const model = await openTeacher(path, labels, platform);
  const truth = data.targets.kind === "classes" ? data.targets.labels : [];
  const perImageMs: number[] = [];
  let right = 0;
  try {
    for (const batch of cutBatches(
      Uint32Array.from({ length: data.count }, (_, i) => i),
      batchSize,
    )) {
      const pixels = await data.load(batch, undefined);
      const startMs = platform.nowMs();
      const answers = await model.answer(pixels);
      perImageMs.push((platform.nowMs() - startMs) / batch.length);
      for (const [i, at] of batch.entries())
        right += Number(argMax(answers, i * labels.length, labels.length) === truth[at]);
    }
  } finally {
    await model.dispose();
  }
  // The first run of a program prepares what later ones use.
  const steady = perImageMs.length > 1 ? perImageMs.slice(1).sort((a, b) => a - b) : perImageMs;
  const medianMs = steady[Math.floor(steady.length / 2)] ?? Number.NaN;
  return { megabytes: model.bytes / 1e6, imagesPerSecond: 1000 / medianMs, accuracy: right / data.count };
}
