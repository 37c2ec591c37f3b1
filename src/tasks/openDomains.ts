import { unknownLabel } from "../adapt/openSet.ts";
import { openSetMethodNames } from "../adapt/trainedMethods.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { GraftError } from "../base/errors.ts";
import type { Rows } from "../base/rows.ts";
import { foldsOf } from "../data/folds.ts";
import { openUnlabelled } from "../data/openSource.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import type { Source } from "../data/source.ts";
import { type Split, splitSamples } from "../data/split.ts";
import type { Preparation } from "../image/prepare.ts";
import type { Platform } from "../platform/platform.ts";
import type { DomainFeatures } from "../transfer/domainTrial.ts";
import { FeatureCache } from "../transfer/featureCache.ts";
import type { AdaptInput } from "./adaptInput.ts";
import { balancingWeights } from "./classWeights.ts";
import { openData, prepareData } from "./dataset.ts";
import { loadBackbone } from "./loadBackbone.ts";
import { cropped } from "./openJob.ts";
import type { TaskEvent } from "./task.ts";
import { scratchPreparation } from "./trainPlan.ts";

const foldCount = 5;
const namesShown = 10;

/** Both domains as `adapt` needs them. */
export interface OpenedDomains {
  /** Of the source. */
  readonly labels: readonly string[];
  /** What target images may be: a class of the source, and where the target has more than these the unknown one, last. */
  readonly answerLabels: readonly string[];
  readonly source: PreparedImages;
  readonly target: PreparedImages;
  /** Where their images come from. */
  readonly origin: Source;
  readonly preparation: Preparation;
  /** What methods bring together. */
  readonly basis: Basis;
  /** Which source images are held out, as a seed has it. */
  readonly split: (seed: number) => Split;
  /** Where each target image's class stands among the answers, −1 where nobody knows or it is none of them; for the final table alone. */
  readonly truth: Int32Array;
  /** Which classes the target has, as far as its folders or the user say. */
  readonly targetClasses: TargetClasses;
}

/** All classes of the source, some of them, or others too. */
export type TargetClasses = Exclude<AdaptInput["targetClasses"], "auto">;

/** Features of a backbone that stays as it is. */
export interface FeatureBasis {
  readonly kind: "features";
  readonly backbone: Backbone;
  /** Which of them are held out, as a seed has it. */
  readonly draw: (seed: number) => DomainFeatures;
}

export type Basis =
  | FeatureBasis
  /** Pixels, from which a small CNN learns. */
  | { readonly kind: "scratch" };

