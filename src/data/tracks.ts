import { stream } from "../base/random.ts";
import type { Fingerprints } from "./fingerprints.ts";
import type { Sample } from "./source.ts";

/** Names that tell which images were taken together, such as the frames of one video, and how far the pictures agree. */
export interface Tracks {
  /** For `--group`. */
  readonly pattern: string;
  readonly count: number;
  /** Of the images looked at, how many resemble one of their own track more than any other image of their class. */
  readonly agreement: number;
  /** The same, if names meant nothing. */
  readonly chance: number;
  /** The track of each sample. */
  readonly of: readonly string[];
}

/** `track_0012.jpg`, `scene-3.png`: everything before the last number. */
const pattern = "^(.*)[_-][0-9]+\\.[A-Za-z]+$";
/** A track is no class and no single image: between these, as shares of the images. */
const mostTracks = 0.5;
const judgedImages = 500;
/** Tracks are believed in when neighbours agree with names so often, and so many times as often as by chance. */
const leastAgreement = 0.2;
const leastGain = 3;

/** The tracks that the samples' names speak of, if the pictures bear it out; nothing where groups are known already. */
export function findTracks(samples: readonly Sample[], prints: Fingerprints, classes: number): Tracks | undefined {
  if (samples.some(({ group }) => group !== undefined)) return undefined;
  const expression = new RegExp(pattern);
  const of = samples.map(({ id }) => expression.exec(id)?.[1]);
  if (of.some((track) => track === undefined)) return undefined;
  const named = of.map((track) => track ?? "");
  const count = new Set(named).size;
  if (count <= classes || count > mostTracks * samples.length) return undefined;
  const { agreement, chance } = compare(samples, prints, named);
  if (agreement < leastAgreement || agreement < leastGain * chance) return undefined;
  return { pattern, count, agreement, chance, of: named };
}

/** For images drawn at random: is the most alike of their class of their own track? */
function compare(samples: readonly Sample[], prints: Fingerprints, tracks: readonly string[]) {
  const ofClass = new Map<number, number[]>();
  samples.forEach(({ label }, i) => {
    const members = ofClass.get(label);
    if (members === undefined) ofClass.set(label, [i]);
    else members.push(i);
  });
  let judged = 0;
  let agreed = 0;
  let byChance = 0;
  for (const i of stream(0, "tracks").permutation(samples.length).subarray(0, judgedImages)) {
    const others = (ofClass.get(samples[i]?.label ?? -1) ?? []).filter((j) => j !== i);
    const own = others.filter((j) => tracks[j] === tracks[i]).length;
    if (own === 0) continue;
    judged++;
    byChance += own / others.length;
    if (tracks[mostAlike(prints, i, others)] === tracks[i]) agreed++;
  }
  return { agreement: agreed / Math.max(1, judged), chance: byChance / Math.max(1, judged) };
}

function mostAlike(prints: Fingerprints, i: number, others: readonly number[]): number {
  let best = -1;
  let least = Number.POSITIVE_INFINITY;
  for (const j of others) {
    const difference = prints.difference(i, j);
    if (difference >= least) continue;
    least = difference;
    best = j;
  }
  return best;
}
