import { type FeatureMethodName, featureMethodNames, settingsOf } from "../adapt/featureMethods.ts";
import {
  type SourceFreeMethodName,
  sourceFreeMethodNames,
  statisticsMethod,
  type TrainedMethodName,
  trainedMethodNames,
} from "../adapt/trainedMethods.ts";
import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { alignFeatures } from "../transfer/alignFeatures.ts";
import type { DomainTrial } from "../transfer/domainTrial.ts";
import { type JudgedTrial, judgeTrial } from "../transfer/judgeTrial.ts";
import { learnDomains } from "../transfer/learnDomains.ts";
import { learnHypothesis } from "../transfer/learnSourceFree.ts";
import { type ScaledDomains, scaleDomains } from "../transfer/scaling.ts";
import { validators } from "../transfer/validators.ts";
import { type AdaptationTrial, acrossSeeds, resultsOf, type SeedResult } from "./acrossSeeds.ts";
import { adaptationEntries } from "./adaptationEntries.ts";
import { type AdaptInput, adaptSchema } from "./adaptInput.ts";
import { adaptRun, isRun } from "./adaptRun.ts";
import { adaptStatistics } from "./adaptStatistics.ts";
import { chooseTrial } from "./chooseTrial.ts";
import { type OpenedDomains, openDomains } from "./openDomains.ts";
import { saveAdapted } from "./saveAdapted.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";
import { toldByLabels } from "./toldByLabels.ts";

interface Circumstances {
  readonly input: AdaptInput;
  readonly opened: OpenedDomains;
  readonly domains: ScaledDomains;
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
    const table = await adaptationEntries(opened, trials, choice.best, compute, input);
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
  const methods = methodsOf(input);
  const total = input.seeds * methods.length;
  const first: DomainTrial[] = [];
  const results: (readonly SeedResult[])[] = [];
  for (let turn = 0; turn < input.seeds; turn++) {
    const seed = input.seed + turn;
    const domains = await scaleDomains(opened.draw(seed).features, { engine: platform.engine, signal });
    const ofSeed: JudgedTrial[] = [];
    for (const [done, method] of methods.entries()) {
      const judged = yield* triedOut(method, { input: { ...input, seed }, opened, domains, platform, signal });
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

/** What a method cost, and what it seems to be worth. */
function lineOf(method: string, seed: number, judged: readonly JudgedTrial[]): string {
  const seconds = judged.reduce((sum, trial) => sum + trial.seconds, 0);
  const best = Math.max(...judged.map(({ scores }) => scores.infoMax));
  const settings = judged.length === 1 ? "" : `, ${judged.length} settings`;
  return `seed ${seed}: ${method}${settings}: ${seconds.toFixed(1)} s, ${validators.infoMax.title} ${best.toFixed(3)}`;
}

type MethodName = FeatureMethodName | TrainedMethodName | SourceFreeMethodName | typeof statisticsMethod;

/** Source-only is always there to be compared with. */
function methodsOf({ method }: AdaptInput): readonly MethodName[] {
  if (method === "auto") return featureMethodNames;
  return method === "source-only" ? [method] : ["source-only", method];
}

function isTrained(method: AdaptInput["method"]): method is TrainedMethodName {
  return trainedMethodNames.some((name) => name === method);
}

function isSourceFree(method: AdaptInput["method"]): method is SourceFreeMethodName {
  return sourceFreeMethodNames.some((name) => name === method);
}

/** Throws `usage` for an option that the method does not heed. */
function checkApplies({ method }: AdaptInput, given: ReadonlySet<string>): void {
  if (isTrained(method) || isSourceFree(method)) return;
  const useless = { epochs: "--epochs", batchSize: "--batch-size", learningRate: "--learning-rate" };
  const flag = Object.entries(useless).find(([name]) => given.has(name))?.[1];
  if (flag === undefined) return;
  throw new GraftError(
    "usage",
    `${flag} is for methods that learn by steps (${[...trainedMethodNames, ...sourceFreeMethodNames].join(", ")}), not ${method}. Leave it out.`,
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
      const judgement = await judgeTrial(trial, domains.features, compute);
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

function waysOf(method: MethodName, { input, opened, domains, platform, signal }: Circumstances): readonly Way[] {
  const compute = { engine: platform.engine, signal };
  const settings = { ...input, nowMs: () => platform.nowMs() };
  if (method === statisticsMethod) return [{ text: "", make: () => adaptStatistics(opened, input, platform, signal) }];
  if (isSourceFree(method)) return [{ text: "", make: () => learnHypothesis(domains, settings, compute) }];
  if (isTrained(method)) {
    return [{ text: "", make: () => learnDomains(domains, method, settings, compute) }];
  }
  return settingsOf(method, domains.features).map((setting) => ({
    text: setting.text,
    // biome-ignore lint/correctness/useYield: solved at once, in the form of those that report steps
    async *make() {
      return alignFeatures(domains, { method, setting }, input.penalty, compute);
    },
  }));
}
