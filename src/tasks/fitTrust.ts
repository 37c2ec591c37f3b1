import { fitClassGaussians } from "../algebra/classGaussians.ts";
import { type TargetTrust, type Trust, type UnknownMeasure, unknownScore } from "../artefact/trust.ts";
import { GraftError } from "../base/errors.ts";
import { identity } from "../graph/identity.ts";
import type { ClassificationBatch } from "../metrics/classificationBatch.ts";
import { fitConformal } from "../metrics/conformal.ts";
import { logitsOf } from "../nn/calibratedOutput.ts";
import { featuresBefore } from "../nn/network.ts";
import { Evaluator, type Show } from "../train/evaluator.ts";
import { chooseScaling } from "../transfer/chooseScaling.ts";
import { scaledProbabilities } from "../transfer/logitScaling.ts";
import type { Learned } from "./learn.ts";
import type { Job } from "./trainPlan.ts";

const coverage = 0.9;
/** Of validation images, one in a hundred is called unknown. */
const quantile = 0.99;
/** Means and a few directions need no more. */
const mostImages = 10_000;

/** What a network says of some images as it stands, beside the truth. */
export interface RawAnswers extends ClassificationBatch {
  readonly logits: Float32Array;
}

/** Logits and probabilities before calibration. */
export async function rawAnswers(job: Job, learned: Learned, indices: readonly number[]): Promise<RawAnswers> {
  const data = learned.plan.data(indices, false);
  if (data.targets.kind !== "classes") throw new GraftError("data", "a classification report needs class labels.");
  const shown = await shownOn(job, learned, indices, (_, { predictions }) => ({
    logits: identity(logitsOf(predictions)),
    probabilities: identity(predictions),
  }));
  const { labels } = data.targets;
  const logits = shown.get("logits") ?? new Float32Array(0);
  const probabilities = shown.get("probabilities") ?? new Float32Array(0);
  return { logits, probabilities, labels, classes: job.labels.length };
}

/** Everything that can be promised by validation images; nothing without any. */
export async function fitTrust(job: Job, learned: Learned, validation: RawAnswers): Promise<Trust | undefined> {
  const { split } = job;
  const images = validation.labels.length;
  if (images === 0) return undefined;
  const answers = await fitAnswerTrust(job, validation);
  const measure = await fitMeasure(job, learned);
  const scores = await unknownScores(job, learned, split.validation, measure);
  return {
    ...answers,
    measure,
    unknown: { score: measure.kind, threshold: quantileOf(scores, quantile), quantile, images },
  };
}

/** What can be promised of the probabilities of some classes by validation images of which there is one at least. */
export async function fitAnswerTrust({ input, signal }: Job, validation: RawAnswers): Promise<TargetTrust> {
  const images = validation.labels.length;
  const { scaling, method, temperature } = await chooseScaling(validation, input.seed, signal);
  const { threshold } = fitConformal(calibratedAnswers(validation, scaling), { coverage });
  return {
    scaling,
    calibration: { method, images, ...(temperature === undefined ? {} : { temperature }) },
    // Too few images promise nothing.
    ...(Number.isFinite(threshold) ? { conformal: { score: "lac", coverage, threshold, images } as const } : {}),
  };
}

export function calibratedAnswers(raw: RawAnswers, scaling: Trust["scaling"]): ClassificationBatch {
  return { probabilities: scaledProbabilities(raw.logits, scaling), labels: raw.labels, classes: raw.classes };
}

/** By features where the network has a vector of them, by logits otherwise. */
async function fitMeasure(job: Job, learned: Learned): Promise<UnknownMeasure> {
  const { platform, split, images, signal } = job;
  const step = Math.ceil(split.train.length / mostImages);
  const indices = split.train.filter((_, i) => i % step === 0);
  const shown = await shownOn(job, learned, indices, (network, { x, predictions, build }) => {
    const features = featuresBefore(network, x, build);
    return features === undefined ? { predictions: identity(predictions) } : { features: identity(features) };
  });
  const values = shown.get("features");
  const labels = Int32Array.from(indices, (i) => images.samples[i]?.label ?? 0);
  if (values === undefined || new Set(labels).size === labels.length) return { kind: "energy" };
  const rows = { values, count: indices.length, width: values.length / indices.length };
  const gaussians = await fitClassGaussians(rows, labels, { engine: platform.engine, signal });
  return { kind: "mahalanobis", gaussians };
}

async function unknownScores(
  job: Job,
  learned: Learned,
  indices: readonly number[],
  measure: UnknownMeasure,
): Promise<Float32Array> {
  const shown = await shownOn(job, learned, indices, (network, { x, predictions, build }) => ({
    unknown: unknownScore(logitsOf(predictions), featuresBefore(network, x, build), measure),
  }));
  return shown.get("unknown") ?? new Float32Array(0);
}

export async function shownOn({ platform }: Job, { plan, state }: Learned, indices: readonly number[], show: Show) {
  const evaluator = new Evaluator(plan.network, platform.engine);
  try {
    return await evaluator.shown(plan.data(indices, false), state, show);
  } finally {
    await evaluator.dispose();
  }
}

/** The smallest score that a share of them does not exceed. */
function quantileOf(scores: Float32Array, share: number): number {
  const sorted = scores.toSorted();
  return sorted[Math.min(sorted.length - 1, Math.ceil(share * sorted.length) - 1)] ?? 0;
}
