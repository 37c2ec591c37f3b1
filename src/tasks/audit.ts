import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { type ImageSurvey, surveyImages } from "../data/imageSurvey.ts";
import type { Source } from "../data/source.ts";
import { fileChecks } from "../doctor/fileChecks.ts";
import { bySeverity, counted, examine, type Finding, summaryOf } from "../doctor/finding.ts";
import { imageChecks } from "../doctor/imageChecks.ts";
import { imageFactsOf, labelFactsOf } from "../doctor/imageFacts.ts";
import { type LabelFacts, labelChecks } from "../doctor/labelChecks.ts";
import { findShortcuts } from "../doctor/shortcuts.ts";
import type { LabelErrorCandidate } from "../metrics/confidentLearning.ts";
import { groupsOf, labelErrorsOf, nearCopiesOf, splitAsGiven } from "./auditFacts.ts";
import { cleanedManifest, manifestPlace } from "./cleanedManifest.ts";
import { openData } from "./dataset.ts";
import { loadBackbone } from "./loadBackbone.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";
import { trainSchema } from "./trainInput.ts";

const { backbone, weights, size, group, seed } = trainSchema.shape;

/** `graft audit`: what is wrong with the images themselves. It changes none of them. */
export const audit: Task = defineTask({
  name: "audit",
  summary: "Look for bad files, copies, wrong labels and shortcuts in a data set",
  input: z.object({
    data: z.string().describe("data set in any form that train takes"),
    backbone: backbone.describe(
      "pretrained classifier in ONNX format, or the name of a network: look for wrong labels by its features",
    ),
    weights,
    size,
    group,
    seed: seed.describe("decides how images are divided to be judged by models that did not see them"),
    fix: z
      .string()
      .optional()
      .describe("CSV manifest to write, without what is broken or there twice, for train; the images stay as they are"),
    out: z.string().optional().describe("file for all findings, as JSON"),
  }),
  positionals: ["data"],
  async *run({ data, fix, out, seed: drawnBy, group: groupedBy, ...network }, platform, signal) {
    const loaded = yield* loadBackbone(network, platform, signal);
    for (const text of loaded?.warnings ?? []) yield { type: "warning", text };
    const source = yield* openData(data, platform, { group: groupedBy });
    const place = fix === undefined ? undefined : await manifestPlace(fix, source, platform);
    const survey = yield* surveyed(source, surveyImages(source, platform, signal), data);
    const near = nearCopiesOf(survey);
    const images = { images: survey, labels: source.labels, split: splitAsGiven(survey.samples) };
    const facts = { ...imageFactsOf(images, survey.prints, near.kept), nearGroups: near.groups };
    const groups = groupsOf(survey.samples, facts);
    const labelErrors: readonly LabelErrorCandidate[] | undefined =
      loaded && (yield* labelErrorsOf(source, survey, groups, loaded, platform, { seed: drawnBy, signal }));
    const findings = bySeverity([
      ...examine(imageChecks, facts),
      ...examine(fileChecks, {
        images: facts.images,
        files: survey.files,
        contrast: survey.prints.contrast,
        nearGroups: near.groups,
        tracks: facts.tracks,
        labelErrors,
        labels: source.labels,
        shortcuts: findShortcuts({ ...survey, labels: source.labels }),
      }),
      ...examine(labelChecks, spreadOf(images)),
    ]);
    for (const finding of findings) yield { type: "finding", ...finding };
    if (loaded === undefined)
      yield {
        type: "note",
        text: "labels were not looked at: give --backbone to find those that the pictures contradict",
      };
    yield { type: "note", text: `audit: ${summaryOf(findings)}` };
    if (out !== undefined) {
      const written = { data, images: survey.samples.length, classes: source.labels, findings };
      await platform.store.write(out, new TextEncoder().encode(`${JSON.stringify(written, undefined, 2)}\n`));
      yield { type: "artefact", kind: "audit", path: out };
    }
    if (place !== undefined) {
      const { csv, account } = cleanedManifest({ survey, facts, groups, labelErrors, labels: source.labels }, place);
      await platform.store.write(place.path, new TextEncoder().encode(csv));
      yield { type: "note", text: account };
      yield { type: "artefact", kind: "manifest", path: place.path };
    }
    failIfSerious(findings);
  },
});

/** Nothing is said of validation where the source leaves it to train. */
function spreadOf(images: Parameters<typeof labelFactsOf>[0]): LabelFacts {
  const facts = labelFactsOf(images, false);
  return images.split.validation.length === 0 ? { ...facts, validation: undefined } : facts;
}

async function* surveyed(
  source: Source,
  work: ReturnType<typeof surveyImages>,
  data: string,
): AsyncGenerator<TaskEvent, ImageSurvey> {
  if (source.labels.length === 0) throw new GraftError("data", `"${data}" has no classes.`);
  let step = await work.next();
  for (; !step.done; step = await work.next()) yield { type: "progress", phase: "images", ...step.value };
  if (step.value.samples.length > 0) return step.value;
  throw new GraftError("data", `"${data}": none of its ${step.value.problems.length} files can be read as an image.`);
}

function failIfSerious(findings: readonly Finding[]): void {
  const serious = findings.filter(({ severity }) => severity === "serious").length;
  if (serious > 0) throw new GraftError("data", `audit: ${counted(serious, "serious finding")}; mend what it names.`);
}
