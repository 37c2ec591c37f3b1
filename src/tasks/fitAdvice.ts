import { isIdentity } from "../image/augmentation.ts";
import { majorityShare } from "../metrics/majority.ts";
import { type Diagnosis, diagnoseCurves, type Validated } from "../train/diagnoseCurves.ts";
import { parseAugmentation } from "./augmentOption.ts";
import type { Learned } from "./learn.ts";
import type { Job } from "./trainPlan.ts";

/** What the curves of a run show and what to try, the likeliest first. */
export interface FitAdvice {
  readonly diagnosis: Diagnosis;
  readonly text: string;
  readonly remedies: readonly string[];
}

/** Nothing where the curves do not tell. */
export function fitAdvice(job: Job, learned: Learned): FitAdvice | undefined {
  const diagnosis = diagnoseCurves(learned.history, validatedBy(job));
  if (diagnosis === undefined) return undefined;
  const remedies = remediesFor(diagnosis, job, learned);
  return { diagnosis, text: told(diagnosis, remedies), remedies };
}

/** What the job validates on. */
export function validatedBy({ split, images }: Job): Validated {
  const majority = majorityShare(split.validation.map((i) => images.samples[i]?.label));
  return { count: split.validation.length, majority };
}

function told(diagnosis: Diagnosis, remedies: readonly string[]): string {
  const advice = remedies.length === 0 ? "" : `. To try, the likeliest first: ${remedies.join("; ")}`;
  switch (diagnosis.kind) {
    case "no-better-than-majority":
      return `nothing learned: ${percent(diagnosis.accuracy)} % of validation images are right, and always naming the most frequent class gives ${percent(diagnosis.majority)} %${advice}`;
    case "over-fitting":
      return `over-fitting: on the training images ${percent(diagnosis.gap)} points more are right than on the validation images (standard error ${percent(diagnosis.standardError)})${advice}`;
    case "under-fitting":
      return `under-fitting: even of the training images only ${percent(diagnosis.accuracy)} % are right${diagnosis.isImproving ? ", and the last epochs still made it better" : ""}${advice}`;
    case "balanced":
      return `fit: training and validation images agree to ${percent(Math.abs(diagnosis.gap))} points`;
  }
}

function percent(fraction: number): string {
  return (100 * fraction).toFixed(1);
}

function remediesFor(diagnosis: Diagnosis, { input, backbone }: Job, { settings, plan }: Learned): readonly string[] {
  const { strategy } = settings;
  const isTuned = strategy === "fine-tune" || (strategy === "distil" && backbone !== undefined);
  const learnsBySteps = plan.learning !== undefined;
  const when = (condition: boolean, remedy: string) => (condition ? [remedy] : []);
  const rate = (factor: number) => `--learning-rate ${Number((settings.learningRate * factor).toPrecision(2))}`;
  switch (diagnosis.kind) {
    case "balanced":
      return [];
    case "no-better-than-majority":
      return [
        "look at the images and their folders: do labels and images fit? (graft preview)",
        ...when(backbone === undefined, "start from a pretrained network (--backbone)"),
        ...when(learnsBySteps, `another learning rate (graft lr-find; it was ${settings.learningRate})`),
      ];
    case "over-fitting":
      return [
        "more images",
        ...when(
          isIdentity(parseAugmentation(settings.augment)),
          "augmentation (--augment horizontalFlip,rotationRange=10,zoomRange=0.15)",
        ),
        ...when(backbone === undefined, "start from a pretrained network (--backbone)"),
        ...when(isTuned && input.stages === undefined, "train fewer layers (--stages 2)"),
        ...when(isTuned && input.l2sp === 0, "stay near the pretrained weights (--l2sp 0.01)"),
        ...when(strategy === "feature-extraction" && input.head === "mlp", "a simpler head (--head linear)"),
        ...when(strategy === "feature-extraction" && input.head !== "mlp", "another backbone (graft rank)"),
      ];
    case "under-fitting":
      return [
        ...when(learnsBySteps && diagnosis.isImproving, `more epochs (--epochs ${2 * settings.epochs})`),
        ...when(strategy === "feature-extraction", "train the backbone too (--strategy fine-tune)"),
        ...when(isTuned && input.stages !== undefined, "train more layers (a larger --stages, or none)"),
        ...when(backbone === undefined, "start from a pretrained network (--backbone)"),
        ...when(learnsBySteps && !diagnosis.isImproving, `a higher learning rate (${rate(3)}; graft lr-find)`),
        ...when(
          learnsBySteps && !isIdentity(parseAugmentation(settings.augment)),
          "less augmentation (smaller ranges, or --augment none)",
        ),
        ...when(isTuned && input.l2sp > 0, "a weaker pull to the pretrained weights (--l2sp)"),
      ];
  }
}
