import type { z } from "zod";
import type { OpenAccuracy } from "../adapt/openSet.ts";
import type { Agreement, Tolerances } from "../artefact/agreement.ts";
import { didYouMean, GraftError } from "../base/errors.ts";
import type { Finding } from "../doctor/finding.ts";
import type { MapCheck } from "../explain/check.ts";
import type { ClassificationReport } from "../metrics/classificationReport.ts";
import type { Standing } from "../metrics/comparison.ts";
import type { OperatingPoint, WantedPoint } from "../metrics/operatingPoints.ts";
import type { RegressionReport } from "../metrics/regression.ts";
import type { Spread } from "../metrics/spread.ts";
import type { Platform } from "../platform/platform.ts";
import type { FitEvent } from "../train/fit.ts";
import type { ValidatorName } from "../transfer/validators.ts";
import type { FormSpeed, InputSpeed, NetworkSpeed } from "./benchmark.ts";
import type { Classification } from "./imageAnswers.ts";

/** A set of published weights as a user sees it. */
export interface BackboneEntry {
  readonly name: string;
  readonly source: string;
  readonly licence: string;
  readonly top1: number | undefined;
  /** Of the file in bytes: as it lies in the cache, else 4 for each parameter. */
  readonly size: number | undefined;
  /** Its path, or nothing when it is not in the cache. */
  readonly cached: string | undefined;
  readonly isRemote: boolean;
}

/** How well one backbone's features fit a data set. */
export interface RankingEntry {
  readonly backbone: string;
  /** Features an image. */
  readonly width: number;
  /** Images compared on. */
  readonly images: number;
  readonly logMe: number;
  readonly hScore: number;
  /** Share of images whose class the most alike others name, 0 to 1. */
  readonly neighbours: number | undefined;
  readonly seconds: number;
}

/** One setting that a search tried. */
export interface TrialEntry {
  readonly trial: number;
  /** The options that it does not leave as they were. */
  readonly values: Readonly<Record<string, string | number>>;
  /** Of its training; nothing for a head that is solved. */
  readonly epochs: number | undefined;
  /** On the validation images, with its 95 % interval. */
  readonly accuracy: number;
  readonly interval: readonly [low: number, high: number];
  readonly seconds: number;
  /** False where it dropped out of successive halving. */
  readonly isFinished: boolean;
}

/** Several runs on the same images, each beside the first. */
export interface Comparison {
  /** validation, test, or a data set. */
  readonly part: string;
  readonly images: number;
  /** Accuracy of always naming the most frequent class. */
  readonly majority: number;
  readonly runs: readonly (Standing & { readonly run: string })[];
}

/** A class and how sure a model is of it, 0 to 1. */
export interface RankedClass<Label extends string = string> {
  readonly label: Label;
  readonly probability: number;
}

/** What a model of several targets says of one of them: classes, the likeliest first, or a number. */
export type TargetAnswer =
  | {
      readonly name: string;
      readonly kind: "classes";
      readonly classes: readonly RankedClass[];
      /** The classes that hold the true one as often as was promised, the likeliest first. */
      readonly set?: readonly string[];
    }
  | { readonly name: string; readonly kind: "number"; readonly value: number };

/** One way that `adapt` tried. */
export interface AdaptationEntry {
  readonly method: string;
  readonly setting: string;
  /** Of one seed, on average. */
  readonly seconds: number;
  /** Means over the seeds. */
  readonly scores: Readonly<Record<ValidatorName, number>>;
  /** On target images whose class is known, 0 to 1; nothing without any. */
  readonly accuracy: Spread | undefined;
  /** Where the target has classes of its own: the share of its images that was called unknown, and by labels how rightly. */
  readonly open: OpenFigures | undefined;
  readonly isChosen: boolean;
}

/** Shares of 0 to 1. */
export interface OpenFigures extends Readonly<Record<keyof OpenAccuracy, Spread | undefined>> {
  readonly called: Spread;
}

/** A training image beside one that is asked about. */
export interface NearImage {
  readonly file: string;
  readonly label: string;
  /** 1 − cos of the two feature vectors: 0 for the same direction. */
  readonly distance: number;
}

/** Why a model said what it said of one photo. */
export interface Explanation {
  readonly file: string;
  /** What is explained, and how sure the model is of it, 0 to 1. */
  readonly label: string;
  readonly probability: number;
  readonly method: string;
  /** Where a method looks into one. */
  readonly layer: string | undefined;
  /** The picture that was written. */
  readonly picture: string;
  readonly check: MapCheck | undefined;
}

export interface AdaptationTable {
  /** Source-only first. */
  readonly entries: readonly AdaptationEntry[];
  /** Which entry each validator would choose, by its place. */
  readonly choices: readonly { readonly validator: ValidatorName; readonly entry: number }[];
  /** Target images whose class is known. */
  readonly images: number;
  /** Accuracy of the same head when it learns from the target's labels. */
  readonly oracle: Spread | undefined;
  readonly seeds: number;
}

