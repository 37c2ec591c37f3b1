import { GraftError } from "../base/errors.ts";
import type { Answer, JudgedRun } from "./judgedRun.ts";

/** What can be compared of a part: images that every run answered and none learned from. */
export interface CommonImages {
  readonly part: string;
  /** The true classes. */
  readonly truth: readonly string[];
  /** [runs][images] */
  readonly answers: readonly (readonly string[])[];
  /** What was left out and why, for people. */
  readonly warnings: readonly string[];
}

/** Throws `data` unless all runs know the same classes, in any order. */
export function checkClasses(runs: readonly JudgedRun[]): void {
  const [first, ...others] = runs;
  for (const { path, labels } of others) {
    const missing = first?.labels.filter((label) => !labels.includes(label)) ?? [];
    const beyond = labels.filter((label) => first?.labels.includes(label) === false);
    if (missing.length + beyond.length === 0) continue;
    const told = [
      ...(missing.length > 0 ? [`lacks ${listed(missing)}`] : []),
      ...(beyond.length > 0 ? [`knows ${listed(beyond)} besides`] : []),
    ];
    throw new GraftError(
      "data",
      `compare: "${path}" has other classes than "${first?.path}": it ${told.join(" and ")}. Compare runs of the same classes.`,
    );
  }
}

/** The images of a part that all runs answered alike labelled; nothing where the first has no such part. */
export function commonImages(runs: readonly JudgedRun[], part: string): CommonImages | undefined {
  const answered = runs.map(({ parts }) => parts.get(part) ?? new Map<string, Answer>());
  const [first] = answered;
  if (first === undefined || first.size === 0) return undefined;
  const shared = [...first.keys()].filter((hash) => answered.every((answers) => answers.has(hash)));
  const fair = shared.filter((hash) => runs.every(({ trained }) => !trained.has(hash)));
  const agreed = fair.filter((hash) => new Set(answered.map((answers) => answers.get(hash)?.label)).size === 1);
  const relabelled = fair.length - agreed.length;
  return {
    part,
    truth: agreed.map((hash) => first.get(hash)?.label ?? ""),
    answers: answered.map((answers) => agreed.map((hash) => answers.get(hash)?.answer ?? "")),
    warnings: [
      ...runs.flatMap((run) => leaks(run, runs, answered, part)),
      ...differences(runs, answered, shared.length, part),
      ...(relabelled > 0 ? [`images of ${part} that the runs know by different labels: ${relabelled}, left out`] : []),
    ],
  };
}

/** Says which images that others are judged by a run has learned from. */
function leaks(
  run: JudgedRun,
  runs: readonly JudgedRun[],
  answered: readonly ReadonlyMap<string, Answer>[],
  part: string,
): readonly string[] {
  const held = new Map<string, Answer>(runs.flatMap((_, i) => [...(answered[i] ?? [])]));
  const learned = [...held].filter(([hash]) => run.trained.has(hash)).map(([, { image }]) => `"${image}"`);
  if (learned.length === 0) return [];
  const shown = [...learned.slice(0, 3), ...(learned.length > 3 ? ["…"] : [])].join(", ");
  return [`"${run.path}" was trained on ${learned.length} of the ${held.size} images of ${part} (${shown}): left out`];
}

/** Says so where the runs did not answer the same images. */
function differences(
  runs: readonly JudgedRun[],
  answered: readonly ReadonlyMap<string, Answer>[],
  shared: number,
  part: string,
): readonly string[] {
  if (answered.every(({ size }) => size === shared)) return [];
  const counts = runs.map(({ path }, i) => `"${path}" ${answered[i]?.size ?? 0}`).join(", ");
  return [`the runs have other images as ${part} (${counts}): only the ${shared} that they share are compared`];
}

function listed(labels: readonly string[]): string {
  const shown = labels.slice(0, 5).map((label) => `"${label}"`);
  return [...shown, ...(labels.length > 5 ? [`and ${labels.length - 5} more`] : [])].join(", ");
}
