import type { ClassificationBatch } from "../metrics/classificationBatch.ts";
import { type HeadTarget, offsetsOf, widthOf } from "../transfer/headTargets.ts";
import { learnedWeight, logVariancePath } from "../transfer/multiTaskHeads.ts";
import type { Learned } from "./learn.ts";
import { probabilitiesOf } from "./probabilities.ts";
import { type Tally, tallyOf } from "./tally.ts";
import type { TaskEvent } from "./task.ts";
import type { Job } from "./trainPlan.ts";

/** Of several targets: a report each, and the figures by their names. */
export interface TargetVerdicts {
  readonly events: readonly TaskEvent[];
  readonly figures: Readonly<Record<string, unknown>>;
}

/** The reports on all targets, with a word on those without any label. */
export function verdictsByTarget(
  title: string,
  targets: readonly { readonly name: string; readonly tally: Tally | undefined }[],
): TargetVerdicts {
  const verdicts = targets.map(({ name, tally }) => ({ name, verdict: tally?.verdict(`${title}: ${name}`) }));
  const without = verdicts.flatMap(({ name, verdict }) => (verdict === undefined ? [name] : []));
  const text = `${title}: not measured, for want of labels: ${without.join(", ")}`;
  return {
    events: [
      ...verdicts.flatMap(({ verdict }) => verdict?.event ?? []),
      ...(without.length === 0 ? [] : [{ type: "warning", text } as const]),
    ],
    figures: Object.fromEntries(verdicts.flatMap(({ name, verdict }) => (verdict ? [[name, verdict.report]] : []))),
  };
}

/** How good a network of several targets is on some of the job's images; `classes` are its answers to targets with classes, as they are served. */
export async function targetVerdicts(
  job: Job,
  learned: Learned,
  targets: readonly HeadTarget[],
  indices: readonly number[],
  { title, classes }: { readonly title: string; readonly classes: ReadonlyMap<string, ClassificationBatch> },
): Promise<TargetVerdicts> {
  const rows = await probabilitiesOf(job, learned, indices);
  const width = targets.reduce((sum, target) => sum + widthOf(target), 0);
  const offsets = offsetsOf(targets);
  const tallies = targets.map((target, t) => {
    const tally = tallyOf(target);
    if (target.kind === "classes") {
      addAll(tally, classes.get(target.name));
      return { name: target.name, tally };
    }
    for (const [row, image] of indices.entries()) {
      const truth = job.images.samples[image]?.targets?.[t];
      const at = row * width + (offsets[t] ?? 0);
      if (truth !== undefined) tally.add(rows.subarray(at, at + 1), truth);
    }
    return { name: target.name, tally };
  });
  return verdictsByTarget(title, tallies);
}

function addAll(tally: Tally, answers: ClassificationBatch | undefined): void {
  const { probabilities, labels, classes } = answers ?? { probabilities: [], labels: [], classes: 0 };
  for (let i = 0; i < labels.length; i++) {
    tally.add(Float32Array.from(probabilities.slice(i * classes, (i + 1) * classes)), labels[i] ?? 0);
  }
}

/** What each target's loss counts: as it was given, or as it was learned. */
export function taskWeights({ plan, state }: Pick<Learned, "plan" | "state">): readonly number[] {
  const { targets = [] } = plan;
  const logVariances = state.current.get(logVariancePath)?.floats;
  return targets.map((target, t) =>
    logVariances === undefined ? target.weight : learnedWeight(target, logVariances[t] ?? 0),
  );
}
