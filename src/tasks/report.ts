import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import type { PartAnswers } from "../report/answerTally.ts";
import { imagesOfCells } from "../report/confusionTable.ts";
import { html } from "../report/html.ts";
import { counted, namedSome } from "../report/numbers.ts";
import { pageOf, type Section } from "../report/page.ts";
import { measuredPart } from "../report/partFigures.ts";
import { MistakeExplainer } from "./mistakeExplainer.ts";
import { readAnswers } from "./reportAnswers.ts";
import { writeCard } from "./reportCard.ts";
import { openOrigin, type ReportOrigin } from "./reportOrigin.ts";
import { type ReportPictures, reportPictures } from "./reportPictures.ts";
import { type RunRecords, readRecords } from "./reportRecords.ts";
import { runSections } from "./reportRun.ts";
import { answerSections, trainingSection } from "./reportSections.ts";
import { targetsSection } from "./reportTargets.ts";
import { nameOfData } from "./resume.ts";
import { predictionsFile, RunFolder } from "./runFolder.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";

const encoder = new TextEncoder();

/** `graft report`: everything about a run in one page. */
export const report: Task = defineTask({
  name: "report",
  summary: "Write a page about a run: figures, curves, mistakes, data, cost; and a model card",
  input: z.object({
    run: z.string().describe("run folder"),
    data: z.string().optional().describe("where the images lie now, if they were moved since"),
    predictions: z
      .string()
      .optional()
      .describe(
        "report on this file of graft evaluate --predictions instead; --data is then the data set of the predictions",
      ),
    out: z.string().optional().describe("file to write (default: report.html in the run folder)"),
  }),
  positionals: ["run"],
  parting: "stopping; nothing is written before the page is whole",
  async *run({ run, data, predictions, out }, platform, signal) {
    const folder = new RunFolder(run, platform);
    const records = await readRecords(folder);
    const file = predictions ?? ((await folder.has(predictionsFile)) ? folder.file(predictionsFile) : undefined);
    const stored = file === undefined ? undefined : await readAnswers(file, platform, signal);
    const [main, ...others] = stored?.parts ?? [];
    const wanted = { data, part: main?.part, isOwn: predictions === undefined };
    const origin = yield* openOrigin(records, wanted, platform);
    const measured = main && measuredPart(main);
    const shown = main && (yield* picturesOf(main, origin, folder, platform, signal));
    const warnings = [...(stored?.warnings ?? []), ...warningsOf(origin, shown?.pictures)];
    for (const text of warnings) yield { type: "warning", text };
    const further = others.map(measuredPart);
    const sections: readonly Section[] = [
      ...(main === undefined || measured === undefined || shown === undefined
        ? [unmeasured(records)]
        : await answerSections({ answers: main, measured, ...shown }, further, records)),
      await trainingSection(await folder.readHistory()),
      ...(await runSections({ folder, records, origin }, platform)),
    ];
    const name = platform.store.baseName(platform.store.absolute(run));
    const page = { title: `${name}: report`, subject: subjectOf(records, main), warnings, sections };
    const target =
      out ??
      folder.file(predictions === undefined ? "report.html" : `report-${nameOfData(predictions, platform)}.html`);
    await platform.store.write(target, encoder.encode(pageOf(page, (bytes) => platform.digest(bytes))));
    yield { type: "artefact", kind: "report", path: target };
    if (predictions !== undefined) return;
    const parts = measured === undefined ? [] : [measured, ...further].map(({ figures }) => figures);
    yield* writeCard({ folder, records, name, parts, labels: stored?.labels ?? [] }, platform);
  },
});

/** What a run without answers of one label says of itself. */
function unmeasured({ figures, config }: RunRecords): Section {
  if (config.train?.targets !== undefined) return targetsSection(figures);
  const text =
    "Nothing was measured: the run held no labelled images out, did not end, or an older Graft wrote it. Measure it on labelled photos: graft evaluate RUN --data PHOTOS --predictions answers.csv, then graft report RUN --data PHOTOS --predictions answers.csv.";
  return { id: "result", title: "Result", body: html`<p>${text}</p>` };
}

async function* picturesOf(
  answers: PartAnswers,
  { source, hashes, reason }: ReportOrigin,
  folder: RunFolder,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, { readonly pictures: ReportPictures; readonly method: string }> {
  if (source === undefined) {
    return { pictures: { small: new Map(), large: new Map(), missing: new Map(), leftOut: 0 }, method: reason };
  }
  const opened = answers.worst.length === 0 ? "" : await openExplainer(folder, platform, signal);
  const explainer = typeof opened === "string" ? undefined : opened;
  try {
    const wanted = { small: imagesOfCells(answers), mistakes: answers.worst };
    const pictures = yield* reportPictures(wanted, { source, hashes }, explainer, platform, signal);
    return { pictures, method: typeof opened === "string" ? opened : opened.text };
  } finally {
    await explainer?.dispose();
  }
}

/** Or why the run's model cannot be explained. */
async function openExplainer(
  { path }: RunFolder,
  platform: Platform,
  signal: AbortSignal,
): Promise<MistakeExplainer | string> {
  try {
    return await MistakeExplainer.open(path, platform, signal);
  } catch (error) {
    if (!(error instanceof GraftError) || (error.code !== "model" && error.code !== "input")) throw error;
    return `The photos are shown without an explanation: ${error.message}`;
  }
}

function warningsOf({ reason, path }: ReportOrigin, pictures: ReportPictures | undefined): readonly string[] {
  const { missing } = pictures ?? { missing: new Map<string, string>() };
  const told = [...missing].map(([id, why]) => `${id}: ${why}`);
  const gone = `${counted(missing.size, "image")} of "${path}" cannot be shown: ${namedSome(told)}. If the images were moved, name their place with --data.`;
  return [...(reason === "" ? [] : [reason]), ...(missing.size > 0 ? [gone] : [])];
}

function subjectOf({ config }: RunRecords, main: PartAnswers | undefined): string {
  const { train, adapt } = config;
  const made = adapt === undefined ? "" : `adapted from ${adapt.source} to ${adapt.target}; `;
  const data = train === undefined ? made : `trained on ${train.data}; `;
  const classes = main === undefined ? "" : `${counted(main.labels.length, "class", "classes")}, `;
  return `${data}${classes}${main === undefined ? "not measured on images" : `measured on ${counted(main.count, "image")} (${main.part})`}.`;
}
