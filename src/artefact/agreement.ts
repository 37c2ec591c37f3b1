import { sameShape } from "../base/shapes.ts";
import type { Tensor } from "../base/tensor.ts";
import type { StageOutputs } from "../platform/platform.ts";
import type { GoldenImage } from "./golden.ts";

/** How far a runtime may be off, stage by stage. */
export interface Tolerances {
  /** Mean difference of decoded pixels, in levels of 255: decoders round differently and blend colour samples differently. */
  readonly decode: number;
  /** Of any prepared pixel, in levels of 255: a half may be rounded either way. */
  readonly prepare: number;
  /**
   * Of any logit, up to what is added to all of them; of a number. Above 1 it is relative to the number, or to how far an image's logits
   * lie apart: rounding grows with what is summed.
   */
  readonly network: number;
}

/** Largest differences from the golden answers, over all golden images. */
export interface Agreement {
  /** Mean over an image's pixels, of the worst image, in levels of 255; infinite where the size differs. */
  readonly decode: number;
  /** Of the worst pixel. */
  readonly decodeWorst: number;
  readonly prepare: number;
  readonly network: number;
  /** From the file's bytes to the answers. */
  readonly served: number;
  /** Images for which every likeliest class is the same, from the file's bytes to the label. */
  readonly sameLabels: number;
  readonly images: number;
}

/** float32 differs by rounding alone; of decoders only those of another library do. */
export const sameDecoder: Tolerances = { decode: 0, prepare: 1, network: 1e-4 };
export const otherDecoder: Tolerances = { decode: 1, prepare: 1, network: 1e-4 };

export function agreementOf(golden: readonly GoldenImage[], found: readonly StageOutputs[]): Agreement {
  const pairs = golden.flatMap((expected, i) => {
    const actual = found[i];
    return actual === undefined ? [] : [{ expected, actual }];
  });
  const largest = (of: (pair: (typeof pairs)[number]) => number) => Math.max(0, ...pairs.map(of));
  return {
    decode: largest(({ expected, actual }) => levels(expected.decoded, actual.decoded).mean),
    decodeWorst: largest(({ expected, actual }) => levels(expected.decoded, actual.decoded).worst),
    prepare: largest(({ expected, actual }) => levels(expected.prepared, actual.prepared).worst),
    network: largest(({ expected, actual }) => answerDifference(expected.answers, actual.answers)),
    served: largest(({ expected, actual }) => answerDifference(expected.answers, actual.served)),
    sameLabels: pairs.filter(({ expected, actual }) => haveSameLabels(expected.answers, actual.served)).length,
    images: golden.length,
  };
}

/** Of the images of both. */
export function mergeAgreements(a: Agreement, b: Agreement): Agreement {
  return {
    decode: Math.max(a.decode, b.decode),
    decodeWorst: Math.max(a.decodeWorst, b.decodeWorst),
    prepare: Math.max(a.prepare, b.prepare),
    network: Math.max(a.network, b.network),
    served: Math.max(a.served, b.served),
    sameLabels: a.sameLabels + b.sameLabels,
    images: a.images + b.images,
  };
}

/** What is beyond its tolerance, in words; nothing where a runtime agrees. */
export function disagreements(found: Agreement, allowed: Tolerances): readonly string[] {
  const beyond = (name: "decode" | "prepare" | "network", unit: string) =>
    found[name] <= allowed[name]
      ? []
      : [`${name} is off by ${figure(found[name])}${unit}, ${allowed[name]} is allowed`];
  const wrong = found.images - found.sameLabels;
  return [
    ...beyond("decode", " levels on average"),
    ...beyond("prepare", " levels"),
    ...beyond("network", ""),
    ...(wrong === 0 ? [] : [`${wrong} of ${found.images} images get another label`]),
  ];
}

export function figure(value: number): string {
  if (value === 0 || Number.isInteger(value)) return String(value);
  return value < 0.01 ? value.toExponential(1) : value.toFixed(2);
}

function levels(expected: Tensor, actual: Tensor): { readonly mean: number; readonly worst: number } {
  if (!sameShape(expected.shape, actual.shape))
    return { mean: Number.POSITIVE_INFINITY, worst: Number.POSITIVE_INFINITY };
  let [sum, worst] = [0, 0];
  for (let i = 0; i < expected.bytes.length; i++) {
    const difference = Math.abs((expected.bytes[i] ?? 0) - (actual.bytes[i] ?? 0));
    sum += difference;
    if (difference > worst) worst = difference;
  }
  return { mean: sum / Math.max(1, expected.bytes.length), worst };
}

type Answers = ReadonlyMap<string, Tensor>;

function answerDifference(expected: Answers, actual: Answers): number {
  return Math.max(
    ...Array.from(expected, ([name, tensor]) => {
      const other = actual.get(name);
      if (other === undefined || !sameShape(tensor.shape, other.shape)) return Number.POSITIVE_INFINITY;
      return tensor.floats.length > 1 ? logitDifference(tensor, other) : relativeDifference(tensor, other);
    }),
  );
}

/** Probabilities below it are rounding alone. */
const leastProbability = 1e-12;

/** Logarithms of probabilities are logits up to what is added to all of them. */
function logitDifference({ floats }: Tensor, other: Tensor): number {
  const logit = (probability: number) => Math.log(Math.max(leastProbability, probability));
  const spread = logit(floats.reduce((a, b) => Math.max(a, b))) - logit(floats.reduce((a, b) => Math.min(a, b)));
  const scale = Math.max(1, spread);
  return worstOf(floats, (value, i) => Math.abs(logit(value) - logit(other.floats[i] ?? Number.NaN)) / scale);
}

function relativeDifference({ floats }: Tensor, other: Tensor): number {
  return worstOf(floats, (value, i) => {
    return Math.abs(value - (other.floats[i] ?? Number.NaN)) / Math.max(1, Math.abs(value));
  });
}

/** Infinite where one of them is no number. */
function worstOf(floats: Float32Array, of: (value: number, i: number) => number): number {
  let worst = 0;
  for (const [i, value] of floats.entries()) {
    const difference = of(value, i);
    if (!(difference <= worst)) worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference;
  }
  return worst;
}

function haveSameLabels(expected: Answers, actual: Answers): boolean {
  return Array.from(expected).every(([name, { floats }]) => {
    const others = actual.get(name)?.floats ?? new Float32Array(0);
    return likeliest(floats) === likeliest(others);
  });
}

function likeliest(floats: Float32Array): number {
  return floats.reduce((best, value, i) => (value > (floats[best] ?? Number.NEGATIVE_INFINITY) ? i : best), 0);
}
