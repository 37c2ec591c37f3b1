import { type FeatureMethodName, featureMethodNames, settingsOf } from "../adapt/featureMethods.ts";
import {
  openSetMethodNames,
  type SourceFreeMethodName,
  sourceFreeMethodNames,
  statisticsMethod,
  type TrainedMethodName,
  trainedMethodNames,
  weightedMethod,
} from "../adapt/trainedMethods.ts";
import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { alignFeatures } from "../transfer/alignFeatures.ts";
import { openSubject, sourceSubject } from "../transfer/domainSubject.ts";
import type { DomainTrial } from "../transfer/domainTrial.ts";
import type { Checkpoints } from "../transfer/learnBySteps.ts";
import { learnDomains, learnSource } from "../transfer/learnDomains.ts";
import { learnHypothesis } from "../transfer/learnSourceFree.ts";
import type { AdaptInput } from "./adaptInput.ts";
import { adaptStatistics } from "./adaptStatistics.ts";
import type { OpenedDomains } from "./openDomains.ts";
import type { SeedDomains } from "./seedDomains.ts";
import type { TaskEvent } from "./task.ts";

/** What a method is tried with. */
export interface Circumstances {
  readonly input: AdaptInput;
  /** Of what learns by steps. */
  readonly checkpoints: Checkpoints;
  readonly opened: OpenedDomains;
  readonly domains: SeedDomains;
  /** How much each class of the source counts; all alike without. */
  readonly classCounts: readonly number[] | undefined;
  readonly platform: Platform;
  readonly signal: AbortSignal;
}

/** Every method, and how `adapt` makes it work. */
export type MethodName =
  | FeatureMethodName
  | TrainedMethodName
  | SourceFreeMethodName
  | typeof statisticsMethod
  | typeof weightedMethod;

/** Source-only is always there to be compared with. */
export function methodsOf({ method }: AdaptInput, { basis, targetClasses }: OpenedDomains): readonly MethodName[] {
  if (method === "source-only") return [method];
  if (method !== "auto") return ["source-only", method];
  // All others take every target image for one of a known class.
  if (targetClasses === "more") return ["source-only", ...openSetMethodNames];
  if (basis.kind === "scratch") return ["source-only", ...trainedMethodNames];
  const weighted = (name: FeatureMethodName) =>
    name === "source-only" && targetClasses === "some" ? ([weightedMethod] as const) : [];
  return [...featureMethodNames.flatMap((name): MethodName[] => [name, ...weighted(name)]), ...trainedMethodNames];
}

function isTrained(method: MethodName): method is TrainedMethodName {
  return isOpenSet(method) || trainedMethodNames.some((name) => name === method);
}

/** Whether it finds images of no class of the source. */
export function isOpenSet(method: AdaptInput["method"]): boolean {
  return openSetMethodNames.some((name) => name === method);
}

function isSourceFree(method: MethodName): method is SourceFreeMethodName {
  return sourceFreeMethodNames.some((name) => name === method);
}

/** Throws `usage` for an option that the method does not heed, and for a method that needs a backbone where there is none. */
export function checkApplies(
  { method, backbone, targetClasses }: Pick<AdaptInput, "method" | "backbone" | "targetClasses">,
  given: ReadonlySet<string>,
): void {
  if (isOpenSet(method) && (targetClasses === "all" || targetClasses === "some")) {
    throw new GraftError(
      "usage",
      `--method ${method} finds images of classes that the source does not have, and --target-classes ${targetClasses} says that there are none. Leave one of them out.`,
    );
  }
  const stepped: readonly string[] = [...trainedMethodNames, ...openSetMethodNames, ...sourceFreeMethodNames];
  if (method !== "auto" && given.has("budget"))
    throw new GraftError("usage", `--budget is for --method auto, not ${method}. Leave it out.`);
  if (backbone === undefined) {
    if (given.has("penalty"))
      throw new GraftError("usage", "--penalty is of a linear head on the features of a --backbone. Leave it out.");
    if (["auto", "source-only", ...stepped].includes(method)) return;
    throw new GraftError(
      "usage",
      `--method ${method} works on the features of a pretrained network: name one with --backbone. Without, a small CNN learns by ${stepped.join(", ")}.`,
    );
  }
  if (method === "auto" || stepped.includes(method)) return;
  const useless = { epochs: "--epochs", batchSize: "--batch-size", learningRate: "--learning-rate" };
  const flag = Object.entries(useless).find(([name]) => given.has(name))?.[1];
  if (flag === undefined) return;
  throw new GraftError(
    "usage",
    `${flag} is for methods that learn by steps (${stepped.join(", ")}), not ${method}. Leave it out.`,
  );
}

/** A method in one of its settings. */
export interface Way {
  readonly text: string;
  make(): AsyncGenerator<TaskEvent, DomainTrial>;
}

/** A method in each of its settings. */
export function waysOf(method: MethodName, circumstances: Circumstances): readonly Way[] {
  const { input, checkpoints, opened, domains, classCounts: counts, platform, signal } = circumstances;
  const { basis } = opened;
  const isPartial = opened.targetClasses === "some";
  const compute = { engine: platform.engine, signal };
  const settings = { ...input, checkpoints, isPartial, nowMs: () => platform.nowMs() };
  const { subject, scaled } = domains;
  if (isSourceFree(method)) return [{ text: "", make: () => learnHypothesis(subject, settings, compute) }];
  if (isTrained(method)) {
    const own = isOpenSet(method) ? openSubject(subject) : subject;
    return [{ text: "", make: () => learnDomains(own, method, settings, compute) }];
  }
  if (scaled === undefined || basis.kind !== "features")
    return [{ text: "", make: () => learnSource(sourceSubject(subject), settings, compute) }];
  const head = { penalty: input.penalty, classCounts: counts };
  if (method === statisticsMethod) {
    const seeded = { ...head, seed: input.seed };
    return [{ text: "", make: () => adaptStatistics(opened, basis, seeded, platform, signal) }];
  }
  const fitted = method === weightedMethod ? "source-only" : method;
  return settingsOf(fitted, scaled.features).map((setting) => ({
    text: setting.text,
    // biome-ignore lint/correctness/useYield: solved at once, in the form of those that report steps
    async *make() {
      return alignFeatures(scaled, { method, setting }, head, compute);
    },
  }));
}
