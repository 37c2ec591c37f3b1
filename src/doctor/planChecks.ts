import { type Check, counted, defineCheck } from "./finding.ts";

/** How a network is going to be trained. */
export interface PlanFacts {
  readonly optimizer: string;
  readonly learningRate: number;
  /** Pretrained numbers that training may change, and those that it may not; both 0 from scratch. */
  readonly pretrained: { readonly trained: number; readonly frozen: number };
  readonly trainImages: number;
  /** Whether what is trained is kept only where it is measurably better than frozen features. */
  readonly isTried: boolean;
  /** What a sweep of rates said, where there was one. */
  readonly sweep: RateSweep | undefined;
}

/** The learning rates of a sweep; nothing where the loss fell at none. */
export interface RateSweep {
  readonly suggested: number;
  /** Where the loss was lowest: beyond it, training soon diverges. */
  readonly lowest: number;
}

/** Rates beyond which an optimiser seldom learns anything: from scratch, and on pretrained weights. */
const highestRates: Readonly<Record<string, readonly [scratch: number, pretrained: number]>> = {
  sgd: [1, 0.1],
  rmsprop: [0.01, 0.002],
  adam: [0.01, 0.002],
  adamw: [0.01, 0.002],
};
/** Rates so far below them that an epoch hardly changes anything. */
const lowestFactor = 1e-4;
/** A rate this far below the suggestion of a sweep wastes most of its steps. */
const tooSlow = 30;
/** Pretrained numbers a training image, from which on fine-tuning everything remembers more than it learns. */
const manyParameters = 2000;

/** A rate that is out of the optimiser's range. */
const unusualRate = defineCheck("learning-rate", {
  find({ optimizer, learningRate, pretrained, sweep }: PlanFacts) {
    const highest = highestRates[optimizer]?.[pretrained.trained > 0 ? 1 : 0];
    if (highest === undefined || sweep !== undefined) return undefined;
    if (learningRate <= highest && learningRate >= lowestFactor * highest) return undefined;
    return { optimizer, learningRate, highest, isPretrained: pretrained.trained > 0 };
  },
  severity: "warning",
  found: ({ optimizer, learningRate, highest, isPretrained }) =>
    `${optimizer} at a learning rate of ${learningRate}; ${isPretrained ? "on pretrained weights" : "from scratch"} it usually learns from ${Number((lowestFactor * highest).toPrecision(1))} to ${highest}`,
  why: "Too high a rate throws away what was learned before; too low a rate learns nothing in time.",
  advice: "measure it: graft doctor --sweep, or graft lr-find",
});

/** A rate far from what the finder says. */
const rateOffFinder = defineCheck("learning-rate-off-finder", {
  find({ learningRate, sweep }: PlanFacts) {
    if (sweep === undefined) return undefined;
    const { suggested, lowest } = sweep;
    if (learningRate <= lowest && learningRate * tooSlow >= suggested) return undefined;
    return { learningRate, suggested, lowest, isHigh: learningRate > lowest };
  },
  severity: "warning",
  found: ({ learningRate, suggested, lowest, isHigh }) =>
    `the learning rate is ${learningRate}; in a sweep the loss was lowest at ${lowest.toPrecision(2)}` +
    (isHigh ? " and rose beyond" : `, and ${suggested.toPrecision(2)} is suggested`),
  why: "Beyond the lowest point training diverges or forgets; far below the suggestion it wastes its epochs.",
  advice: ({ suggested }) =>
    `--learning-rate ${suggested.toPrecision(2)}, or adam({ learningRate: ${suggested.toPrecision(2)} })`,
});

/** Every pretrained number free, and few images to hold them. */
const nothingFrozen = defineCheck("nothing-frozen", {
  find({ pretrained: { trained, frozen }, trainImages, isTried }: PlanFacts) {
    if (frozen > 0 || isTried || trained < manyParameters * trainImages) return undefined;
    return { trained, trainImages };
  },
  severity: "hint",
  found: ({ trained, trainImages }) =>
    `all ${(trained / 1e6).toPrecision(2)} million pretrained numbers are trained on ${counted(trainImages, "image")}`,
  why: "So many free numbers remember the photos before they learn the classes.",
  advice:
    'train the last stage alone (--stages 1), stay near the start (--l2sp 0.01), or freeze: model.setTrainable((path) => path.startsWith("dense"))',
});

export const planChecks: readonly Check<PlanFacts>[] = [unusualRate, rateOffFinder, nothingFrozen];
