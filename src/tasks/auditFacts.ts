import type { Backbone } from "../backbones/onnxBackbone.ts";
import { DisjointSets } from "../data/disjointSets.ts";
import { placesOfCopies } from "../data/duplicates.ts";
import { foldsOf } from "../data/folds.ts";
import type { ImageSurvey } from "../data/imageSurvey.ts";
import { groupNearDuplicates, type LookAlike } from "../data/nearDuplicates.ts";
import type { Sample, Source } from "../data/source.ts";
import type { Split } from "../data/split.ts";
import { isNearCopy } from "../doctor/imageFacts.ts";
import { type LabelErrorCandidate, labelErrorCandidates } from "../metrics/confidentLearning.ts";
import type { Platform } from "../platform/platform.ts";
import { FeatureCache } from "../transfer/featureCache.ts";
import { heldOutProbabilities } from "../transfer/heldOutProbabilities.ts";
import { prepareData, withoutWarnings } from "./dataset.ts";
import type { TaskEvent } from "./task.ts";
import { whileWorking } from "./whileWorking.ts";

const foldCount = 5;
/** Doubtful candidates are shown until so many of the images are: where features are weak they are mostly hard images. */
const shownShare = 0.1;

/** The parts that the source itself assigns; all else is to be trained on. */
export function splitAsGiven(samples: readonly Sample[]): Split {
  const of = (part: string) => samples.flatMap(({ split = "train" }, i) => (split === part ? [i] : []));
  return { train: of("train"), validation: of("validation"), test: of("test"), account: [] };
}

/** Groups of near-copies, and those pairs among them that two parts or two classes share. */
export function nearCopiesOf(survey: ImageSurvey) {
  const { samples, prints } = survey;
  const isTorn = ({ first, second }: LookAlike) =>
    samples[first]?.label !== samples[second]?.label || samples[first]?.split !== samples[second]?.split;
  return groupNearDuplicates(prints, (pair) => isNearCopy(survey, pair), isTorn);
}

/**
 * The group of each sample: its own, its track, its copies and what it looks like, all that are linked under one name;
 * nothing where it stands alone. Near-copies must not vouch for each other's labels.
 */
export function groupsOf(samples: readonly Sample[], linked: Linked): readonly (string | undefined)[] {
  const sets = new DisjointSets(samples.length);
  const named = samples.map(({ group, id }, i) => group ?? linked.tracks?.of[i] ?? id);
  for (const [first = 0, ...others] of [...placesOfCopies(named), ...linked.copies, ...linked.nearGroups])
    for (const other of others) sets.join(first, other);
  const groups = new Array<string | undefined>(samples.length).fill(undefined);
  for (const places of sets.groups()) for (const place of places) groups[place] = named[places[0] ?? 0];
  return groups;
}

/** What belongs together, by the places of images. */
interface Linked {
  readonly copies: readonly (readonly number[])[];
  readonly nearGroups: readonly (readonly number[])[];
  readonly tracks: { readonly of: readonly string[] } | undefined;
}

/** Images that a linear head on the backbone's features, which did not learn from them, would file elsewhere. */
export async function* labelErrorsOf(
  source: Source,
  { samples }: ImageSurvey,
  groups: readonly (string | undefined)[],
  backbone: Backbone,
  platform: Platform,
  { seed, signal }: { readonly seed: number; readonly signal: AbortSignal },
): AsyncGenerator<TaskEvent, readonly LabelErrorCandidate[]> {
  const prepared = prepareData(source, backbone.preparation, platform, { strict: false, signal });
  const images = yield* withoutWarnings(prepared);
  const cache = await FeatureCache.open(backbone, images, platform);
  const all = images.samples.map((_, i) => i);
  try {
    for await (const progress of cache.compute(all, signal)) yield { type: "progress", phase: "features", ...progress };
    const grouped = samples.map(({ group: _, ...sample }, i) => {
      const group = groups[i];
      return group === undefined ? sample : { ...sample, group };
    });
    const folds = foldsOf(grouped, all, { count: foldCount, seed });
    const rows = yield* whileWorking((tell) =>
      heldOutProbabilities(
        cache.data(all),
        {
          units: source.labels.length,
          folds,
          signal,
          onTrial: (done, total) => tell({ type: "progress", phase: "heads", done, total, unit: "steps" }),
        },
        platform.engine,
      ),
    );
    const judged = rows.flatMap((row, sample) => (row === undefined ? [] : [{ row, sample }]));
    const candidates = labelErrorCandidates(
      judged.map(({ row }) => row),
      judged.map(({ sample }) => samples[sample]?.label ?? -1),
    );
    return worthShowing(candidates, all.length).map((candidate) => ({
      ...candidate,
      sample: judged[candidate.sample]?.sample ?? -1,
    }));
  } finally {
    await cache.dispose();
  }
}

/** Confident candidates, and of the others the most suspect as far as there is room. */
function worthShowing(candidates: readonly LabelErrorCandidate[], images: number): readonly LabelErrorCandidate[] {
  const confident = candidates.filter(({ isConfident }) => isConfident).length;
  let room = Math.max(0, Math.floor(shownShare * images) - confident);
  return candidates.filter(({ isConfident }) => isConfident || room-- > 0);
}
