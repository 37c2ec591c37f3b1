import { sizeOf } from "../base/tensor.ts";
import { type Check, counted, defineCheck, listed } from "./finding.ts";
import type { ModelFacts } from "./modelFacts.ts";
import { pixelFormOf, pixelForms, type Range } from "./pixelForm.ts";
import type { TargetFacts } from "./sampleFacts.ts";

/** Samples of another size than the model's input: mostly other channels. */
const sampleShape = defineCheck("sample-shape", {
  find({ inputShape, data: { numbers } }: ModelFacts) {
    const expected = sizeOf(inputShape);
    if (numbers === expected) return undefined;
    const [height = 0, width = 0, channels = 0] = inputShape;
    const found = numbers / (height * width);
    return { inputShape, numbers, expected, channels, foundChannels: inputShape.length === 3 ? found : undefined };
  },
  severity: "serious",
  found({ inputShape, numbers, expected, foundChannels }) {
    const guess = [1, 3, 4].includes(foundChannels ?? 0)
      ? `: ${foundChannels} channels where ${counted(inputShape[2] ?? 0, "channel")} ${inputShape[2] === 1 ? "is" : "are"} expected`
      : "";
    return `a sample has ${numbers} numbers, the model expects ${expected}, [${inputShape}]${guess}`;
  },
  why: "Training would refuse them, or read one image as several.",
  advice: ({ inputShape: [height, width], foundChannels, channels }) =>
    foundChannels === 3 && channels === 1
      ? `inputShape: [${height}, ${width}, 3], or make the images gray`
      : foundChannels === 1 && channels === 3
        ? `inputShape: [${height}, ${width}, 1], or repeat the gray channel three times`
        : "x must hold all samples one after another, channels last, in the size of inputShape, and y one row a sample",
});

/** Targets that are not what the loss takes. */
const labelsAndLoss = defineCheck("labels-do-not-fit-the-loss", {
  find({ loss, width, data: { targets } }: ModelFacts) {
    if (loss.wants === undefined) return undefined;
    const advice = mismatch(loss.wants, loss.name, width, targets);
    return advice === undefined ? undefined : { loss: loss.name, targets: shown(targets), width, advice };
  },
  severity: "serious",
  found: ({ loss, targets, width }) =>
    `the loss is ${loss}, the model gives ${width} numbers a sample, and the labels are ${targets}`,
  why: "The loss then compares what has nothing to do with each other; training refuses or learns nonsense.",
  advice: ({ advice }) => advice,
});

function mismatch(wants: "classes" | "values", loss: string, width: number, targets: TargetFacts): string | undefined {
  if (targets.kind === "whole-rows")
    return "give the rows as a Float32Array, or class indices and sparseCategoricalCrossentropy";
  if (wants === "classes") {
    return targets.kind === "classes" ? undefined : 'loss: "categoricalCrossentropy" for rows, or give class indices';
  }
  if (targets.kind === "classes") {
    if (width > 1) return 'loss: "sparseCategoricalCrossentropy" for class indices, or one-hot rows as a Float32Array';
    const highest = highestOf(targets.labels);
    const isBinary = loss !== "binaryCrossentropy" || highest <= 1;
    return isBinary
      ? undefined
      : `dense(${highest + 1}, { activation: "softmax" }) and sparseCategoricalCrossentropy: there are more than two classes`;
  }
  if (targets.width !== width) return `rows of ${width} numbers, or a last layer of ${targets.width} units`;
  const { min, max } = targets.range;
  const isShare = !/crossentropy/i.test(loss) || (min >= 0 && max <= 1);
  return isShare ? undefined : "targets from 0 to 1: the probability of each class";
}

function shown(targets: TargetFacts): string {
  switch (targets.kind) {
    case "classes":
      return `class indices from 0 to ${highestOf(targets.labels)}`;
    case "whole-rows":
      return `one-hot rows of ${targets.width} whole numbers`;
    case "values":
      return `${targets.isOneHot ? "one-hot rows" : "rows"} of ${targets.width} numbers from ${targets.range.min} to ${targets.range.max}`;
  }
}

