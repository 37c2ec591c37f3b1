import { unknownOutput } from "../artefact/statedTrust.ts";
import { wilsonInterval } from "../metrics/wilson.ts";
import { type ImageOutputs, valuesOf } from "./imageAnswers.ts";
import { isUnknown, setOf } from "./promisesOf.ts";
import type { ServedModel } from "./servedModel.ts";
import type { TaskEvent } from "./task.ts";

/** Counts whether a model keeps what it promises: how often its sets hold the true class, and how many images it calls unknown. */
export class TrustTally {
  readonly #model: ServedModel;
  readonly #scores: number[] = [];
  #images = 0;
  #held = 0;
  #classes = 0;
  #unknown = 0;

  constructor(model: ServedModel) {
    this.#model = model;
  }

  add(outputs: ImageOutputs, truth: string): void {
    this.#images++;
    const unknown = outputs.get(unknownOutput)?.[0];
    const set = setOf(this.#model.labels, valuesOf(outputs, "probabilities"), this.#model.trust) ?? [];
    this.#held += Number(set.includes(truth));
    this.#classes += set.length;
    this.#unknown += Number(isUnknown(unknown, this.#model.trust));
    if (unknown !== undefined) this.#scores.push(unknown);
  }

  /** Of the images in the order in which they were added; nothing where the model has none. */
  get scores(): readonly number[] | undefined {
    return this.#scores.length === this.#images ? this.#scores : undefined;
  }

  /** Nothing where nothing was promised. */
  verdict(): { readonly events: readonly TaskEvent[]; readonly figures: Readonly<Record<string, unknown>> } {
    const { conformal, unknown } = this.#model.trust;
    const events: TaskEvent[] = [];
    const figures: Record<string, unknown> = {};
    if (conformal !== undefined) {
      const coverage = this.#held / this.#images;
      const interval = wilsonInterval(coverage, this.#images);
      const size = this.#classes / this.#images;
      figures["sets"] = { promised: conformal.coverage, coverage, interval, size };
      const range = `${percent(interval.lower)}–${percent(interval.upper)}`;
      events.push({
        type: "note",
        text: `prediction sets, promised to hold the true class in ${percent(conformal.coverage)} %: ${percent(coverage)} % [${range}] of ${this.#images} images, ${size.toFixed(2)} classes on average`,
      });
    }
    if (unknown !== undefined) {
      const share = this.#unknown / this.#images;
      figures["unknown"] = { share, threshold: unknown.threshold };
      events.push({ type: "note", text: `called unknown: ${percent(share)} % of ${this.#images} images` });
    }
    return { events, figures };
  }
}

function percent(fraction: number): string {
  return (100 * fraction).toFixed(1);
}
