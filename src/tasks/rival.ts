import type { Tensor } from "../base/tensor.ts";
import type { Platform } from "../platform/platform.ts";
import { argMax } from "../train/measures.ts";
import type { ServedModel } from "./servedModel.ts";

/** What matters when one model is to take the place of another. */
export interface RivalFigures {
  readonly megabytes: number;
  /** One at a time, without decoding. */
  readonly imagesPerSecond: number;
  readonly accuracy: number;
}

/** One of several models, while they are measured on the same images. */
export class Rival {
  readonly model: ServedModel;
  readonly #platform: Platform;
  readonly #durationsMs: number[] = [];
  readonly #right: number[] = [];

  constructor(model: ServedModel, platform: Platform) {
    this.model = model;
    this.#platform = platform;
  }

  /** 1 for each image that was named right, else 0. */
  get right(): readonly number[] {
    return this.#right;
  }

  /** @param pixels uint8 [1, H, W, 3] */
  async judge(pixels: Tensor, truth: string): Promise<void> {
    const startMs = this.#platform.nowMs();
    const answer = await this.model.answer(pixels);
    this.#durationsMs.push(this.#platform.nowMs() - startMs);
    this.#right.push(Number(this.model.labels[argMax(answer, 0, answer.length)] === truth));
  }

  figures(): RivalFigures {
    const sorted = this.#durationsMs.toSorted((a, b) => a - b);
    return {
      megabytes: this.model.sizeBytes / 1e6,
      imagesPerSecond: 1000 / (sorted[Math.floor(sorted.length / 2)] ?? Number.NaN),
      accuracy: this.#right.reduce((sum, one) => sum + one, 0) / sorted.length,
    };
  }
}

/** A line of a table of rivals: who, MB, images/s, right. */
export function rivalRow(who: string, { megabytes, imagesPerSecond, accuracy }: RivalFigures): readonly string[] {
  return [who, megabytes.toFixed(2), imagesPerSecond.toFixed(0), percent(accuracy)];
}

export function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
