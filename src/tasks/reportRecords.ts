import { z } from "zod";
import type { Reliability } from "../metrics/reliability.ts";
import type { StrategyAccount } from "../report/accountTable.ts";
import { type RunCost, runCostSchema } from "./runCost.ts";
import { costFile, type RunFolder } from "./runFolder.ts";

const record = z.record(z.string(), z.unknown());
const text = z.string().optional();
const ids = z.array(z.string()).default([]);

const configSchema = z.object({
  train: z.looseObject({ data: z.string(), group: text, backbone: text, targets: text }).optional(),
  adapt: z.looseObject({ source: z.string(), target: z.string(), backbone: text }).optional(),
  classWeights: z.unknown().optional(),
});
export type RunConfig = z.output<typeof configSchema>;

const splitsSchema = z.object({
  train: ids,
  validation: ids,
  test: ids,
  hashes: z.object({ train: ids, validation: ids, test: ids }).optional(),
});
export type RunSplits = z.output<typeof splitsSchema>;

const reliabilitySchema = z.object({
  expectedError: z.number(),
  bins: z.array(
    z.object({ from: z.number(), to: z.number(), weight: z.number(), confidence: z.number(), accuracy: z.number() }),
  ),
});
const trustSchema = z.object({
  trust: z.object({ calibration: z.object({ before: z.record(z.string(), reliabilitySchema) }) }),
});

const gain = { gain: z.number().optional(), standardError: z.number().optional() };
const tried = { seconds: z.number(), ...gain };
/** Of `--strategy auto`, of `--source`, and of `graft adapt`. */
const accountSchema = z.union([
  z.object({
    trials: z.array(z.object({ strategy: z.string(), accuracy: z.number(), ...tried })),
    chosen: z.string(),
    reasons: z.array(z.string()),
  }),
  z.object({
    trials: z.array(z.object({ name: z.string(), accuracy: z.number(), ...tried })),
    chosen: z.string(),
    reason: z.string(),
  }),
  z.object({
    validator: z.string(),
    targetClasses: text,
    trials: z.array(
      z.object({
        method: z.string(),
        setting: z.string(),
        seconds: z.number(),
        accuracy: z.object({ mean: z.number() }).optional(),
      }),
    ),
    chosen: z.object({ method: z.string(), setting: z.string() }),
    reasons: z.array(z.string()),
    ...gain,
  }),
  z.object({ validator: z.string(), method: z.string(), gain: z.number(), standardError: z.number() }),
]);

/** What a run folder tells of the run, as far as a report needs it; what an older Graft did not write is absent. */
export interface RunRecords {
  readonly config: RunConfig;
  /** The settings, as they stand in `config.json`. */
  readonly settings: Readonly<Record<string, unknown>>;
  readonly splits: RunSplits | undefined;
  /** By part. */
  readonly figures: Readonly<Record<string, unknown>>;
  /** Of each part, before calibration. */
  readonly uncalibrated: Readonly<Record<string, Reliability>>;
  readonly account: StrategyAccount | undefined;
  readonly cost: RunCost | undefined;
}

/** Reads what is there. Throws `input` where the folder is none of a run. */
export async function readRecords(folder: RunFolder): Promise<RunRecords> {
  const stored = await folder.readJson("config.json");
  const figures = record.catch({}).parse(await optional(folder, "metrics.json"));
  const config: RunConfig = configSchema.safeParse(stored).data ?? {};
  return {
    config,
    settings: record.catch({}).parse(config.train ?? config.adapt ?? stored),
    splits: splitsSchema.safeParse(await optional(folder, "splits.json")).data,
    figures,
    uncalibrated: trustSchema.safeParse(figures).data?.trust.calibration.before ?? {},
    account: accountOf(await optional(folder, "account.json")),
    cost: runCostSchema.safeParse(await optional(folder, costFile)).data,
  };
}

async function optional(folder: RunFolder, name: string): Promise<unknown> {
  return (await folder.has(name)) ? folder.readJson(name) : undefined;
}

const bySteps = "A dearer one is kept only where it gains more than its own standard error on the validation images.";
const byInfoMax =
  "By InfoMax of calibrated answers to the target's images, without their labels; how many are right is told where labels are known, and decided nothing.";

const byNothing =
  "How many are right, the unknown ones among them, is told where labels are known, and decided nothing.";

function accountOf(stored: unknown): StrategyAccount | undefined {
  const account = accountSchema.safeParse(stored).data;
  if (account === undefined) return undefined;
  if ("method" in account) {
    const { method, gain: nats, standardError } = account;
    const told = `InfoMax changed by ${nats.toFixed(3)} ± ${standardError.toFixed(3)} nats against the run as it was.`;
    return { rule: byInfoMax, trials: [], chosen: method, reasons: [told] };
  }
  if ("validator" in account) {
    const nameOf = (one: { readonly method: string; readonly setting: string }) =>
      [one.method, one.setting].filter((part) => part !== "").join(", ");
    const trials = account.trials.map((trial) => ({
      name: nameOf(trial),
      seconds: trial.seconds,
      accuracy: trial.accuracy?.mean,
    }));
    const rule = account.targetClasses === "more" ? byNothing : byInfoMax;
    return { rule, trials, chosen: nameOf(account.chosen), reasons: account.reasons };
  }
  const reasons = "reasons" in account ? account.reasons : [account.reason];
  const trials = account.trials.map((trial) => ({ ...trial, name: "strategy" in trial ? trial.strategy : trial.name }));
  return { rule: bySteps, trials, chosen: account.chosen, reasons };
}
