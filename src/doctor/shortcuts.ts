import { foldsOf } from "../data/folds.ts";
import type { ImageFile } from "../data/imageSurvey.ts";
import type { Sample } from "../data/source.ts";
import { majorityShare } from "../metrics/majority.ts";
import { wilsonInterval } from "../metrics/wilson.ts";

/** Something that has nothing to do with the subject and yet tells its class. */
export interface Shortcut {
  readonly by: string;
  /** Of naming, for each value, the class that has it most often; on images that were not counted. */
  readonly accuracy: number;
  /** Of always naming the most frequent class. */
  readonly majority: number;
  /** The value that tells most, and the class it tells. */
  readonly example: string;
}

interface Named {
  readonly samples: readonly Sample[];
  readonly files: readonly ImageFile[];
  readonly labels: readonly string[];
}

/** Of the errors that the most frequent class leaves, a shortcut avoids this share with 95 % confidence. */
const leastGain = 0.5;
const foldCount = 5;
/** Levels are told apart in steps of this size. */
const colourStep = 64;
/** A ring of less deviation, in levels, is a frame of one colour. */
const flatBorder = 6;

/** Properties of files alone that predict the class far better than always naming the most frequent one. */
export function findShortcuts({ samples, files, labels }: Named): readonly Shortcut[] {
  const values: readonly (readonly [string, readonly string[]])[] = [
    ["size in pixels", files.map(({ width, height }) => `${width}×${height}`)],
    ["file format", files.map(({ format = "pixels" }) => format)],
    ["colour of the border", files.map(borderName)],
    ["beginning of the file name", samples.map(({ id, label }) => sourceName(id, labels[label] ?? ""))],
  ];
  const folds = foldsOf(
    samples,
    samples.map((_, i) => i),
    { count: foldCount, seed: 0 },
  );
  const majority = majorityShare(samples.map(({ label }) => label));
  return values.flatMap(([by, of]) => {
    const { right, judged } = predict(samples, of, folds);
    if (judged === 0 || new Set(of).size < 2) return [];
    const least = majority + leastGain * (1 - majority);
    if (wilsonInterval(right / judged, judged).lower <= least) return [];
    return [{ by, accuracy: right / judged, majority, example: tellingValue(samples, of, labels) }];
  });
}

/** Each fold by the counts of the others; a value that they do not have says nothing and counts as wrong. */
function predict(samples: readonly Sample[], values: readonly string[], folds: Int32Array) {
  let [right, judged] = [0, 0];
  for (let fold = 0; fold < foldCount; fold++) {
    const known = values.map((value, i) => (folds[i] === fold ? undefined : value));
    const classes = mostFrequent(samples, known);
    samples.forEach(({ label }, i) => {
      if (folds[i] !== fold) return;
      judged++;
      if (classes.get(values[i] ?? "")?.label === label) right++;
    });
  }
  return { right, judged };
}

/** The most frequent class of each value, and how often it has it. */
function mostFrequent(samples: readonly Sample[], values: readonly (string | undefined)[]) {
  const counts = new Map<string, Map<number, number>>();
  values.forEach((value, i) => {
    if (value === undefined) return;
    const label = samples[i]?.label ?? -1;
    const ofValue = counts.get(value) ?? new Map<number, number>();
    ofValue.set(label, (ofValue.get(label) ?? 0) + 1);
    counts.set(value, ofValue);
  });
  return new Map(
    [...counts].map(([value, ofValue]) => {
      const [label = -1, count = 0] = [...ofValue].reduce((a, b) => (b[1] > a[1] ? b : a));
      return [value, { label, count }] as const;
    }),
  );
}

function tellingValue(samples: readonly Sample[], values: readonly string[], labels: readonly string[]): string {
  const [value, { label }] = [...mostFrequent(samples, values)].reduce((a, b) => (b[1].count > a[1].count ? b : a));
  return `${value} for "${labels[label] ?? ""}"`;
}

function borderName({ border, borderDeviation }: ImageFile): string {
  const steps = border.map((level) => `${Math.floor(level / colourStep) * colourStep}+`);
  return `${borderDeviation < flatBorder ? "an even" : "a mixed"} ${steps.join("/")}`;
}

/** What stands before the first digit, such as `IMG_`; nothing where the name only repeats the class. */
function sourceName(id: string, label: string): string {
  const name = id.slice(id.lastIndexOf("/") + 1);
  const start = name.replace(/[^.]*$/, (ending) => (name === ending ? ending : "")).replace(/\d.*$/s, "");
  const plain = (text: string) => text.toLowerCase().replace(/[^\p{L}]|s$/gu, "");
  const isClass = plain(label) !== "" && plain(start).includes(plain(label));
  return isClass ? '""' : `"${start}"`;
}
