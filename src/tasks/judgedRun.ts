import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { decodeImage } from "../data/decodeImage.ts";
import { imageTensor, limitPixels } from "../data/imageTensor.ts";
import { contentKey } from "../data/preparedImages.ts";
import { splitNames } from "../data/source.ts";
import type { Platform } from "../platform/platform.ts";
import { argMax } from "../train/measures.ts";
import { openData } from "./dataset.ts";
import { openPredictions } from "./predictions.ts";
import { predictionsFile, RunFolder } from "./runFolder.ts";
import { ServedModel } from "./servedModel.ts";
import type { TaskEvent } from "./task.ts";

/** What a run's model said of one image, beside the truth. */
export interface Answer {
  readonly image: string;
  readonly label: string;
  readonly answer: string;
}

/** A run as a judge needs it. Images are known by the hash of their content, wherever they lie. */
export interface JudgedRun {
  readonly path: string;
  readonly labels: readonly string[];
  /** What it learned from. */
  readonly trained: ReadonlySet<string>;
  /** Its answers by part (validation, test, or a data set) and image; of identical images the first counts. */
  readonly parts: ReadonlyMap<string, ReadonlyMap<string, Answer>>;
}

const list = z.array(z.string());
const lists = z.object({ train: list, validation: list, test: list });
const splitsSchema = lists.extend({ hashes: lists });

/** The answers that a run wrote down when it ended. Throws `input` where it did not. */
export async function storedAnswers(path: string, platform: Platform): Promise<JudgedRun> {
  const folder = new RunFolder(path, platform);
  const splits = await splitsOf(folder);
  const file = folder.file(predictionsFile);
  if (!(await folder.has(predictionsFile))) {
    throw new GraftError(
      "input",
      `"${path}" has no ${predictionsFile}: it did not end, or an older Graft wrote it. Continue it with --resume, or judge it on labelled images with --data.`,
    );
  }
  const { labels, predictions } = await openPredictions(platform.store.stream(file), file);
  const hashes = new Map(splitNames.flatMap((name) => splits[name].map((id, i) => [id, splits.hashes[name][i] ?? id])));
  const parts = new Map<string, Map<string, Answer>>();
  for await (const { split, image, label, answer } of predictions) {
    const part = parts.get(split) ?? new Map<string, Answer>();
    const hash = hashes.get(image) ?? image;
    if (!part.has(hash)) part.set(hash, { image, label, answer });
    parts.set(split, part);
  }
  return { path, labels, trained: new Set(splits.hashes.train), parts };
}

/** The answers of several runs' models to the images of one data set, each decoded once. */
export async function* answersOnData(
  paths: readonly string[],
  data: string,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, readonly JudgedRun[]> {
  const judges: Judge[] = [];
  try {
    for (const path of paths) judges.push(await Judge.open(path, platform));
    const source = yield* openData(data, platform);
    for (const label of source.labels) for (const { model } of judges) model.classOf(label);
    const left: string[] = source.problems.map(({ id, reason }) => `"${id}" (${reason})`);
    let done = 0;
    for await (const { sample, image } of source.read(new Set(source.samples.map(({ id }) => id)))) {
      if (signal.aborted) throw new GraftError("interrupted", "stopped before all images were judged.");
      const label = source.labels[sample.label] ?? "";
      try {
        const pixels = imageTensor(await decodeImage(image, platform, limitPixels));
        const hash = contentKey(image, platform);
        for (const judge of judges) await judge.answer(pixels, hash, { image: sample.id, label });
      } catch (error) {
        if (!(error instanceof GraftError) || error.code !== "input") throw error;
        left.push(`"${sample.id}" (${error.message})`);
      }
      yield { type: "progress", phase: "evaluate", done: ++done, total: source.samples.length };
    }
    if (left.length > 0) yield { type: "warning", text: `${left.length} left out: ${left.slice(0, 20).join(", ")}` };
    return judges.map((judge) => judge.judged(data));
  } finally {
    for (const { model } of judges) await model.dispose();
  }
}

/** One of the runs, while its model answers. */
class Judge {
  readonly model: ServedModel;
  readonly #path: string;
  readonly #trained: ReadonlySet<string>;
  readonly #answers = new Map<string, Answer>();

  private constructor(path: string, model: ServedModel, trained: ReadonlySet<string>) {
    this.#path = path;
    this.model = model;
    this.#trained = trained;
  }

  static async open(path: string, platform: Platform): Promise<Judge> {
    const { hashes } = await splitsOf(new RunFolder(path, platform));
    return new Judge(path, await ServedModel.open(path, platform), new Set(hashes.train));
  }

  async answer(pixels: Parameters<ServedModel["answer"]>[0], hash: string, about: Omit<Answer, "answer">) {
    if (this.#answers.has(hash)) return;
    const probabilities = await this.model.answer(pixels);
    const answer = this.model.labels[argMax(probabilities, 0, probabilities.length)] ?? "";
    this.#answers.set(hash, { ...about, answer });
  }

  judged(part: string): JudgedRun {
    const { labels } = this.model;
    return { path: this.#path, labels, trained: this.#trained, parts: new Map([[part, this.#answers]]) };
  }
}

async function splitsOf(folder: RunFolder): Promise<z.output<typeof splitsSchema>> {
  const splits = splitsSchema.safeParse(await folder.readJson("splits.json"));
  if (splits.success) return splits.data;
  throw new GraftError(
    "input",
    `"${folder.file("splits.json")}" does not tell the content of the images that the run learned from: an older Graft wrote it. Train it again to compare it.`,
  );
}
