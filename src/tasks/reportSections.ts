import type { PartAnswers } from "../report/answerTally.ts";
import { classTable } from "../report/classTable.ts";
import { confusionTable } from "../report/confusionTable.ts";
import { figureOf } from "../report/figure.ts";
import { headline } from "../report/headline.ts";
import { type Html, html } from "../report/html.ts";
import { mistakeGallery } from "../report/mistakes.ts";
import { counted } from "../report/numbers.ts";
import type { Section } from "../report/page.ts";
import type { MeasuredPart } from "../report/partFigures.ts";
import { curvedClasses, precisionRecallFigure, rocFigure } from "../report/rankCurves.ts";
import { reliabilityFigure } from "../report/reliabilityChart.ts";
import { type EpochFigures, measuresLeftOut, trainingCurves } from "../report/trainingCurves.ts";
import type { ReportPictures } from "./reportPictures.ts";
import type { RunRecords } from "./reportRecords.ts";

/** The answers that the page is about, with their pictures. */
export interface JudgedPart {
  readonly answers: PartAnswers;
  readonly measured: MeasuredPart;
  readonly pictures: ReportPictures;
  /** How mistakes are explained, or why not. */
  readonly method: string;
}

/** What is shown of a classifier's answers. */
export async function answerSections(
  judged: JudgedPart,
  others: readonly MeasuredPart[],
  { uncalibrated }: RunRecords,
): Promise<readonly Section[]> {
  const { answers, measured, pictures, method } = judged;
  const { figures, scores, ranked } = measured;
  const parts = [measured, ...others].map((part) => part.figures);
  return [
    { id: "result", title: "Result", body: html`${headline(figures, parts)}${classTable(scores, ranked)}` },
    {
      id: "confusion",
      title: "Confusion matrix",
      body: html`${confusionTable(answers, pictures.small)}${leftOut(pictures)}`,
    },
    {
      id: "mistakes",
      title: "Worst mistakes",
      body: mistakeGallery({ mistakes: answers.worst, labels: answers.labels, pictures: pictures.large, method }),
    },
    { id: "curves", title: "Telling classes apart", body: await rankingCharts(judged) },
    { id: "calibration", title: "Are the probabilities true?", body: await calibrationChart(answers, uncalibrated) },
  ];
}

function leftOut({ leftOut: count }: ReportPictures): Html | undefined {
  if (count === 0) return undefined;
  return html`<p>${counted(count, "image")} are listed without a picture, to keep this file small.</p>`;
}

async function rankingCharts({ answers, measured }: JudgedPart): Promise<Html> {
  const drawn = curvedClasses(measured.ranked);
  if (drawn.length === 0) {
    return html`<p>ROC and precision-recall curves need images of a class and of others; these are all of one class.</p>`;
  }
  const { sample, labels, count } = answers;
  const which =
    labels.length > drawn.length && labels.length > 2
      ? html`<p>The ${drawn.length} of ${labels.length} classes with the smallest area under the ROC curve.</p>`
      : undefined;
  const sampled =
    sample.labels.length < count
      ? html`<p>Curves and areas are of ${counted(sample.labels.length, "image")} drawn at random from ${count.toLocaleString("en")}.</p>`
      : undefined;
  return html`${which}${sampled}<div class="charts">${await figureOf(rocFigure(sample, drawn))}${await figureOf(precisionRecallFigure(sample, drawn))}</div>`;
}

async function calibrationChart(
  { part, calibration }: PartAnswers,
  uncalibrated: RunRecords["uncalibrated"],
): Promise<Html> {
  const before = uncalibrated[part];
  const stages = [
    ...(before === undefined ? [] : [{ name: "before", reliability: before }]),
    { name: before === undefined ? "as served" : "after", reliability: calibration },
  ];
  const fitted =
    before !== undefined && part === "validation"
      ? html`<p>Calibration was fitted on these images, so that its own error here flatters it.</p>`
      : undefined;
  return html`${fitted}<div class="charts">${await figureOf(reliabilityFigure(stages))}</div>`;
}

/** How the run went, epoch by epoch. */
export async function trainingSection(history: readonly EpochFigures[]): Promise<Section> {
  const figures = trainingCurves(history);
  const drawn: Html[] = [];
  for (const figure of figures) drawn.push(await figureOf(figure));
  const left = measuresLeftOut(history);
  const none =
    history.length === 0
      ? "The run tells of no epochs."
      : "The head was solved in one step, so that there is no curve.";
  const body =
    drawn.length === 0
      ? html`<p>${none}</p>`
      : html`<div class="charts">${drawn}</div>${left > 0 ? html`<p>${left} more measures stand in history.jsonl.</p>` : undefined}`;
  return { id: "training", title: "Training", body };
}
