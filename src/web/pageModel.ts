import type { StatedAnswerTrust, StatedTrust } from "../artefact/statedTrust.ts";
import { imageTensor } from "../data/imageTensor.ts";
import type { Pixels, Program } from "../platform/platform.ts";
import { type Promises, promisesOf } from "../tasks/promisesOf.ts";
import { rankedClasses } from "../tasks/rankedClasses.ts";
import type { RankedClass } from "../tasks/task.ts";
import { download } from "./download.ts";
import { createBrowserEngine } from "./engine.ts";

/** What the page's `model.json` says of the `model.onnx` beside it. */
export interface PageModelCard {
  readonly name: string;
  readonly imageInput: string;
  /** What it calls its score of images unlike those of the training. */
  readonly unknownOutput: string;
  /** What it answers, by the names of its outputs. */
  readonly outputs: readonly PageOutput[];
  /** What it promises of labels of one kind. */
  readonly trust: StatedTrust;
}

/** Without labels it is one number. */
export interface PageOutput {
  readonly output: string;
  /** Where a model answers several things. */
  readonly title?: string | undefined;
  readonly labels?: readonly string[] | undefined;
  /** Where a model answers several things: what it promises of this one. */
  readonly trust?: StatedAnswerTrust | undefined;
}

export type PageAnswer =
  | ({
      readonly kind: "classes";
      readonly title: string | undefined;
      readonly classes: readonly RankedClass[];
    } & Promises)
  | { readonly kind: "number"; readonly title: string | undefined; readonly value: number };

export interface Answered {
  readonly answers: readonly PageAnswer[];
  readonly durationMs: number;
}

/** The model of this page. Images run one after another. */
export class PageModel {
  readonly card: PageModelCard;
  readonly #program: Program;

  private constructor(card: PageModelCard, program: Program) {
    this.card = card;
    this.#program = program;
  }

  static async open(onProgress: (share: number) => void): Promise<PageModel> {
    const card: PageModelCard = JSON.parse(new TextDecoder().decode(await download("model.json")));
    const bytes = await download("model.onnx", { onProgress });
    return new PageModel(card, await createBrowserEngine().compile(bytes));
  }

  /** What it says of an image, and how long that took from its pixels on. */
  async classify(pixels: Pixels): Promise<Answered> {
    const start = performance.now();
    const found = await this.#program.run({ [this.card.imageInput]: imageTensor(pixels) });
    const durationMs = performance.now() - start;
    const { outputs, trust, unknownOutput } = this.card;
    const answers = outputs.map(({ output, title, labels, trust: own = {} }): PageAnswer => {
      const values = found[output]?.floats ?? new Float32Array(0);
      if (labels === undefined) return { kind: "number", title, value: values[0] ?? Number.NaN };
      const classes = rankedClasses(labels, values);
      if (title !== undefined)
        return { kind: "classes", title, classes, ...promisesOf(labels, values, undefined, own) };
      return { kind: "classes", title, classes, ...promisesOf(labels, values, found[unknownOutput]?.floats[0], trust) };
    });
    return { answers, durationMs };
  }
}
