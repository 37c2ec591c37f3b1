import { z } from "zod";
import { featureMethodNames } from "../adapt/featureMethods.ts";
import {
  openSetMethodNames,
  sourceFreeMethodNames,
  statisticsMethod,
  trainedMethodNames,
  weightedMethod,
} from "../adapt/trainedMethods.ts";
import { GraftError } from "../base/errors.ts";
import { trainSchema } from "./trainInput.ts";

const { shape } = trainSchema;

/** Everything that `graft adapt` can be told. */
export const adaptSchema = z.object({
  source: z
    .string()
    .optional()
    .describe(
      "labelled data set in any form that train takes; for --method shot also a run folder, where the images it learned from cannot be had",
    ),
  target: z
    .string()
    .optional()
    .describe(
      "photos of the place where the classifier is to work: a folder without sub-folders, or any data set; labels that it has are for the final table alone",
    ),
  backbone: z
    .string()
    .optional()
    .describe(
      "pretrained network whose features are brought together: an ONNX classifier, or a name of graft backbones (default: a small CNN learns both domains from scratch, by the methods that learn by steps)",
    ),
  weights: shape.weights,
  method: z
    .enum([
      "auto",
      ...featureMethodNames,
      weightedMethod,
      statisticsMethod,
      ...trainedMethodNames,
      ...openSetMethodNames,
      ...sourceFreeMethodNames,
    ])
    .default("auto")
    .describe(
      "source-only does not adapt; coral aligns covariances, sa and gfk subspaces, tca, sstca, jda and bda find components that the domains share, ot moves the source by optimal transport; class-weights lets classes that the target lacks count less; adabn gives batch normalisation the statistics of each domain; deep-coral, dan, jan, dann, cdan, mdd, mcc and pseudo-labels learn a hidden layer by steps; osbp does so for a target with classes of its own, whose images it answers as unknown; shot from the target alone, behind a classifier of the source that stays; auto tries all that work on the features as they are, then those that learn by steps while the --budget lasts (without --backbone those alone), and keeps source-only unless another is measurably better without labels",
    ),
  targetClasses: z
    .enum(["auto", "all", "some", "more"])
    .default("auto")
    .describe(
      "which of the source's classes the target has: with some, those that its images are not taken for count less; with more, it has classes of its own too, whose images --method osbp is to find; auto goes by the target's class folders, and takes all where it has none",
    ),
  budget: shape.budget.describe(
    "for auto: time in which it may also try methods that learn by steps, such as 90s, 10m or 2h",
  ),
  penalty: shape.penalty.describe(
    "of the linear head behind every method, such as 0.01 (default: chosen by cross-validation on the source)",
  ),
  epochs: z
    .number()
    .int()
    .min(1)
    .default(20)
    .describe("for methods that learn by steps: passes over the larger domain"),
  batchSize: z
    .number()
    .int()
    .min(4)
    .multipleOf(2)
    .default(64)
    .describe("for methods that learn by steps: images a step, one half of each domain"),
  learningRate: z.number().positive().default(1e-3).describe("for methods that learn by steps: of Adam"),
  size: shape.size,
  cropFraction: shape.cropFraction,
  validation: shape.validation.describe(
    "fraction of the source's training images that is held out for source risk and DEV, where the source has no validation split",
  ),
  group: shape.group,
  seed: shape.seed.describe("decides which source images are held out, and the folds of cross-validation"),
  seeds: z
    .number()
    .int()
    .min(1)
    .default(3)
    .describe("how often all is done, each time with the next seed: the table has means and standard deviations"),
  resume: shape.resume,
  strict: shape.strict,
  out: z.string().optional().describe("run folder (default: runs/<source>-to-<target>)"),
});

export type AskedAdaptation = z.output<typeof adaptSchema>;

/** The same with both domains named. */
export type AdaptInput = AskedAdaptation & { readonly source: string; readonly target: string };

/** Throws `usage` where a domain is not named. */
export function withDomains(asked: AskedAdaptation): AdaptInput {
  const { source, target } = asked;
  if (source !== undefined && target !== undefined) return { ...asked, source, target };
  throw new GraftError(
    "usage",
    `adapt: give ${source === undefined ? "labelled photos with --source" : "photos of the place of use with --target"}, or a run to go on with by --resume.`,
  );
}
