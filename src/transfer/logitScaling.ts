import { GraftError } from "../base/errors.ts";
import { minimise } from "../optim/lbfgs.ts";

/** Logits of N images that no training has seen, with the truth. Logarithms of probabilities serve as well: softmax undoes the difference. */
export interface LogitBatch {
  /** [N, classes] */
  readonly logits: Float32Array;
  /** [N] */
  readonly labels: Int32Array;
  readonly classes: number;
  /** [N] what each image counts; 1 without. */
  readonly weights?: Float32Array;
}

/** Calibrates logits: z′ = factors ⊙ z + shifts, [classes] each. Temperature scaling is the factor 1/T for all classes, without shifts. */
export interface LogitScaling {
  readonly factors: Float64Array;
  readonly shifts: Float64Array;
}

const gradientTolerance = 1e-9;
const maxIterations = 500;

/**
 * Temperature scaling (Guo et al. 2017, equation 9): the one temperature of the least cross-entropy; the likeliest class stays what it was.
 * The square of ln T counts half an image: it keeps T from 0 where every image is named right, and vanishes among many.
 */
export async function fitTemperature(batch: LogitBatch, signal?: AbortSignal): Promise<LogitScaling> {
  const { classes } = batch;
  const of = ([logFactor = 0]: Float64Array): LogitScaling => ({
    factors: new Float64Array(classes).fill(Math.exp(logFactor)),
    shifts: new Float64Array(classes),
  });
  const point = await solved(batch, new Float64Array(1), signal, (at) => {
    const { loss, factors } = crossEntropyOf(batch, of(at));
    const [logFactor = 0] = at;
    // d/d ln β = β · d/dβ
    const slope = sumOf(factors) * Math.exp(logFactor);
    return { loss: loss + logFactor ** 2 / 2, gradient: Float64Array.of(slope + logFactor) };
  });
  return of(point);
}

/**
 * Vector scaling (Guo et al. 2017, section 4.2): a factor and a shift for each class, for many classes with enough images of each. What it departs from
 * the identity counts as in `fitTemperature`. May change which class is the likeliest; depends on what was added to a row of logits.
 */
export async function fitVectorScaling(batch: LogitBatch, signal?: AbortSignal): Promise<LogitScaling> {
  const { classes } = batch;
  const of = (at: Float64Array): LogitScaling => ({
    factors: at.slice(0, classes).map((departure) => 1 + departure),
    shifts: at.slice(classes),
  });
  const point = await solved(batch, new Float64Array(2 * classes), signal, (at) => {
    const { loss, factors, shifts } = crossEntropyOf(batch, of(at));
    const squares = at.reduce((sum, departure) => sum + departure ** 2, 0);
    const gradient = at.map((departure, i) => departure + ((i < classes ? factors[i] : shifts[i - classes]) ?? 0));
    return { loss: loss + squares / 2, gradient };
  });
  return of(point);
}

/** Probabilities [N, classes] of logits [N, classes]. */
export function scaledProbabilities(logits: Float32Array, { factors, shifts }: LogitScaling): Float32Array {
  const classes = factors.length;
  const probabilities = new Float32Array(logits.length);
  const row = new Float64Array(classes);
  for (let start = 0; start < logits.length; start += classes) {
    softmaxOf(logits, start, { factors, shifts }, row);
    probabilities.set(row, start);
  }
  return probabilities;
}

async function solved(
  { logits, labels, classes, weights }: LogitBatch,
  start: Float64Array,
  signal: AbortSignal | undefined,
  objective: (at: Float64Array) => { readonly loss: number; readonly gradient: Float64Array },
): Promise<Float64Array> {
  if (labels.length === 0 || logits.length !== labels.length * classes) {
    throw new GraftError(
      "shape",
      `logit scaling: found ${logits.length} logits for ${labels.length} images of ${classes} classes; expected one a class for each image.`,
    );
  }
  const bad = logits.findIndex((logit) => !Number.isFinite(logit));
  if (bad >= 0) {
    throw new GraftError("diverged", `logit scaling: image ${Math.floor(bad / classes)} has the logit ${logits[bad]}.`);
  }
  const total = weights === undefined ? labels.length : weights.reduce((sum, weight) => sum + weight, 0);
  const { point } = await minimise(
    async (at) => {
      if (signal?.aborted) throw new GraftError("interrupted", "stopped while probabilities were being calibrated.");
      const { loss, gradient } = objective(at);
      return { value: loss / total, gradient: gradient.map((entry) => entry / total) };
    },
    start,
    { gradientTolerance, maxIterations },
  );
  return point;
}

/** The summed cross-entropy in nats, and its gradient by factors and shifts: Σ (p − y) z and Σ (p − y). */
function crossEntropyOf({ logits, labels, classes, weights }: LogitBatch, scaling: LogitScaling) {
  const factors = new Float64Array(classes);
  const shifts = new Float64Array(classes);
  const row = new Float64Array(classes);
  let loss = 0;
  for (const [i, label] of labels.entries()) {
    const weight = weights?.[i] ?? 1;
    const start = i * classes;
    const logTotal = softmaxOf(logits, start, scaling, row);
    const own = (scaling.factors[label] ?? 0) * (logits[start + label] ?? 0) + (scaling.shifts[label] ?? 0);
    loss += weight * (logTotal - own);
    for (let c = 0; c < classes; c++) {
      const error = weight * ((row[c] ?? 0) - Number(c === label));
      factors[c] = (factors[c] ?? 0) + error * (logits[start + c] ?? 0);
      shifts[c] = (shifts[c] ?? 0) + error;
    }
  }
  return { loss, factors, shifts };
}

/** Writes the softmax of a scaled row; returns the logarithm of the sum of its exponentials. */
function softmaxOf(logits: Float32Array, start: number, { factors, shifts }: LogitScaling, row: Float64Array): number {
  let largest = Number.NEGATIVE_INFINITY;
  for (let c = 0; c < row.length; c++) {
    const scaled = (factors[c] ?? 0) * (logits[start + c] ?? 0) + (shifts[c] ?? 0);
    row[c] = scaled;
    largest = Math.max(largest, scaled);
  }
  let total = 0;
  for (let c = 0; c < row.length; c++) {
    const power = Math.exp((row[c] ?? 0) - largest);
    row[c] = power;
    total += power;
  }
  for (let c = 0; c < row.length; c++) row[c] = (row[c] ?? 0) / total;
  return largest + Math.log(total);
}

function sumOf(values: Float64Array): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum;
}