/** How near one runtime comes to a model's golden answers. */
export interface VerificationEntry {
  readonly runtime: string;
  readonly agreement: Agreement;
  /** What is beyond its tolerance, in words. */
  readonly disagreements: readonly string[];
}

/** From which probability on each class may be believed. */
export interface OperatingTable {
  readonly wanted: WantedPoint;
  readonly labels: readonly string[];
  /** By class; nothing for one that does not reach what is wanted. */
  readonly points: readonly (OperatingPoint | undefined)[];
}

/** What a task reports while it runs: plain data that a terminal draws, `--json` prints and a server streams. */
export type TaskEvent =
  | FitEvent
  | { readonly type: "note"; readonly text: string }
  | { readonly type: "warning"; readonly text: string }
  | {
      readonly type: "progress";
      readonly phase: string;
      readonly done: number;
      readonly total: number;
      /** Default: images. */
      readonly unit?: "bytes" | "steps";
    }
  | { readonly type: "backbones"; readonly entries: readonly BackboneEntry[] }
  | { readonly type: "comparison"; readonly comparison: Comparison }
  /** The best first. */
  | { readonly type: "ranking"; readonly entries: readonly RankingEntry[] }
  | ({ readonly type: "adaptations" } & AdaptationTable)
  /** The best first. */
  | { readonly type: "trials"; readonly entries: readonly TrialEntry[] }
  | {
      readonly type: "report";
      readonly title: string;
      readonly labels: readonly string[];
      readonly report: ClassificationReport;
    }
  /** How good predicted numbers are, in their own unit. */
  | { readonly type: "regression"; readonly title: string; readonly report: RegressionReport }
  | ({
      readonly type: "prediction";
      readonly file: string;
      /** The training images most alike, where they were asked for. */
      readonly nearest?: readonly NearImage[];
    } & Classification)
  | ({ readonly type: "operating-points" } & OperatingTable)
  | { readonly type: "answers"; readonly file: string; readonly targets: readonly TargetAnswer[] }
  | ({ readonly type: "explanation" } & Explanation)
  | ({ readonly type: "finding" } & Finding)
  | {
      readonly type: "verification";
      readonly entries: readonly VerificationEntry[];
      /** Where some are beyond it if they differ more. */
      readonly tolerances?: Tolerances;
    }
  | {
      readonly type: "benchmark";
      readonly input: InputSpeed;
      readonly forms: readonly FormSpeed[];
      readonly networks: readonly NetworkSpeed[];
    }
  /** A line of a server's log. */
  | { readonly type: "log"; readonly record: Readonly<Record<string, string | number>> }
  | { readonly type: "artefact"; readonly kind: string; readonly path: string };

/** The unit that a user sees: one schema from which flags, help, validation and documentation come. */
export interface Task {
  readonly name: string;
  readonly summary: string;
  readonly input: z.ZodObject;
  /** Which inputs are given by place; the last may take many. */
  readonly positionals: readonly string[];
  /** What it does when it is interrupted. */
  readonly parting: string;
  run(input: unknown, platform: Platform, signal: AbortSignal): AsyncGenerator<TaskEvent>;
}

interface TaskDefinition<S extends z.ZodObject> {
  readonly name: string;
  readonly summary: string;
  readonly input: S;
  readonly positionals?: readonly (keyof z.output<S> & string)[];
  /** Default: what a training does. */
  readonly parting?: string;
  /** `given` names the inputs that did not come from a default. */
  run(
    input: z.output<S>,
    platform: Platform,
    signal: AbortSignal,
    given: ReadonlySet<string>,
  ): AsyncGenerator<TaskEvent>;
}

/** Defines a task. Its input is checked before it runs; throws `usage` for what does not fit. */
export function defineTask<S extends z.ZodObject>(definition: TaskDefinition<S>): Task {
  const { name, summary, input, positionals = [], parting = "finishing this step, then saving" } = definition;
  return {
    name,
    summary,
    input,
    positionals,
    parting,
    run: (values, platform, signal) =>
      definition.run(parseInput(input, values, name), platform, signal, new Set(Object.keys(values ?? {}))),
  };
}

/** Checks values against a schema; the message names the option, what was found and what was expected. */
export function parseInput<S extends z.ZodObject>(schema: S, given: unknown, where: string): z.output<S> {
  const result = schema.strict().safeParse(given);
  if (result.success) return result.data as z.output<S>;
  const lines = result.error.issues.map((issue) => {
    if (issue.code === "unrecognized_keys") {
      const [key = ""] = issue.keys;
      return `unknown option "${key}".${didYouMean(key, Object.keys(schema.shape))}`;
    }
    return `"${issue.path.join(".")}": ${issue.message}`;
  });
  throw new GraftError("usage", `${where}: ${lines.join("; ")}`);
}
