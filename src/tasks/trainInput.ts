import { z } from "zod";
import { optimizerNames } from "../optim/optimizers.ts";
import { weightingNames } from "../transfer/instanceTransfer.ts";
import { taskWeightings } from "../transfer/multiTaskHeads.ts";
import { headNames, strategyNames } from "../transfer/strategy.ts";
import { tunedParameters } from "../transfer/tunedBackbone.ts";

/** Everything that `graft train` can be told; flags, defaults, help and the config file come from here. */
export const trainSchema = z.object({
  data: z
    .string()
    .optional()
    .describe("folder with a sub-folder per class, .csv manifest, .npz, MNIST IDX folder, .tar or .tar.gz"),
  backbone: z
    .string()
    .optional()
    .describe(
      "pretrained network, frozen up to its last layer: an ONNX classifier, or a name of graft backbones such as resnet18, or auto for the one in the cache that fits the images best; without it a small CNN learns from scratch",
    ),
  weights: z
    .string()
    .optional()
    .describe(
      "weights for the named network: a .safetensors, .pth, .h5, .keras or .npz file, hf://owner/name/file or https://…#sha256=…",
    ),
  strategy: z
    .enum([...strategyNames, "auto"])
    .optional()
    .describe(
      "feature-extraction keeps the backbone frozen and trains a head on its features, fine-tune goes on to train all of it, scratch trains a small CNN, distil does either of the last two and learns the answers of a --teacher too, instance-transfer learns from the images of a --source as well, multi-task learns several columns of a CSV at once (--targets), auto goes from the first to the second when that is measurably better (default: distil with a teacher, instance-transfer with a source, multi-task with targets, auto with a backbone, else scratch)",
    ),
  teacher: z
    .string()
    .optional()
    .describe("for distil: run folder or model.onnx whose answers the new, smaller network learns beside the labels"),
  temperature: z
    .number()
    .min(1)
    .max(100)
    .default(4)
    .describe("for distil: how much the teacher's answers are softened; 1 leaves them as they are"),
  teacherShare: z
    .number()
    .min(0)
    .max(1)
    .default(0.9)
    .describe("for distil: what the teacher's answers count against the labels, 0 to 1"),
  matchFeatures: z
    .number()
    .min(0)
    .default(0)
    .describe(
      "for distil: how strongly the student's stages are to look where the teacher's look (attention transfer), such as 1; 0 not at all",
    ),
  init: z
    .string()
    .optional()
    .describe(
      "run folder or model.onnx of an earlier training whose weights this one begins with, as far as names and shapes fit: those of the small CNN, or of the same --backbone; its image size too, unless --size says otherwise",
    ),
  source: z
    .string()
    .optional()
    .describe(
      "for instance-transfer: a labelled data set in any form whose classes, or some of them, are called alike; its images are learned from where that is measurably better",
    ),
  weighting: z
    .enum(weightingNames)
    .optional()
    .describe(
      "for instance-transfer: how much each source image counts: tradaboost lets those fade that contradict the target, kmm (kernel mean matching) and kliep (a density ratio) count what looks like the target (default: tradaboost)",
    ),
  targets: z
    .string()
    .optional()
    .describe(
      'for multi-task: columns of the CSV to learn, such as "kind,weight_g,ripe"; behind each may stand what it holds and its weight, as in "weight_g:number*0.5,grade:classes". Empty cells are missing labels',
    ),
  tune: z
    .enum(["heads", "all"])
    .optional()
    .describe(
      "for multi-task: heads learn on frozen features (a hidden layer that they share with --head mlp), all fine-tunes the backbone with them (default: heads; all with --stages)",
    ),
  taskWeighting: z
    .enum(taskWeightings)
    .optional()
    .describe(
      "for multi-task: fixed takes the weights of the targets, uncertainty learns how much each counts (default: fixed)",
    ),
  budget: z
    .string()
    .regex(/^\d+(\.\d+)?(s|m|h)$/, "expected a number and a unit, such as 90s, 10m or 2h")
    .default("10m")
    .describe("time that auto may take for training, such as 90s, 10m or 2h"),
  head: z
    .enum(headNames)
    .default("linear")
    .describe(
      "what learns from frozen features: linear is solved to its optimum, mlp has a hidden layer, prototype takes the nearest class mean (for a handful of images a class), cosine learns on from those means, knn asks the most alike training images",
    ),
  features: z
    .enum(["last", "stages"])
    .optional()
    .describe(
      "what a head learns from: the backbone's last features, or with them the means of the maps with which its stages end, where colours and textures are (default: last; auto compares both by cross-validation)",
    ),
  penalty: z
    .number()
    .gt(0)
    .max(1000)
    .optional()
    .describe(
      "for the linear head: λ of λ/2·‖kernel‖² on standardised features, such as 0.01 (default: chosen by cross-validation on the training images)",
    ),
  shots: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      "learn from so many images of each class only, drawn by the seed: for few-shot figures and learning curves",
    ),
  stages: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      "how many of the backbone's last stages fine-tune trains (default: all); a stage is what works at one size of the maps",
    ),
  l2sp: z
    .number()
    .min(0)
    .default(0)
    .describe("how strongly the pretrained weights pull fine-tuning back to them (L2-SP), such as 0.01; 0 not at all"),
  delta: z
    .number()
    .min(0)
    .default(0)
    .describe(
      "how strongly fine-tuning is held to the pretrained network's feature maps of the same view (DELTA), such as 0.1; 0 not at all",
    ),
  unfreezeEvery: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      "epochs after which fine-tune lets one more stage learn, from the last to the first (default: all learn at once)",
    ),
  parameters: z
    .enum(tunedParameters)
    .default("all")
    .describe(
      "what fine-tune changes: all, or biases (and scales of normalisation) alone, which is less to store and to overfit with, or additions to weights that stay: adapters behind the stages of a network of convolutions, lora (low-rank changes) for the linear layers of a transformer",
    ),
  mixup: z
    .number()
    .min(0)
    .max(2)
    .default(0)
    .describe(
      "for fine-tune and scratch: learn from sums of two images, the more even the larger, such as 0.2; 0 not at all",
    ),
  cutmix: z
    .number()
    .min(0)
    .max(2)
    .default(0)
    .describe(
      "for fine-tune and scratch: learn from images with a part of another, such as 1; with mixup, half of them",
    ),
  out: z.string().optional().describe("run folder (default: runs/<name of the data>)"),
  epochs: z
    .number()
    .int()
    .min(1)
    .optional()
    .describe(
      "passes over the training images at most (default: 30; 12 for fine-tune, 60 for distil without a backbone); training stops early when validation stalls for a third of them",
    ),
  batchSize: z.number().int().min(1).default(32).describe("images a step"),
  learningRate: z
    .number()
    .positive()
    .optional()
    .describe(
      "step size of the optimiser (default: 0.001; 0.0003 for fine-tune and for distil with a backbone, whose early stages learn more slowly)",
    ),
  optimizer: z.enum(optimizerNames).default("adam").describe("update rule"),
  averageDecay: z
    .number()
    .gt(0)
    .lt(1)
    .optional()
    .describe(
      "measure and keep a moving average of the weights that forgets so slowly, such as 0.99 (default: no average)",
    ),
  size: z
    .number()
    .int()
    .min(8)
    .max(2048)
    .optional()
    .describe(
      "side of the square that the network sees, in pixels (default: the backbone's, or 32 at most 128 from scratch)",
    ),
  cropFraction: z
    .number()
    .min(0.25)
    .max(1)
    .optional()
    .describe(
      "share of an image's shorter side that the network sees, from the middle (default: as its weights were trained, mostly 0.875; 1 from scratch); 1 where what matters may lie at the border",
    ),
  seed: z.number().int().min(0).default(0).describe("decides split, order, initial weights, dropout and augmentation"),
  validation: z
    .number()
    .gt(0)
    .lt(1)
    .default(0.2)
    .describe("fraction of the training images to validate on, where the data set has no validation split"),
  group: z
    .string()
    .optional()
    .describe("manifest column or regular expression on the path: images of one group stay on one side of the split"),
  augment: z
    .string()
    .optional()
    .describe(
      'augmentation as in Keras\' ImageDataGenerator, such as "horizontalFlip,rotationRange=15,zoomRange=0.2", or none (default: none; for fine-tune and distil small turns, shifts and zooms)',
    ),
  resume: z.string().optional().describe("run folder of an interrupted run, to be continued with its own settings"),
  strict: z
    .boolean()
    .default(false)
    .describe("stop at the first unusable or doubly labelled file instead of leaving it out"),
});

export type TrainInput = z.output<typeof trainSchema>;

const unitMs: Readonly<Record<string, number>> = { s: 1000, m: 60_000, h: 3_600_000 };

/** `90s`, `10m` or `2h` in milliseconds. */
export function budgetMs({ budget }: Pick<TrainInput, "budget">): number {
  return Number.parseFloat(budget) * (unitMs[budget.at(-1) ?? ""] ?? 0);
}
