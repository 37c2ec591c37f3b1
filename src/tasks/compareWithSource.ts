import { alignTable } from "../metrics/textTable.ts";
import { featureExtraction } from "../transfer/featureExtraction.ts";
import {
  type InstanceImages,
  type InstanceJob,
  type InstancePlan,
  instanceTransfer,
  usualWeighting,
} from "../transfer/instanceTransfer.ts";
import { type PairedGain, pairedGain } from "../transfer/pairedGain.ts";
import { effectiveSampleSize } from "../transfer/sourceWeights.ts";
import type { StrategyEvent, TransferPlan } from "../transfer/strategy.ts";
import { type Learned, learn } from "./learn.ts";
import { rightAnswers } from "./probabilities.ts";
import type { RunFolder } from "./runFolder.ts";
import { saveRun } from "./saveRun.ts";
import type { TaskEvent } from "./task.ts";
import { type Job, needed, type Settings, transferJob } from "./trainPlan.ts";

/** So many of the most and the least used source images are named. */
const named = 20;

/** What one way of using the source came to. */
interface Trial {
  readonly name: string;
  readonly seconds: number;
  readonly right: readonly number[];
  readonly learned: Learned;
}

/**
 * Learns from the target alone, from target and source, and from both with the source's images weighted; takes a later one only where it is
 * better on the target's validation images than what was best by more than its standard error. Saves it, and an account of the choice.
 */
export async function* compareWithSource(
  job: Job,
  { settings, pool }: { readonly settings: Settings; readonly pool: InstanceImages },
  folder: RunFolder,
): AsyncGenerator<TaskEvent> {
  const weighting = job.input.weighting ?? usualWeighting;
  const own = { ...transferJob(job, settings), backbone: needed(job.backbone) };
  const joint: InstanceJob = { ...own, ...pool };
  const plans: TransferPlan[] = [];
  const attempt = async function* <P extends TransferPlan>(name: string, planned: AsyncGenerator<StrategyEvent, P>) {
    yield { type: "note", text: `${name}:` } satisfies TaskEvent;
    const startMs = job.platform.nowMs();
    const plan = yield* planned;
    plans.push(plan);
    const learned = yield* learn(job, { plan, settings }, folder);
    if (learned === undefined) throw new Error("what is solved cannot be interrupted between steps");
    const right = await rightAnswers(job, learned);
    return { plan, trial: { name, right, learned, seconds: (job.platform.nowMs() - startMs) / 1000 } };
  };
  try {
    const { trial: alone } = yield* attempt("target alone", featureExtraction(own, "linear"));
    const { trial: even } = yield* attempt("with the source, unweighted", instanceTransfer(joint, undefined));
    const weighed = yield* attempt(`with the source, weighted by ${weighting}`, instanceTransfer(joint, weighting));
    const trials = [alone, even, weighed.trial];
    const use = usedOf(joint, weighed.plan, job.labels);
    yield {
      type: "note",
      text: `${weighting}: ${use.images} source images count as ${use.effectiveSampleSize.toFixed(1)} of equal weight`,
    };
    yield { type: "note", text: table(trials) };
    const { chosen, reason } = choose(alone, even, weighed.trial);
    yield { type: "note", text: reason };
    const figures = trials.map((trial) => ({
      name: trial.name,
      seconds: trial.seconds,
      accuracy: accuracyOf(trial),
      ...(trial === alone ? {} : pairedGain(alone.right, trial.right)),
    }));
    const source = { data: job.input.source, weighting, ...use };
    await folder.writeJson("account.json", { trials: figures, chosen: chosen.name, reason, source, settings });
    yield* saveRun(job, chosen.learned, folder);
  } finally {
    for (const plan of plans) await plan.dispose();
  }
}

/** How many images the weights leave, and which count most and least. */
function usedOf({ images, source }: InstanceJob, { sourceWeights }: InstancePlan, labels: readonly string[]) {
  const order = [...source.keys()].sort((a, b) => (sourceWeights[b] ?? 0) - (sourceWeights[a] ?? 0));
  const told = (at: number) => {
    const { id = "", label = 0 } = images.samples[source[at] ?? 0] ?? {};
    return { image: id, label: labels[label] ?? "", weight: sourceWeights[at] ?? 0 };
  };
  return {
    images: source.length,
    effectiveSampleSize: effectiveSampleSize(sourceWeights),
    mostUsed: order.slice(0, named).map(told),
    leastUsed: order.slice(-named).reverse().map(told),
  };
}

function choose(alone: Trial, even: Trial, weighed: Trial): { readonly chosen: Trial; readonly reason: string } {
  const evenHelps = isBetter(pairedGain(alone.right, even.right));
  const beyond = pairedGain((evenHelps ? even : alone).right, weighed.right);
  const chosen = isBetter(beyond) ? weighed : evenHelps ? even : alone;
  const by = `chosen: ${chosen.name}, by ${alone.right.length} validation images of the target`;
  if (chosen === weighed) return { chosen, reason: by };
  if (chosen === even) {
    return { chosen, reason: `${by}; weights bring ${shown(beyond)} beyond that, no more than their standard error` };
  }
  return { chosen, reason: `${by}: the source brings no more than its standard error` };
}

function isBetter({ gain, standardError }: PairedGain): boolean {
  return gain > standardError;
}

function table(trials: readonly Trial[]): string {
  const [alone] = trials;
  const rows = trials.map((trial) => [
    trial.name,
    `${points(accuracyOf(trial))} %`,
    alone === undefined || trial === alone ? "" : shown(pairedGain(alone.right, trial.right)),
  ]);
  return alignTable([["", "right on validation", "gain over target alone"], ...rows]);
}

function accuracyOf({ right }: Trial): number {
  return right.reduce((sum, one) => sum + one, 0) / right.length;
}

function shown({ gain, standardError }: PairedGain): string {
  return `${gain < 0 ? "−" : "+"}${points(Math.abs(gain))} ± ${points(standardError)} points`;
}

/** In percent. */
function points(fraction: number): string {
  return (100 * fraction).toFixed(1);
}
