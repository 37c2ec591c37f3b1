import { type FeatureMethodName, featureMethodNames, settingsOf } from "../adapt/featureMethods.ts";
import { classCounts } from "../adapt/partialTransfer.ts";
import {
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
import { labelsOf } from "../transfer/domainData.ts";
import type { DomainTrial } from "../transfer/domainTrial.ts";
import { type JudgedTrial, judgeTrial, validators } from "../transfer/judgeTrial.ts";
import { learnDomains, learnSource } from "../transfer/learnDomains.ts";
import { learnHypothesis } from "../transfer/learnSourceFree.ts";
import { type AdaptationTrial, acrossSeeds, resultsOf, type SeedResult } from "./acrossSeeds.ts";
import { adaptationEntries } from "./adaptationEntries.ts";
import { type AdaptInput, adaptSchema } from "./adaptInput.ts";
import { adaptRun, isRun } from "./adaptRun.ts";
import { adaptStatistics } from "./adaptStatistics.ts";
import { chooseTrial } from "./chooseTrial.ts";
import { weightsTold } from "./classWeights.ts";
import { type OpenedDomains, openDomains } from "./openDomains.ts";
import { saveAdapted } from "./saveAdapted.ts";
import { type SeedDomains, seedDomains } from "./seedDomains.ts";
import { targetOracle } from "./targetOracle.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";
import { toldByLabels } from "./toldByLabels.ts";

interface Circumstances {
  readonly input: AdaptInput;
  readonly opened: OpenedDomains;
  readonly domains: SeedDomains;
  /** How much each class of the source counts; all alike without. */
  readonly classCounts: readonly number[] | undefined;
  readonly platform: Platform;
  readonly signal: AbortSignal;
}

/** `graft adapt`: a labelled source and unlabelled photos of the target become a classifier for the target. */
export const adapt: Task = defineTask({
  name: "adapt",
  summary: "Adapt a classifier from labelled photos to unlabelled ones of another kind",
  input: adaptSchema,
  async *run(input, platform, signal, given) {
    checkApplies(input, given);
    if (await isRun(input.source, platform)) {
      yield* adaptRun(input, platform, signal, given);
      return;
    }
    const compute = { engine: platform.engine, signal };
    const opened = yield* openDomains(input, platform, signal);
    const trials = yield* triedWithSeeds(opened, input, platform, signal);
    const choice = chooseTrial(trials, input.method);
    const oracles = yield* targetOracle(opened, input, platform, compute);
    const table = adaptationEntries(opened, trials, choice.best, { oracles, seeds: input.seeds });
    yield { type: "adaptations", ...table };
    for (const text of choice.reasons) yield { type: "note", text };
    const told = toldByLabels(choice, opened.truth);
    if (told !== undefined) yield { type: "note", text: told };
    yield* saveAdapted(opened, { input, choice, table }, platform, compute);
  },
});

/** Every method in each of its settings, once with each seed. */
async function* triedWithSeeds(
  opened: OpenedDomains,
  input: AdaptInput,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, readonly AdaptationTrial[]> {
  const methods = methodsOf(input, opened);
  const total = input.seeds * methods.length;
  const first: DomainTrial[] = [];
  const results: (readonly SeedResult[])[] = [];
  for (let turn = 0; turn < input.seeds; turn++) {
    const seed = input.seed + turn;
    const domains = await seedDomains(opened, seed, { engine: platform.engine, signal });
    const ofSeed: JudgedTrial[] = [];
    const { classes } = domains.subject.data;
    for (const [done, method] of methods.entries()) {
      // Source-only is the first: it sees the source as it is, and tells what the target seems to lack.
      const [sourceOnly] = ofSeed;
      const isPartial = opened.isPartial || method === weightedMethod;
      const counts = isPartial && sourceOnly !== undefined ? classCounts(sourceOnly.answers, classes) : undefined;
      if (turn === 0 && done === 1 && counts !== undefined) yield { type: "note", text: countsTold(counts, opened) };
      const own = { ...input, seed };
      const judged = yield* triedOut(method, { input: own, opened, domains, classCounts: counts, platform, signal });
      ofSeed.push(...judged);
      if (judged.length > 0) yield { type: "note", text: lineOf(method, seed, judged) };
      const place = turn * methods.length + done + 1;
      yield { type: "progress", phase: "adapt", done: place, total, unit: "steps" };
    }
    if (turn === 0) first.push(...ofSeed.map(({ trial }) => trial));
    results.push(resultsOf(ofSeed, opened.labels.length));
  }
  return acrossSeeds(first, results);
}

function countsTold(counts: readonly number[], { labels }: OpenedDomains): string {
  return `partial: what the classes of the source count, by what source-only makes of the target: ${weightsTold(counts, labels)}`;
}

/** What a method cost, and what it seems to be worth. */
function lineOf(method: string, seed: number, judged: readonly JudgedTrial[]): string {
  const seconds = judged.reduce((sum, trial) => sum + trial.seconds, 0);
  const best = Math.max(...judged.map(({ scores }) => scores.infoMax));
  const settings = judged.length === 1 ? "" : `, ${judged.length} settings`;
  return `seed ${seed}: ${method}${settings}: ${seconds.toFixed(1)} s, ${validators.infoMax.title} ${best.toFixed(3)}`;
}

type MethodName =
  | FeatureMethodName
  | TrainedMethodName
  | SourceFreeMethodName
  | typeof statisticsMethod
  | typeof weightedMethod;

/** Source-only is always there to be compared with. */
function methodsOf({ method }: AdaptInput, { basis, isPartial }: OpenedDomains): readonly MethodName[] {
  if (method === "source-only") return [method];
  if (method !== "auto") return ["source-only", method];
  if (basis.kind === "scratch") return ["source-only", ...trainedMethodNames];
  const weighted = (name: FeatureMethodName) =>
    name === "source-only" && isPartial ? ([weightedMethod] as const) : [];
  return featureMethodNames.flatMap((name): MethodName[] => [name, ...weighted(name)]);
}

function isTrained(method: MethodName): method is TrainedMethodName {
  return trainedMethodNames.some((name) => name === method);
}

function isSourceFree(method: MethodName): method is SourceFreeMethodName {
  return sourceFreeMethodNames.some((name) => name === method);
}

/** Throws `usage` for an option that the method does not heed, and for a method that needs a backbone where there is none. */
function checkApplies({ method, backbone }: AdaptInput, given: ReadonlySet<string>): void {
  const stepped: readonly string[] = [...trainedMethodNames, ...sourceFreeMethodNames];
  if (backbone === undefined) {
    if (given.has("penalty"))
      throw new GraftError("usage", "--penalty is of a linear head on the features of a --backbone. Leave it out.");
    if (["auto", "source-only", ...stepped].includes(method)) return;
    throw new GraftError(
      "usage",
      `--method ${method} works on the features of a pretrained network: name one with --backbone. Without, a small CNN learns by ${stepped.join(", ")}.`,
    );
  }
  if (stepped.includes(method)) return;
  const useless = { epochs: "--epochs", batchSize: "--batch-size", learningRate: "--learning-rate" };
  const flag = Object.entries(useless).find(([name]) => given.has(name))?.[1];
  if (flag === undefined) return;
  throw new GraftError(
    "usage",
    `${flag} is for methods that learn by steps (${stepped.join(", ")}), not ${method}. Leave it out.`,
  );
}

/** A method in each of its settings, judged. One that these images do not allow says why; throws where nothing is left of a method that was asked for. */
async function* triedOut(method: MethodName, circumstances: Circumstances): AsyncGenerator<TaskEvent, JudgedTrial[]> {
  const { input, domains, platform, signal } = circumstances;
  const compute = { engine: platform.engine, signal };
  const judged: JudgedTrial[] = [];
  const refusals: GraftError[] = [];
  for (const { text, make } of waysOf(method, circumstances)) {
    const startMs = platform.nowMs();
    try {
      const trial = yield* make();
      const { held, classes } = domains.subject.data;
      const judgement = await judgeTrial(trial, { heldLabels: labelsOf(held), classes }, compute);
      judged.push({ trial, ...judgement, seconds: (platform.nowMs() - startMs) / 1000 });
    } catch (error) {
      if (!(error instanceof GraftError) || error.code === "interrupted") throw error;
      refusals.push(error);
      yield { type: "note", text: `left out: ${method}${text === "" ? "" : `, ${text}`}: ${error.message}` };
    }
  }
  const [refusal] = refusals;
  if (judged.length === 0 && refusal !== undefined && (input.method === method || method === "source-only"))
    throw refusal;
  return judged;
}

interface Way {
  readonly text: string;
  make(): AsyncGenerator<TaskEvent, DomainTrial>;
}

function waysOf(method: MethodName, circumstances: Circumstances): readonly Way[] {
  const { input, opened, domains, classCounts: counts, platform, signal } = circumstances;
  const { isPartial, basis } = opened;
  const compute = { engine: platform.engine, signal };
  const settings = { ...input, isPartial, nowMs: () => platform.nowMs() };
  const { subject, scaled } = domains;
  if (isSourceFree(method)) return [{ text: "", make: () => learnHypothesis(subject, settings, compute) }];
  if (isTrained(method)) return [{ text: "", make: () => learnDomains(subject, method, settings, compute) }];
  if (scaled === undefined || basis.kind !== "features")
    return [{ text: "", make: () => learnSource(subject, settings, compute) }];
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