/** Opens both data sets, says how they differ, and computes their features where there is a backbone. */
export async function* openDomains(
  input: AdaptInput,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, OpenedDomains> {
  const loaded = yield* loadBackbone(input, platform, signal);
  for (const text of loaded?.warnings ?? []) yield { type: "warning", text };
  const from = yield* openData(input.source, platform, { group: input.group });
  const to = await openUnlabelled(input.target, platform);
  yield { type: "note", text: `${input.target}: ${to.description}, ${to.samples.length} images` };
  const usual = loaded?.preparation ?? (await scratchPreparation(from, input.size, platform));
  const preparation = cropped(usual, input.cropFraction);
  const options = { strict: input.strict, signal };
  const source = yield* prepareData(from, preparation, platform, options);
  const target = yield* prepareData(to, preparation, platform, options);
  checkCounts(target, input.target);
  yield* compareContent(source, target);
  const difference = classDifference(from, to);
  const targetClasses = targetClassesOf(input, difference);
  yield* toldDifference(difference, input.target, targetClasses, input.targetClasses === "more");
  const answerLabels = targetClasses === "more" ? [...from.labels, unknownLabel(from.labels)] : from.labels;
  const split = (seed: number) => splitSamples(source.samples, from.labels, { ...input, seed });
  for (const text of split(input.seed).account) yield { type: "note", text: `source: ${text}` };
  const truth = truthOf(to.labels, target, { labels: from.labels, answerLabels });
  const { labels } = from;
  const opened = { labels, answerLabels, source, target, origin: from, preparation, split, truth, targetClasses };
  if (loaded === undefined) return { ...opened, basis: { kind: "scratch" } };
  const backbone = { ...loaded, preparation };
  const draw = yield* featureDraws(opened, { backbone, seed: input.seed }, { platform, signal });
  return { ...opened, basis: { kind: "features", backbone, draw } };
}

/** Computes the features of both domains; what is returned deals them out as a seed has it. */
async function* featureDraws(
  { labels, source, target, split }: Pick<OpenedDomains, "labels" | "source" | "target" | "split">,
  { backbone, seed: firstSeed }: { readonly backbone: Backbone; readonly seed: number },
  means: { readonly platform: Platform; readonly signal: AbortSignal },
): AsyncGenerator<TaskEvent, (seed: number) => DomainFeatures> {
  const first = split(firstSeed);
  // The same images with every seed, in other parts.
  const used = [...first.train, ...first.validation];
  const sourceRows = yield* featuresOf(backbone, source, used, means);
  const all = target.samples.map((_, i) => i);
  const targetRows = yield* featuresOf(backbone, target, all, means);
  const rowOf = new Map(used.map((image, row) => [image, row]));
  const sourceOf = (indices: readonly number[]) => ({
    rows: gathered(
      sourceRows,
      indices.map((i) => rowOf.get(i) ?? 0),
    ),
    labels: Int32Array.from(indices, (i) => source.samples[i]?.label ?? 0),
  });
  return (seed) => {
    const { train, validation } = split(seed);
    const [learned, held] = [sourceOf(train), sourceOf(validation)];
    return {
      source: learned.rows,
      labels: learned.labels,
      folds: foldsOf(source.samples, train, { count: foldCount, seed }),
      held: held.rows,
      heldLabels: held.labels,
      target: targetRows,
      classes: labels.length,
      classWeights: balancingWeights(Array.from(learned.labels), labels.length),
    };
  };
}

/** Throws `data` for fewer target images than have a spread. */
export function checkCounts({ samples }: PreparedImages, path: string): void {
  if (samples.length >= 2) return;
  const found = samples.length === 0 ? "no usable images" : "one usable image";
  throw new GraftError("data", `--target: "${path}" has ${found}; expected two or more, as a domain has a spread.`);
}

/** Images that both domains hold make them look closer than they are. */
function* compareContent(source: PreparedImages, target: PreparedImages): Generator<TaskEvent> {
  const known = new Set(source.keys);
  const shared = target.keys.filter((key) => known.has(key)).length;
  if (shared === 0) return;
  const text =
    shared === target.keys.length
      ? "all target images are source images too: there is nothing to adapt to. Give the photos of another place with --target."
      : `${shared} of ${target.keys.length} target images are source images too: the domains look closer than they are.`;
  yield { type: "warning", text };
}

/** How the class folders of two domains differ. */
export interface ClassDifference {
  readonly source: readonly string[];
  /** Of the target; none where it is a folder of photos. */
  readonly target: readonly string[];
  /** Of the target, not of the source. */
  readonly unknown: readonly string[];
  /** Of the source, not of a target that has class folders. */
  readonly missing: readonly string[];
}

export function classDifference(source: Pick<Source, "labels">, target: Pick<Source, "labels">): ClassDifference {
  return {
    source: source.labels,
    target: target.labels,
    unknown: target.labels.filter((label) => !source.labels.includes(label)),
    missing: target.labels.length === 0 ? [] : source.labels.filter((label) => !target.labels.includes(label)),
  };
}

function targetClassesOf({ method, targetClasses }: AdaptInput, { unknown, missing }: ClassDifference): TargetClasses {
  if (targetClasses !== "auto") return targetClasses;
  if (unknown.length > 0 || openSetMethodNames.some((name) => name === method)) return "more";
  return missing.length > 0 ? "some" : "all";
}

/** Says which classes one of them lacks. Throws `data` where they share none, and nobody said that the target has more. */
export function* toldDifference(
  { source, target, unknown, missing }: ClassDifference,
  path: string,
  targetClasses: TargetClasses,
  isAsked = false,
): Generator<TaskEvent> {
  if (unknown.length > 0 && unknown.length === target.length && !isAsked) {
    throw new GraftError(
      "data",
      `--target: "${path}" has the classes ${listed(unknown)} and the source ${listed(source)}: none is the same. Give folders the same names, or photos without folders; or say with --target-classes more that these are other classes.`,
    );
  }
  if (unknown.length > 0) {
    const text = `classes of "${path}" that the source does not know: ${listed(unknown)}.`;
    yield targetClasses === "more"
      ? { type: "note", text: `${text} Their images are looked for as one unknown class.` }
      : { type: "warning", text: `${text} Their images take part without labels and are left out of the final table.` };
  }
  if (missing.length > 0)
    yield { type: "note", text: `classes of the source that have no folder in "${path}": ${listed(missing)}` };
}

function truthOf(
  folders: readonly string[],
  { samples }: Pick<PreparedImages, "samples">,
  { labels, answerLabels }: Pick<OpenedDomains, "labels" | "answerLabels">,
): Int32Array {
  const other = answerLabels.length > labels.length ? labels.length : -1;
  const places = folders.map((label) => (labels.includes(label) ? labels.indexOf(label) : other));
  return Int32Array.from(samples, ({ label }) => places[label] ?? -1);
}

function listed(names: readonly string[]): string {
  const more = names.length - namesShown;
  return [...names.slice(0, namesShown).map((name) => `"${name}"`), ...(more > 0 ? [`and ${more} more`] : [])].join(
    ", ",
  );
}

/** The backbone's features of some images, from the cache or computed. Throws `diverged` for one that is not finite. */
export async function* featuresOf(
  backbone: Backbone,
  images: PreparedImages,
  indices: readonly number[],
  { platform, signal }: { readonly platform: Platform; readonly signal: AbortSignal },
): AsyncGenerator<TaskEvent, Rows> {
  const cache = await FeatureCache.open(backbone, images, platform);
  try {
    for await (const progress of cache.compute(indices, signal))
      yield { type: "progress", phase: "features", ...progress };
    const all = Uint32Array.from(indices, (_, i) => i);
    const { floats } = await cache.data(indices).load(all, undefined);
    const wrong = floats.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) throw notFinite(images, indices[Math.floor(wrong / cache.width)] ?? 0, floats[wrong] ?? Number.NaN);
    return { values: floats, count: indices.length, width: cache.width };
  } finally {
    await cache.dispose();
  }
}

function notFinite({ samples }: PreparedImages, index: number, value: number): GraftError {
  return new GraftError(
    "diverged",
    `a feature of "${samples[index]?.id}" is ${value}; expected finite numbers. The backbone's weights may be damaged, or its images prepared for another network.`,
  );
}

/** The chosen rows, in single precision as they are. */
export function gathered({ values, width }: Rows, places: readonly number[]): Rows {
  const own = new Float32Array(places.length * width);
  for (const [row, place] of places.entries()) {
    for (let j = 0; j < width; j++) own[row * width + j] = values[place * width + j] ?? 0;
  }
  return { values: own, count: places.length, width };
}
