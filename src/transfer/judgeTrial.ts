import { leastConfidence } from "../adapt/openSet.ts";
import { deepEmbeddedValidation, densityRatios } from "../adapt/validators/deepEmbeddedValidation.ts";
import { meanEntropy } from "../adapt/validators/entropy.ts";
import { infoMax } from "../adapt/validators/infoMax.ts";
import { neighbourhoodDensity } from "../adapt/validators/neighbourhoodDensity.ts";
import { sourceLosses } from "../adapt/validators/sourceRisk.ts";
import type { Compute } from "../algebra/compute.ts";
import { stacked } from "../algebra/matrix.ts";
import { headLayer, headWeights } from "./alignFeatures.ts";
import { applyLayers, type DomainFeatures, type DomainTrial, dataOf } from "./domainTrial.ts";
import { solveLinearHead } from "./linearHead.ts";
import { fitTemperature, scaledProbabilities } from "./logitScaling.ts";
import type { ValidatorName } from "./validators.ts";

/** What a trial says of itself; agreement is with others. */
type OwnValidatorName = Exclude<ValidatorName, "agreement">;

/** Of the classifier that tells the domains apart. */
const domainPenalty = 0.01;
/** So that a probability which rounding made zero has a logarithm. */
const leastProbability = 1e-30;

export interface Judgement {
  readonly scores: Readonly<Record<OwnValidatorName, number>>;
  /** What it says of target images, calibrated, [N, classes]. */
  readonly answers: Float32Array;
  /** The probability that the answer to an image of the source reaches, nearly always; below it the image may be of another class. */
  readonly leastConfidence: number;
}

/** A trial with what the validators say of it. */
export interface JudgedTrial extends Judgement {
  readonly trial: DomainTrial;
  readonly seconds: number;
}

/**
 * Every validator's score of a trial. One temperature, fitted on held-out source images, calibrates its answers first: else whoever is surer, right
 * or not, would seem better.
 */
export async function judgeTrial(
  trial: DomainTrial,
  { heldLabels }: Pick<DomainFeatures, "heldLabels">,
  compute: Compute,
): Promise<Judgement> {
  const { classes } = trial;
  const held = { logits: logarithms(trial.probabilities.held), labels: heldLabels, classes };
  const scaling = await fitTemperature(held, compute.signal);
  const calibrated = scaledProbabilities(held.logits, scaling);
  const losses = sourceLosses(calibrated, heldLabels, classes);
  const answers = scaledProbabilities(logarithms(trial.probabilities.target), scaling);
  return {
    answers,
    leastConfidence: leastConfidence(calibrated, classes),
    scores: {
      sourceRisk: meanOf(losses),
      entropy: meanEntropy(answers, classes),
      infoMax: infoMax(answers, classes),
      dev: deepEmbeddedValidation(losses, await ratiosOf(trial, compute)),
      density: neighbourhoodDensity(answers, classes),
    },
  };
}

/** Logits, up to a constant a row. */
export function logarithms(probabilities: Float32Array): Float32Array {
  return probabilities.map((p) => Math.log(Math.max(p, leastProbability)));
}

/** p_T/p_S of the held-out source images, by logistic regression on where the head judges. */
async function ratiosOf({ space }: DomainTrial, { engine, signal }: Compute): Promise<Float64Array> {
  const { source, held, target } = space;
  const rows = stacked(source, target);
  const labels = Int32Array.from({ length: rows.count }, (_, row) => Number(row >= source.count));
  const options = {
    units: 2,
    folds: new Int32Array(rows.count).fill(-1),
    classWeights: undefined,
    penalty: domainPenalty,
    ...(signal === undefined ? {} : { signal }),
  };
  const domain = headWeights(await solveLinearHead(dataOf(rows, labels), options, engine));
  const answers = await applyLayers([headLayer(2)], domain, held, engine);
  const ofTarget = Float64Array.from({ length: held.count }, (_, row) => answers[2 * row + 1] ?? 0);
  return densityRatios(ofTarget, { source: source.count, target: target.count });
}

function meanOf(values: Float64Array): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}
