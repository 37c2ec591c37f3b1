import { sizeOf } from "../base/tensor.ts";
import { diagnoseCurves } from "../train/diagnoseCurves.ts";
import type { Data, FitOptions, History, Model } from "../train/model.ts";
import { bySeverity, examine, type Finding } from "./finding.ts";
import { type HistoryFacts, historyChecks } from "./historyChecks.ts";
import { imageChecks } from "./imageChecks.ts";
import { countClasses } from "./imageFacts.ts";
import { type LabelFacts, labelChecks } from "./labelChecks.ts";
import { modelChecks } from "./modelChecks.ts";
import { modelFactsOf } from "./modelFacts.ts";
import { planChecks } from "./planChecks.ts";
import { classesOf, type SampleFacts, sampleFactsOf } from "./sampleFacts.ts";
import { type SamplePart, sampleImages } from "./sampleImages.ts";

/** What `fit` would be given, and what an earlier `fit` gave back. */
export interface DiagnoseOptions extends FitOptions {
  readonly history?: History;
}

/**
 * Looks for classic mistakes before `model.fit(train, options)`, with the same arguments; trains nothing. The most serious come first.
 * Throws `usage` when the model is not compiled.
 */
export async function diagnose(model: Model, train: Data, options: DiagnoseOptions = {}): Promise<readonly Finding[]> {
  const { inputShape } = model.network;
  const parts = [await partOf("train", train, inputShape)];
  if (options.validation !== undefined) parts.push(await partOf("validation", options.validation, inputShape));
  const [trained, held] = parts;
  if (trained === undefined) return [];
  const labels = labelFactsOf(trained, held, options);
  const facts = modelFactsOf(model, options, { data: trained.facts, classes: labels?.labels.length });
  const { optimizer } = model.recipe(options);
  const plan = {
    optimizer: optimizer.name,
    learningRate: optimizer.learningRate,
    pretrained: facts.parameters.pretrained,
    trainImages: trained.count,
    isTried: false,
    sweep: undefined,
  };
  const history = options.history && historyFactsOf(options.history, labels, facts.parameters.measuresStatistics);
  return bySeverity([
    ...examine(modelChecks, facts),
    ...(labels === undefined ? [] : examine(labelChecks, labels)),
    ...(await findingsOfSamples(parts, inputShape)),
    ...examine(planChecks, plan),
    ...(history === undefined ? [] : examine(historyChecks, history)),
  ]);
}

interface ExaminedPart extends SamplePart {
  readonly facts: SampleFacts;
}

async function partOf(part: "train" | "validation", data: Data, inputShape: readonly number[]): Promise<ExaminedPart> {
  const facts = await sampleFactsOf(data, inputShape);
  return { part, data, facts, count: facts.count, classes: classesOf(data, facts) };
}

/** Samples of a wrong size cannot be compared. */
async function findingsOfSamples(parts: readonly ExaminedPart[], inputShape: readonly number[]) {
  if (parts.some(({ facts }) => facts.numbers !== sizeOf(inputShape))) return [];
  const min = Math.min(...parts.map(({ facts }) => facts.range.min));
  const max = Math.max(...parts.map(({ facts }) => facts.range.max));
  return examine(imageChecks, await sampleImages(parts, inputShape, { min, max }));
}

function labelFactsOf(
  trained: ExaminedPart,
  held: ExaminedPart | undefined,
  { classWeights }: FitOptions,
): LabelFacts | undefined {
  if (trained.classes === undefined) return undefined;
  const all = [trained, ...(held === undefined ? [] : [held])];
  const classes = 1 + all.reduce((most, one) => one.classes?.reduce((a, b) => Math.max(a, b), most) ?? most, 0);
  return {
    labels: Array.from({ length: classes }, (_, i) => String(i)),
    train: countClasses(trained.classes, classes),
    validation: held?.classes && countClasses(held.classes, classes),
    isWeighted: classWeights !== undefined,
  };
}

function historyFactsOf(
  { epochs }: History,
  labels: LabelFacts | undefined,
  measuresStatistics: boolean,
): HistoryFacts {
  const counts = labels?.validation ?? [];
  const count = counts.reduce((sum, one) => sum + one, 0);
  const validated = { count, majority: Math.max(0, ...counts) / Math.max(1, count) };
  return { history: epochs, diagnosis: diagnoseCurves(epochs, validated), measuresStatistics };
}
