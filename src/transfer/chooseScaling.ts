import { stream } from "../base/random.ts";
import {
  fitTemperature,
  fitVectorScaling,
  type LogitBatch,
  type LogitScaling,
  scaledProbabilities,
} from "./logitScaling.ts";

/** Two numbers a class are worth a try from so many classes on, with so many images of each on average. */
const manyClasses = 10;
const imagesAClass = 20;
const leastProbability = 1e-30;

export interface ChosenScaling {
  readonly method: "temperature" | "vector";
  readonly scaling: LogitScaling;
  /** Of `temperature`. */
  readonly temperature: number | undefined;
}

/**
 * Temperature scaling; vector scaling where there are many classes with enough images, and where it has a smaller cross-entropy than temperature on
 * images that neither was fitted on (two halves in turn), by more than the standard error of the difference. Throws as `fitTemperature` does.
 */
export async function chooseScaling(batch: LogitBatch, seed: number, signal?: AbortSignal): Promise<ChosenScaling> {
  const { classes, labels } = batch;
  const isWorthATry = classes >= manyClasses && labels.length >= imagesAClass * classes;
  if (isWorthATry && (await isVectorBetter(batch, seed, signal))) {
    return { method: "vector", scaling: await fitVectorScaling(batch, signal), temperature: undefined };
  }
  const scaling = await fitTemperature(batch, signal);
  return { method: "temperature", scaling, temperature: 1 / (scaling.factors[0] ?? 1) };
}

async function isVectorBetter(batch: LogitBatch, seed: number, signal: AbortSignal | undefined): Promise<boolean> {
  const order = shuffled(batch.labels.length, seed);
  const middle = Math.floor(order.length / 2);
  const halves = [rowsOf(batch, order.slice(0, middle)), rowsOf(batch, order.slice(middle))] as const;
  const gains: number[] = [];
  for (const [fitted, judged] of [halves, [halves[1], halves[0]] as const]) {
    const even = lossesOf(judged, await fitTemperature(fitted, signal));
    const own = lossesOf(judged, await fitVectorScaling(fitted, signal));
    gains.push(...even.map((loss, i) => loss - (own[i] ?? 0)));
  }
  const mean = gains.reduce((sum, gain) => sum + gain, 0) / gains.length;
  const squares = gains.reduce((sum, gain) => sum + (gain - mean) ** 2, 0);
  return mean > Math.sqrt(squares / (gains.length - 1) / gains.length);
}

/** 0 … count − 1 in an order of the seed's. */
function shuffled(count: number, seed: number): readonly number[] {
  const random = stream(seed, "halves for scaling");
  const keys = Array.from({ length: count }, () => random.uniform());
  return [...keys.keys()].sort((a, b) => (keys[a] ?? 0) - (keys[b] ?? 0));
}

function rowsOf({ logits, labels, classes }: LogitBatch, rows: readonly number[]): LogitBatch {
  const kept = new Float32Array(rows.length * classes);
  for (const [to, row] of rows.entries()) kept.set(logits.subarray(row * classes, (row + 1) * classes), to * classes);
  return { logits: kept, labels: Int32Array.from(rows, (row) => labels[row] ?? 0), classes };
}

function lossesOf({ logits, labels, classes }: LogitBatch, scaling: LogitScaling): readonly number[] {
  const probabilities = scaledProbabilities(logits, scaling);
  return Array.from(
    labels,
    (label, i) => -Math.log(Math.max(probabilities[i * classes + label] ?? 0, leastProbability)),
  );
}
