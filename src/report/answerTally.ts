import { stream } from "../base/random.ts";
import { type ClassificationBatch, predictedClass } from "../metrics/classificationBatch.ts";
import { type Confusion, confusion } from "../metrics/confusion.ts";
import { type Reliability, reliability } from "../metrics/reliability.ts";
import { counted, namedSome } from "./numbers.ts";

/** What a model said of one image. */
export interface JudgedImage {
  readonly image: string;
  /** Indices of classes. */
  readonly truth: number;
  readonly answer: number;
  /** Of the answer. */
  readonly probability: number;
}

/** All that a page shows of the answers to one part of the images. */
export interface PartAnswers {
  readonly part: string;
  readonly labels: readonly string[];
  /** Images that were counted. */
  readonly count: number;
  readonly confusion: Confusion;
  readonly calibration: Reliability;
  /** For curves: all answers, or as many of them as memory allows, drawn at random. */
  readonly sample: ClassificationBatch;
  /** Images by true and given class (truth · classes + answer), the surest first, a few of each. */
  readonly cells: ReadonlyMap<number, readonly JudgedImage[]>;
  /** Wrong answers, the surest first. */
  readonly worst: readonly JudgedImage[];
}

/** Probabilities that are kept for curves. */
const sampledValues = 4_000_000;
const imagesOfCell = 12;
const worstKept = 12;
const namesKept = 20;
/** Of a sum of float32, far beyond rounding. */
const sumTolerance = 0.01;

/** Counts the answers to one part, image by image; memory does not grow with their number, but for a name each where they are wrong in new ways. */
export class AnswerTally {
  readonly #part: string;
  readonly #labels: readonly string[];
  readonly #capacity: number;
  readonly #confusion: ReturnType<typeof confusion>;
  readonly #reliability = reliability();
  #counts: Float64Array;
  #bins: Float64Array;
  #count = 0;
  readonly #rows: { readonly probabilities: Float32Array; readonly truth: number }[] = [];
  readonly #cells = new Map<number, JudgedImage[]>();
  readonly #worst: JudgedImage[] = [];
  readonly #unusable = new Names();
  readonly #unsummed = new Names();

  constructor(part: string, labels: readonly string[], values = sampledValues) {
    this.#part = part;
    this.#labels = labels;
    this.#capacity = Math.max(1, Math.floor(values / labels.length));
    this.#confusion = confusion(labels.length);
    this.#counts = this.#confusion.init();
    this.#bins = this.#reliability.init();
  }

  add(image: string, truth: number, probabilities: Float32Array): void {
    if (!probabilities.every(Number.isFinite)) {
      this.#unusable.add(image);
      return;
    }
    this.#checkSum(image, probabilities);
    const batch = { probabilities, labels: Int32Array.of(truth), classes: this.#labels.length };
    const answer = predictedClass(batch, 0);
    this.#counts = this.#confusion.add(this.#counts, batch);
    this.#bins = this.#reliability.add(this.#bins, batch);
    this.#keepRow(probabilities, truth);
    const judged = { image, truth, answer, probability: probabilities[answer] ?? 0 };
    this.#keepImage(judged);
    this.#count++;
  }

  /** Nothing where nothing was counted. */
  answers(): PartAnswers | undefined {
    if (this.#count === 0) return undefined;
    const classes = this.#labels.length;
    const sample = {
      probabilities: new Float32Array(this.#rows.length * classes),
      labels: Int32Array.from(this.#rows, ({ truth }) => truth),
      classes,
    };
    for (const [i, { probabilities }] of this.#rows.entries()) sample.probabilities.set(probabilities, i * classes);
    return {
      part: this.#part,
      labels: this.#labels,
      count: this.#count,
      confusion: this.#confusion.value(this.#counts),
      calibration: this.#reliability.value(this.#bins),
      sample,
      cells: this.#cells,
      worst: this.#worst,
    };
  }

  /** What a reader must know: answers that are none, or are no probabilities. */
  warnings(): readonly string[] {
    const [unusable, unsummed] = [this.#unusable, this.#unsummed];
    const none = `${this.#part}: ${counted(unusable.count, "answer")} left out, with a probability that is no number: ${namedSome(unusable.names, unusable.count)}. The model may have diverged.`;
    const other = `${this.#part}: the probabilities of ${counted(unsummed.count, "image")} do not sum to one: ${namedSome(unsummed.names, unsummed.count)}. What is said of calibration does not hold.`;
    return [...(unusable.count > 0 ? [none] : []), ...(unsummed.count > 0 ? [other] : [])];
  }

  #checkSum(image: string, probabilities: Float32Array): void {
    const sum = probabilities.reduce((total, one) => total + one, 0);
    if (Math.abs(sum - 1) > sumTolerance) this.#unsummed.add(image);
  }

  /** Algorithm R (Vitter 1985): every row is kept with the same probability. */
  #keepRow(probabilities: Float32Array, truth: number): void {
    const row = { probabilities, truth };
    if (this.#rows.length < this.#capacity) {
      this.#rows.push(row);
      return;
    }
    const place = stream(0, `report sample ${this.#part}`, 0, this.#count).below(this.#count + 1);
    if (place < this.#capacity) this.#rows[place] = row;
  }

  #keepImage(judged: JudgedImage): void {
    const { truth, answer } = judged;
    const key = truth * this.#labels.length + answer;
    const cell = this.#cells.get(key) ?? [];
    this.#cells.set(key, cell);
    keepSurest(cell, judged, imagesOfCell);
    if (truth !== answer) keepSurest(this.#worst, judged, worstKept);
  }
}

/** Into a list that is sorted by falling probability and no longer than `limit`. */
function keepSurest(kept: JudgedImage[], judged: JudgedImage, limit: number): void {
  const after = kept.findIndex(({ probability }) => probability < judged.probability);
  if (after < 0 && kept.length >= limit) return;
  kept.splice(after < 0 ? kept.length : after, 0, judged);
  if (kept.length > limit) kept.pop();
}

/** How many images something concerns, and some of their names. */
class Names {
  count = 0;
  readonly names: string[] = [];

  add(name: string): void {
    this.count++;
    if (this.names.length < namesKept) this.names.push(name);
  }
}
