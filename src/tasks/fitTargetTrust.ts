import type { TargetTrust } from "../artefact/trust.ts";
import { identity } from "../graph/identity.ts";
import type { Value } from "../graph/value.ts";
import { logitsOf } from "../nn/calibratedOutput.ts";
import { type HeadTarget, labelled } from "../transfer/headTargets.ts";
import { answerLayer } from "../transfer/multiTaskHeads.ts";
import { fitAnswerTrust, type RawAnswers, shownOn } from "./fitTrust.ts";
import type { Learned } from "./learn.ts";
import type { Job } from "./trainPlan.ts";

type ClassTarget = HeadTarget & { readonly kind: "classes" };

/** What a network says of one target with classes, of the images whose label is known. */
export interface TargetAnswers extends RawAnswers {
  readonly name: string;
}

/** Logits and probabilities of each target with classes before calibration. */
export async function rawTargetAnswers(
  job: Job,
  learned: Learned,
  targets: readonly HeadTarget[],
  indices: readonly number[],
): Promise<readonly TargetAnswers[]> {
  const classes = targets.filter((target): target is ClassTarget => target.kind === "classes");
  if (classes.length === 0 || indices.length === 0) return [];
  const shown = await shownOn(job, learned, indices, (_, { build }) =>
    Object.fromEntries(
      classes.flatMap((target, c): [string, Value][] => {
        const probabilities = build.layerOutputs.get(answerLayer(target));
        if (probabilities === undefined) throw new Error(`the network has no answer to "${target.name}"`);
        return [
          [`logits ${c}`, identity(logitsOf(probabilities))],
          [`probabilities ${c}`, identity(probabilities)],
        ];
      }),
    ),
  );
  return classes.map((target, c) => {
    const t = targets.indexOf(target);
    const { samples } = job.images;
    const known = new Set(labelled(samples, indices, t));
    const rows = indices.flatMap((image, row) =>
      known.has(image) ? [{ row, label: samples[image]?.targets?.[t] ?? 0 }] : [],
    );
    const width = target.labels.length;
    const kept = (name: string) => {
      const all = shown.get(`${name} ${c}`) ?? new Float32Array(0);
      const own = new Float32Array(rows.length * width);
      for (const [to, { row }] of rows.entries()) own.set(all.subarray(row * width, (row + 1) * width), to * width);
      return own;
    };
    const labels = Int32Array.from(rows, ({ label }) => label);
    return { name: target.name, logits: kept("logits"), probabilities: kept("probabilities"), labels, classes: width };
  });
}

/** What can be promised of each target with classes by the validation images whose label is known; nothing of those without any. */
export async function fitTargetTrust(
  job: Job,
  validation: readonly TargetAnswers[],
): Promise<ReadonlyMap<string, TargetTrust>> {
  const fitted = new Map<string, TargetTrust>();
  for (const answers of validation) {
    if (answers.labels.length > 0) fitted.set(answers.name, await fitAnswerTrust(job, answers));
  }
  return fitted;
}
