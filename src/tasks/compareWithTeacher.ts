import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/imageTensor.ts";
import { majorityShare } from "../metrics/majority.ts";
import { alignTable } from "../metrics/textTable.ts";
import { percent, Rival, rivalRow } from "./rival.ts";
import type { RunFolder } from "./runFolder.ts";
import { ServedModel } from "./servedModel.ts";
import type { TaskEvent } from "./task.ts";
import type { Job } from "./trainPlan.ts";

/** Size, speed and accuracy of the run's model beside its teacher's, both as they are served; nothing without a teacher. */
export async function* compareWithTeacher(job: Job, folder: RunFolder): AsyncGenerator<TaskEvent> {
  const { input, images, split, labels, source, platform, signal } = job;
  if (input.teacher === undefined) return;
  const [indices, name] = split.test.length > 0 ? [split.test, "test"] : [split.validation, "validation"];
  const rivals = [new Rival(await ServedModel.open(input.teacher, platform), platform)];
  try {
    rivals.push(new Rival(await ServedModel.open(folder.path, platform), platform));
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
      rivalRow("teacher", teacher),
      rivalRow("student", student),
    ];
    yield { type: "note", text: alignTable(table) };
  } finally {
    for (const rival of rivals) await rival.model.dispose();
  }
}
