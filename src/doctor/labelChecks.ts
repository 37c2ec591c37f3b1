import { type Check, counted, defineCheck, listed, percent } from "./finding.ts";

/** How the classes are spread over the parts of a data set. */
export interface LabelFacts {
  readonly labels: readonly string[];
  /** Images of each class, by index. */
  readonly train: readonly number[];
  /** The same; nothing where nothing is validated. */
  readonly validation: readonly number[] | undefined;
  /** Whether the loss weighs the classes. */
  readonly isWeighted: boolean;
}

/** Weights are set from here on. */
const imbalance = 1.5;
/** Imbalance of this size is felt even with weights. */
const strongImbalance = 10;
const fewImages = 10;
/** With fewer validation images a standard error of accuracy at 90 % is over 3 points. */
const smallValidation = 100;
/** A difference of shares below this is of no consequence. */
const leastDistance = 0.15;
/** A class with this share of the images makes any accuracy look good. */
const notableMajority = 0.6;

/** A class that only one of training and validation has. */
const missingClass = defineCheck("missing-class", {
  find({ labels, train, validation }: LabelFacts) {
    if (validation === undefined) return undefined;
    const lacking = (counts: readonly number[], others: readonly number[]) =>
      labels.filter((_, i) => (counts[i] ?? 0) === 0 && (others[i] ?? 0) > 0);
    const [untrained, unvalidated] = [lacking(train, validation), lacking(validation, train)];
    return untrained.length + unvalidated.length === 0 ? undefined : { untrained, unvalidated };
  },
  severity: "serious",
  found: ({ untrained, unvalidated }) =>
    [
      ...(untrained.length > 0 ? [`classes to validate on but not to train on: ${quoted(untrained)}`] : []),
      ...(unvalidated.length > 0 ? [`classes to train on but not to validate on: ${quoted(unvalidated)}`] : []),
    ].join("; "),
  why: "Validation then measures another task than the one learned; it happens when sorted data are cut at the end.",
  advice: "shuffle before cutting, or let Graft split: stratified by class, --validation 0.2",
});

/** Validation that was not drawn from the same pot. */
const otherDistribution = defineCheck("unshuffled-validation", {
  find({ train, validation = [] }: LabelFacts) {
    const [trained, held] = [sum(train), sum(validation)];
    if (trained === 0 || held === 0) return undefined;
    const shares = train.map((count, i) => Math.abs(count / trained - (validation[i] ?? 0) / held));
    // Total variation, and what chance gives it: Σ√(2pq/(πn))/2 for shares p of n drawn.
    const distance = sum(shares) / 2;
    const byChance = sum(train.map((count) => spread(count / trained) / Math.sqrt(held))) / 2;
    const isMissing = train.some((count, i) => (count === 0) !== ((validation[i] ?? 0) === 0));
    return isMissing || distance < Math.max(leastDistance, 3 * byChance) ? undefined : { distance, byChance };
  },
  severity: "warning",
  found: ({ distance, byChance }) =>
    `the shares of the classes differ between training and validation by ${percent(distance)} in all, where drawing at random gives about ${percent(byChance)}`,
  why: "Validation that was cut off instead of drawn measures another mixture than the one learned.",
  advice: "shuffle before cutting, or let Graft split: stratified by class, --validation 0.2",
});

/** Classes of very different size that count by their size. */
const classImbalance = defineCheck("class-imbalance", {
  find({ labels, train, isWeighted }: LabelFacts) {
    const present = train.filter((count) => count > 0);
    const [most, least] = [Math.max(...present), Math.min(...present)];
    if (present.length < 2 || most < (isWeighted ? strongImbalance : imbalance) * least) return undefined;
    const name = (count: number) => labels[train.indexOf(count)] ?? "";
    return { largest: name(most), most, smallest: name(least), least, isWeighted };
  },
  severity: ({ most, least, isWeighted }) => (!isWeighted && most >= 3 * least ? "warning" : "hint"),
  found: ({ largest, most, smallest, least, isWeighted }) =>
    `"${largest}" has ${counted(most, "training image")}, "${smallest}" ${least}: ${(most / least).toFixed(1)} to 1${isWeighted ? "; the loss weighs them" : ""}`,
  why: "A network gains more by naming the large class than by learning the small one.",
  advice: ({ isWeighted }) =>
    isWeighted
      ? "look at recall class by class, not at accuracy, and collect more of the small classes"
      : "give fit classWeights, n / (classes · nᵢ) for each class, and look at recall class by class",
});

/** A class too small to be learned from. */
const fewTrainingImages = defineCheck("few-images", {
  find({ labels, train }: LabelFacts) {
    const small = labels.filter((_, i) => (train[i] ?? 0) > 0 && (train[i] ?? 0) < fewImages);
    return small.length === 0 ? undefined : { small, counts: small.map((label) => train[labels.indexOf(label)] ?? 0) };
  },
  severity: "hint",
  found: ({ small, counts }) =>
    `fewer than ${fewImages} training images: ${listed(small.map((label, i) => `"${label}" ${counts[i]}`))}`,
  why: "From a handful of images a linear head learns the photos, not the class.",
  advice: "collect more, or compare with the class means: --strategy feature-extraction --head prototype",
});

/** What always naming the most frequent class reaches. */
const majorityBaseline = defineCheck("majority-baseline", {
  find({ labels, train, validation = train }: LabelFacts) {
    const total = sum(validation);
    const most = Math.max(...validation);
    if (total === 0 || most / total < notableMajority || most === total) return undefined;
    return { label: labels[validation.indexOf(most)] ?? "", share: most / total };
  },
  severity: "hint",
  found: ({ label, share }) => `always answering "${label}" is right in ${percent(share)} of the images`,
  why: "An accuracy near that figure means that nothing was learned, high as it may look.",
  advice: "compare with that figure, or look at ROC AUC and the recall of each class",
});

/** Too few images to tell one model from another. */
const smallValidationPart = defineCheck("small-validation", {
  find({ validation }: LabelFacts) {
    const count = validation === undefined ? smallValidation : sum(validation);
    return count < smallValidation ? { count, standardError: Math.sqrt((0.9 * 0.1) / Math.max(1, count)) } : undefined;
  },
  severity: "hint",
  found: ({ count, standardError }) =>
    `${counted(count, "validation image")}: an accuracy of 90 % has a standard error of ${(100 * standardError).toFixed(1)} points`,
  why: "Differences smaller than that between two runs are chance.",
  advice: "let every image be judged once: graft cross-validate",
});

export const labelChecks: readonly Check<LabelFacts>[] = [
  missingClass,
  otherDistribution,
  classImbalance,
  fewTrainingImages,
  majorityBaseline,
  smallValidationPart,
];

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0);
}

/** The mean distance of a drawn share from its probability, times √n. */
function spread(share: number): number {
  return Math.sqrt((2 * share * (1 - share)) / Math.PI);
}

function quoted(labels: readonly string[]): string {
  return listed(labels.map((label) => `"${label}"`));
}
