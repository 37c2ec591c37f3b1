import type { Compute } from "../algebra/compute.ts";
import { rowsAt } from "../algebra/matrix.ts";
import { foldsOf } from "../data/folds.ts";
import type { Platform } from "../platform/platform.ts";
import { imageData, labelsOf } from "../transfer/domainData.ts";
import { scratchSubject } from "../transfer/domainSubject.ts";
import { dataOf } from "../transfer/domainTrial.ts";
import { learnSource } from "../transfer/learnDomains.ts";
import { solveLinearHead } from "../transfer/linearHead.ts";
import type { AdaptInput } from "./adaptInput.ts";
import type { FeatureBasis, OpenedDomains } from "./openDomains.ts";
import { answersOf } from "./probabilities.ts";
import { balanced } from "./seedDomains.ts";
import type { TaskEvent } from "./task.ts";

const foldCount = 5;

/** Target images whose class is known to be one of the answers. */
export function knownImages({ truth }: Pick<OpenedDomains, "truth">): readonly number[] {
  return Array.from(truth.keys()).filter((i) => (truth[i] ?? -1) >= 0);
}

/** What the same network reaches, seed by seed, when it learns from the target's labels and is asked for others; nothing for too few of them. */
export async function* targetOracle(
  opened: OpenedDomains,
  input: AdaptInput,
  platform: Platform,
  compute: Compute,
): AsyncGenerator<TaskEvent, readonly number[]> {
  const known = knownImages(opened);
  const { truth, target, basis } = opened;
  const samples = target.samples.map((sample, i) => ({ ...sample, label: truth[i] ?? -1 }));
  const shares: number[] = [];
  for (let turn = 0; turn < input.seeds; turn++) {
    const seed = input.seed + turn;
    const folds = foldsOf(samples, known, { count: foldCount, seed });
    if (new Set(folds).size < 2 || new Set(known.map((i) => truth[i])).size < 2) return [];
    const labelled = { ...opened, target: { ...target, samples } };
    const share =
      basis.kind === "features"
        ? await solvedOracle(opened, basis, { known, folds, seed }, compute)
        : yield* learnedOracle(labelled, { known, folds, seed }, { ...input, nowMs: () => platform.nowMs() }, compute);
    if (share !== undefined) shares.push(share);
  }
  return shares;
}

interface Dealt {
  readonly known: readonly number[];
  readonly folds: Int32Array;
  readonly seed: number;
}

/** A linear head on the features, in cross-validation. */
async function solvedOracle(
  { truth, answerLabels }: OpenedDomains,
  { draw }: FeatureBasis,
  { known, folds, seed }: Dealt,
  { engine, signal }: Compute,
): Promise<number | undefined> {
  const { target } = draw(seed);
  const classes = answerLabels.length;
  const labels = Int32Array.from(known, (i) => truth[i] ?? 0);
  const options = { units: classes, folds, classWeights: undefined, ...(signal === undefined ? {} : { signal }) };
  const { trials, penalty } = await solveLinearHead(dataOf(rowsAt(target, known), labels), options, engine);
  return trials.find((trial) => trial.penalty === penalty)?.accuracy;
}

/** The small CNN, asked for one fold: all of them would take as many trainings. */
async function* learnedOracle(
  { target, answerLabels }: OpenedDomains,
  { known, folds, seed }: Dealt,
  settings: Omit<Parameters<typeof learnSource>[1], "checkpoints">,
  compute: Compute,
): AsyncGenerator<TaskEvent, number | undefined> {
  const [train, validation] = [known.filter((_, i) => folds[i] !== 0), known.filter((_, i) => folds[i] === 0)];
  if (train.length === 0 || validation.length === 0) return undefined;
  const classes = answerLabels.length;
  const data = imageData({ source: target, target }, { train, validation }, balanced(target, train, classes));
  const { probabilities } = yield* learnSource(scratchSubject(data), { ...settings, seed }, compute);
  const truth = labelsOf(data.held);
  const answers = answersOf(probabilities.held, classes);
  return answers.filter((answer, i) => answer === truth[i]).length / truth.length;
}