function highestOf(labels: Int32Array): number {
  return labels.reduce((most, label) => Math.max(most, label), 0);
}

/** A loss that cannot be written on the model at all. */
const lossRefuses = defineCheck("loss-does-not-fit-the-model", {
  find: ({ loss: { name, refusal } }: ModelFacts) => (refusal === undefined ? undefined : { name, refusal }),
  severity: "serious",
  found: ({ refusal }) => refusal,
  why: "Training cannot begin.",
  advice: ({ name }) => `end the model as "${name}" expects it, or choose another loss`,
});

/** More or fewer outputs than classes. */
const headWidth = defineCheck("head-width", {
  find({ width, classes, loss: { wants }, data: { targets } }: ModelFacts) {
    if (wants !== "classes" || targets.kind !== "classes" || classes === undefined) return undefined;
    return classes === width || classes < 2 ? undefined : { width, classes };
  },
  severity: ({ width, classes }) => (width < classes ? "serious" : "warning"),
  found: ({ width, classes }) =>
    `the model ends in ${counted(width, "output")}, the labels name ${counted(classes, "class", "classes")}`,
  why: "Outputs without a class learn to be silent, and a class without an output cannot be answered.",
  advice: ({ classes }) => `dense(${classes}, { activation: "softmax" })`,
});

/** Probabilities made probabilities again. */
const softmaxTwice = defineCheck("softmax-twice", {
  find: ({ loss: { name, isSoftmaxTwice } }: ModelFacts) => (isSoftmaxTwice ? { loss: name } : undefined),
  severity: "serious",
  found: ({ loss }) => `"${loss}" takes the softmax of what is a probability already`,
  why: "Of probabilities a softmax leaves almost even ones: with two classes none gets above 73 %, and gradients shrink.",
  advice: "one softmax, at the end: take one of the two away; the built-in losses take the logits behind it themselves",
});

/** Logits where probabilities are due. */
const noProbabilities = defineCheck("logits-as-probabilities", {
  find({ ending, width, loss: { name } }: ModelFacts) {
    const wanted = /categoricalCrossentropy/i.test(name)
      ? "softmax"
      : name === "binaryCrossentropy"
        ? "sigmoid"
        : undefined;
    if (wanted === undefined || ending === wanted || (wanted === "sigmoid" && ending === "softmax")) return undefined;
    return { loss: name, wanted, ending, width };
  },
  severity: "serious",
  found: ({ loss, wanted }) => `${loss} takes probabilities, and the model does not end in a ${wanted}`,
  why: "Numbers below 0 and above 1 are cut off, and with them their gradients.",
  advice: ({ wanted, width }) => `dense(${width}, { activation: "${wanted}" })`,
});

/** A loss that is meant for something else. */
const otherTask = defineCheck("loss-of-another-task", {
  find({ ending, width, loss: { name } }: ModelFacts) {
    if (ending !== "softmax" || width < 2) return undefined;
    return name === "meanSquaredError" || name === "binaryCrossentropy" ? { loss: name, width } : undefined;
  },
  severity: "warning",
  found: ({ loss, width }) => `${loss} on the softmax of ${width} classes`,
  why: "Its gradient fades where the network is sure and wrong, or counts every class as a question of its own.",
  advice: 'loss: "categoricalCrossentropy" for one-hot rows, "sparseCategoricalCrossentropy" for class indices',
});

/** A new head on the old head. */
const headOnProbabilities = defineCheck("head-on-probabilities", {
  find: ({ onProbabilities }: ModelFacts) => (onProbabilities === undefined ? undefined : { layer: onProbabilities }),
  severity: "serious",
  found: ({ layer }) => `"${layer}" takes the class probabilities of another layer as its features`,
  why: "Nearly all of them are 0: what the network saw is lost in its old answer.",
  advice: 'backbone(name, { includeTop: false, pooling: "avg" })',
});

