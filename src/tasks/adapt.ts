import { classCounts } from "../adapt/partialTransfer.ts";
import { weightedMethod } from "../adapt/trainedMethods.ts";
import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { labelsOf } from "../transfer/domainData.ts";
import type { DomainTrial } from "../transfer/domainTrial.ts";
import { type JudgedTrial, judgeTrial } from "../transfer/judgeTrial.ts";
import { validators } from "../transfer/validators.ts";
import { type AdaptationTrial, acrossSeeds, resultsOf, type SeedResult } from "./acrossSeeds.ts";
import { adaptationEntries } from "./adaptationEntries.ts";
import {
  type Circumstances,
  checkApplies,
  isOpenSet,
  type MethodName,
  methodsOf,
  waysOf,
} from "./adaptationMethods.ts";
import { AdaptFolder } from "./adaptFolder.ts";
import { type AdaptInput, adaptSchema, withDomains } from "./adaptInput.ts";
import { adaptRun, isRun } from "./adaptRun.ts";
import { chooseTrial } from "./chooseTrial.ts";
import { weightsTold } from "./classWeights.ts";
import { type OpenedDomains, openDomains } from "./openDomains.ts";
import { storedInput } from "./resume.ts";
import { saveAdapted } from "./saveAdapted.ts";
import { seedDomains } from "./seedDomains.ts";
import { StepBudget } from "./stepBudget.ts";
import { targetOracle } from "./targetOracle.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";
import { toldByLabels } from "./toldByLabels.ts";

/** `graft adapt`: a labelled source and unlabelled photos of the target become a classifier for the target. */
export const adapt: Task = defineTask({
  name: "adapt",
  summary: "Adapt a classifier from labelled photos to unlabelled ones of another kind",
  input: adaptSchema,
  async *run(asked, platform, signal, given) {
    const startMs = platform.nowMs();
    const { resume } = asked;
    const stored = resume && (await storedInput({ command: "adapt", schema: adaptSchema }, resume, given, platform));
    const input = withDomains(stored ? { ...stored, resume } : asked);
    checkApplies(input, given);
    if (await isRun(input.source, platform)) {
      yield* adaptRun(input, platform, signal, given);
      return;
    }
    const compute = { engine: platform.engine, signal };
    const opened = yield* openDomains(input, platform, signal);
    if (opened.targetClasses === "more" && !suitsOpenTargets(input.method))
      yield { type: "warning", text: toldUnsuited(input.method) };
    const kept = await AdaptFolder.open(input, opened, platform);
    try {
      const trials = yield* triedWithSeeds(opened, { input, kept }, platform, signal);
      const choice = chooseTrial(trials, input.method, opened);
      const oracles = yield* targetOracle(opened, input, platform, compute);
      const table = adaptationEntries(opened, trials, choice.best, { oracles, seeds: input.seeds });
      yield { type: "adaptations", ...table };
      for (const text of choice.reasons) yield { type: "note", text };
      const told = toldByLabels(choice, opened.truth);
      if (told !== undefined) yield { type: "note", text: told };
      yield* saveAdapted(opened, { input, choice, table, kept, startMs }, platform, compute);
    } catch (error) {
      if (!(error instanceof GraftError) || error.code !== "interrupted" || kept.path === undefined) throw error;
      yield { type: "note", text: `saved. Continue with: graft adapt --resume ${kept.path}` };
    }
  },
});

/** Every method in each of its settings, once with each seed. */
async function* triedWithSeeds(
  opened: OpenedDomains,
  { input, kept }: { readonly input: AdaptInput; readonly kept: AdaptFolder },
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, readonly AdaptationTrial[]> {
  const methods = methodsOf(input, opened);
  const budget = await StepBudget.open(input, kept, platform);
  const total = input.seeds * methods.length;
  const first: DomainTrial[] = [];
  const results: (readonly SeedResult[])[] = [];
  for (let turn = 0; turn < input.seeds; turn++) {
    const seed = input.seed + turn;
    const domains = await seedDomains(opened, seed, { engine: platform.engine, signal });
    const ofSeed: JudgedTrial[] = [];
    const { classes } = domains.subject.data;
    for (const [done, method] of methods.entries()) {
      if (!budget.allows(method)) continue;
      // Source-only is the first: it sees the source as it is, and tells what the target seems to lack.
      const [sourceOnly] = ofSeed;
      const isPartial = opened.targetClasses === "some" || method === weightedMethod;
      const counts = isPartial && sourceOnly !== undefined ? classCounts(sourceOnly.answers, classes) : undefined;
      if (turn === 0 && done === 1 && counts !== undefined) yield { type: "note", text: countsTold(counts, opened) };
      const own = { input: { ...input, seed }, checkpoints: kept.checkpoints(seed) };
      const startMs = platform.nowMs();
      const circumstances = { ...own, opened, domains, classCounts: counts, platform, signal };
      const judged = yield* triedOut(method, circumstances, turn === 0 ? budget : undefined);
      if (turn === 0) budget.commit(platform.nowMs() - startMs);
      ofSeed.push(...judged);
      if (judged.length > 0) yield { type: "note", text: lineOf(method, seed, judged) };
      const place = turn * methods.length + done + 1;
      yield { type: "progress", phase: "adapt", done: place, total, unit: "steps" };
    }
    if (turn === 0) first.push(...ofSeed.map(({ trial }) => trial));
    results.push(resultsOf(ofSeed, opened.answerLabels.length));
  }
  return acrossSeeds(first, results);
}

function suitsOpenTargets(method: AdaptInput["method"]): boolean {
  return method === "auto" || method === "source-only" || isOpenSet(method);
}

function toldUnsuited(method: string): string {
  return `--method ${method} brings all target images together with the source's classes, those of other classes too. Use --method osbp; or --target-classes all where these images do not matter.`;
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

/** A method in each of its settings, judged. One that these images do not allow says why; throws where nothing is left of a method that was asked for. */
async function* triedOut(
  method: MethodName,
  circumstances: Circumstances,
  budget: StepBudget | undefined,
): AsyncGenerator<TaskEvent, JudgedTrial[]> {
  const { input, domains, platform, signal } = circumstances;
  const compute = { engine: platform.engine, signal };
  const judged: JudgedTrial[] = [];
  const refusals: GraftError[] = [];
  for (const { text, make } of waysOf(method, circumstances)) {
    const startMs = platform.nowMs();
    try {
      const trial = yield* budget?.timed(method, make()) ?? make();
      if (trial === undefined) continue;
      const { held } = domains.subject.data;
      const judgement = await judgeTrial(trial, { heldLabels: labelsOf(held) }, compute);
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
