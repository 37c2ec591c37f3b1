import { z } from "zod";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { stageEnds, withStageFeatures } from "../backbones/stageFeatures.ts";
import { GraftError } from "../base/errors.ts";
import { drawSome, foldsOf } from "../data/folds.ts";
import { FeatureCache } from "../transfer/featureCache.ts";
import { heldOutProbabilities } from "../transfer/heldOutProbabilities.ts";
import { pairedGain } from "../transfer/pairedGain.ts";
import { comparedOn } from "./rankBackbones.ts";
import type { RunFolder } from "./runFolder.ts";
import type { TaskEvent } from "./task.ts";
import { budgetMs } from "./trainInput.ts";
import type { Job } from "./trainPlan.ts";
import { whileWorking } from "./whileWorking.ts";

const foldCount = 5;
/** Of the budget; where the last features alone take more, those of the stages are not tried. */
const largestShare = 0.25;

/** What was decided once: it depends on the clock, and a resumed run must go on alike. */
const decisionFile = "features.json";
const decisionSchema = z.object({ features: z.enum(["last", "stages"]), reasons: z.array(z.string()) });
type Decision = z.output<typeof decisionSchema>;

/** A job with the features that were chosen, and why. */
interface ChosenFeatures {
  readonly job: Job;
  readonly reasons: string[];
}

/**
 * The job on the features of all stages of its backbone where a linear head on them is right more often than on the last features by more than
 * the standard error of that difference: on training images, at most a thousand, each judged by a head that never saw it. As it is where
 * `--features` says which.
 */
export async function* withFeaturesChosen(job: Job, folder: RunFolder): AsyncGenerator<TaskEvent, ChosenFeatures> {
  const { input, backbone } = job;
  const isOpen = input.features === undefined && input.head === "linear";
  if (!isOpen || backbone === undefined || stageEnds(backbone).length === 0) return { job, reasons: [] };
  const { features, reasons } = (await decided(folder)) ?? (yield* compared(job, backbone));
  await folder.writeJson(decisionFile, { features, reasons });
  for (const text of reasons) yield { type: "note", text };
  return { job: features === "stages" ? { ...job, backbone: withStageFeatures(backbone) } : job, reasons };
}

async function decided(folder: RunFolder): Promise<Decision | undefined> {
  if (!(await folder.has(decisionFile))) return undefined;
  const stored = decisionSchema.safeParse(await folder.readJson(decisionFile));
  if (stored.success) return stored.data;
  throw new GraftError(
    "input",
    `"${folder.file(decisionFile)}" was changed or damaged: expected the features that were chosen. Delete it to choose anew.`,
  );
}

async function* compared(job: Job, backbone: Backbone): AsyncGenerator<TaskEvent, Decision> {
  const { input, images, split, platform } = job;
  const startMs = platform.nowMs();
  const indices = drawSome(images.samples, split.train, { limit: comparedOn, seed: input.seed });
  const last = yield* heldOutAnswers(job, backbone, indices);
  if (platform.nowMs() - startMs > largestShare * budgetMs(input)) {
    const text = `features of the stages were left out: --budget ${input.budget} leaves no time to try them`;
    return { features: "last", reasons: [text] };
  }
  const all = yield* heldOutAnswers(job, withStageFeatures(backbone), indices);
  const judged = [...last.keys()].filter((at) => last[at] !== undefined && all[at] !== undefined);
  if (judged.length === 0) return { features: "last", reasons: [] };
  const of = (answers: readonly (number | undefined)[]) => judged.map((at) => answers[at] ?? 0);
  const { gain, standardError } = pairedGain(of(last), of(all));
  const isBetter = gain > standardError;
  const difference = `${gain < 0 ? "−" : "+"}${points(Math.abs(gain))} ± ${points(standardError)} points`;
  const verdict = isBetter
    ? "so a head learns from all stages"
    : "no more than its standard error, so the last ones stay";
  const text = `features of all stages beside the last ones: ${difference} on ${judged.length} training images, each judged by a head that never saw it; ${verdict}`;
  return { features: isBetter ? "stages" : "last", reasons: [text] };
}

/** Of each image: 1 where it was named right by a head that never saw it, else 0; nothing where there is no such head. */
async function* heldOutAnswers(
  { images, input, labels, platform, signal }: Job,
  backbone: Backbone,
  indices: readonly number[],
): AsyncGenerator<TaskEvent, readonly (number | undefined)[]> {
  const cache = await FeatureCache.open(backbone, images, platform);
  try {
    for await (const progress of cache.compute(indices, signal))
      yield { type: "progress", phase: "features", ...progress };
    const folds = foldsOf(images.samples, indices, { count: foldCount, seed: input.seed });
    const options = { units: labels.length, folds, signal };
    const rows = yield* whileWorking((tell) =>
      heldOutProbabilities(
        cache.data(indices),
        {
          ...options,
          onTrial: (done, total) => tell({ type: "progress", phase: "heads", done, total, unit: "steps" }),
        },
        platform.engine,
      ),
    );
    return rows.map(
      (row, at) => row && Number(row.indexOf(Math.max(...row)) === images.samples[indices[at] ?? 0]?.label),
    );
  } finally {
    await cache.dispose();
  }
}

/** In percent. */
function points(fraction: number): string {
  return (100 * fraction).toFixed(1);
}