/** Pixels that are not what the first layer wants. */
const pixelScale = defineCheck("pixel-scale", {
  find({ pixels: { range, rescalings, layer, wanted, isNormalisedThere, isImages } }: ModelFacts) {
    const form = pixelFormOf(range);
    if (!isImages || isNormalisedThere) return undefined;
    if (wanted === undefined ? form !== "levels" && form !== "centred" && form !== "flat" : form === wanted.form)
      return undefined;
    if (form === "other") return undefined;
    const factor = wanted === undefined ? 255 : widthOf(range) / widthOf(wanted.range);
    return { form, ...range, rescalings, layer, wanted: wanted?.form, factor };
  },
  severity: ({ form, wanted, factor }) =>
    form === "flat" || (wanted !== undefined && (factor > 5 || factor < 0.2)) ? "serious" : "warning",
  found: ({ form, min, max, rescalings, layer, wanted }) =>
    `"${layer}" gets numbers from ${short(min)} to ${short(max)} (${pixelForms[form]})` +
    (rescalings > 0 ? ` after ${counted(rescalings, "rescaling")} in the model` : "") +
    (wanted === undefined ? "" : `, and its published weights want ${pixelForms[wanted]}`),
  why: "Weights are drawn, or were learned, for numbers of another size: activations saturate or vanish.",
  advice({ form, wanted, rescalings }) {
    if (form === "flat" && rescalings > 0) return "rescale once: in the data or by rescaling(1 / 255), not both";
    switch (wanted) {
      case "standardised":
        return "x = (pixel / 255 − mean) / deviation, mean [0.485, 0.456, 0.406], deviation [0.229, 0.224, 0.225]";
      case "signed":
        return "rescaling(1 / 127.5, { offset: -1 }) on raw pixels, in front of the backbone";
      case "centred":
        return "x = pixel − [123.68, 116.779, 103.939]";
      default:
        return form === "flat" ? "is x divided by 255 twice, or empty?" : "rescaling(1 / 255) as the first layer";
    }
  },
});

function widthOf({ min, max }: Range): number {
  return max - min;
}

function short(value: number): string {
  return String(Number(value.toPrecision(3)));
}

/** Nothing to train. */
const everythingFrozen = defineCheck("everything-frozen", {
  find: ({ parameters: { total, trained } }: ModelFacts) => (trained === 0 ? { total } : undefined),
  severity: "serious",
  found: ({ total }) => `none of the ${total} parameters is trainable`,
  why: "Epochs pass and nothing changes.",
  advice:
    'leave the head free: model.setTrainable((path) => path.startsWith("dense")), and look at the optimiser\'s groups',
});

/** Frozen before anything was learned. */
const frozenRandom = defineCheck("frozen-random-weights", {
  find: ({ parameters: { randomFrozen, trained } }: ModelFacts) =>
    randomFrozen.length === 0 || trained === 0 ? undefined : { layers: randomFrozen },
  severity: "serious",
  found: ({ layers }) =>
    `frozen with the weights that they were drawn with: ${listed(layers.map((name) => `"${name}"`))}`,
  why: "A head on random features learns little; pretrained weights were meant to be there.",
  advice: "model.setWeights(weights) after compile, with the weights of a file, or do not freeze",
});

/** Statistics that move in layers that should stand still. */
const movingStatistics = defineCheck("batch-norm-in-frozen-layers", {
  find: ({ parameters: { movingFrozen } }: ModelFacts) =>
    movingFrozen.length === 0 ? undefined : { layers: movingFrozen },
  severity: "serious",
  found: ({ layers }) =>
    `${counted(layers.length, "frozen batch normalisation")} would measure the batch and move its statistics: ${listed(layers.map((name) => `"${name}"`))}`,
  why: "The frozen part then changes all the same: training sees other features than evaluation does.",
  advice: 'model.fit(data, { statistics: "frozen" })',
});

export const modelChecks: readonly Check<ModelFacts>[] = [
  sampleShape,
  lossRefuses,
  labelsAndLoss,
  headWidth,
  softmaxTwice,
  noProbabilities,
  otherTask,
  headOnProbabilities,
  pixelScale,
  everythingFrozen,
  frozenRandom,
  movingStatistics,
];
