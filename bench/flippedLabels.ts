import { mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { stream } from "../src/base/random.ts";
import { nodePlatform } from "../src/node/platform.ts";
import { audit } from "../src/tasks/audit.ts";

// How many wrong labels the audit shows again, as in docs/results.md: node bench/.build/bench/flippedLabels.js FOLDER BACKBONE
// FOLDER is hymenoptera's: train/ants, train/bees, val/ants, val/bees.

const flippedShare = 0.05;
const seeds = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
const classes = ["ants", "bees"] as const;

interface Photo {
  readonly path: string;
  readonly label: string;
}

const [folder = "", backbone = ""] = process.argv.slice(2);
const root = mkdtempSync(join(tmpdir(), "graft-flipped-"));
try {
  symlinkSync(resolve(folder), join(root, "photos"));
  const photos = ["train", "val"].flatMap((part) =>
    classes.flatMap((label) =>
      readdirSync(join(folder, part, label))
        .sort()
        .map((name): Photo => ({ path: `photos/${part}/${label}/${name}`, label })),
    ),
  );
  const count = Math.round(flippedShare * photos.length);
  process.stdout.write("seed  flipped  shown  of images  flipped among them\n");
  for (const seed of seeds) {
    const flipped = new Set(stream(seed, "flipped labels").permutation(photos.length).subarray(0, count));
    const shown = await candidates(photos, flipped);
    const found = shown.filter((path) => [...flipped].some((i) => photos[i]?.path === path)).length;
    const cells = [
      seed,
      count,
      shown.length,
      percent(shown.length / photos.length),
      `${found}, ${percent(found / count)}`,
    ];
    process.stdout.write(`${cells.join("  ")}\n`);
  }
} finally {
  rmSync(root, { recursive: true });
}

/** The images that an audit with those labels turned names, the most suspect first. */
async function candidates(photos: readonly Photo[], flipped: ReadonlySet<number>): Promise<readonly string[]> {
  const rows = photos.map(
    ({ path, label }, i) => `${path},${flipped.has(i) ? classes.find((c) => c !== label) : label}`,
  );
  const [data, out] = [join(root, "flipped.csv"), join(root, "audit.json")];
  writeFileSync(data, `path,label\n${rows.join("\n")}\n`);
  const events = audit.run({ data, backbone, out }, nodePlatform(), new AbortController().signal);
  try {
    for await (const _ of events);
  } catch {
    // Serious findings fail the command; they are written all the same.
  }
  const { findings } = JSON.parse(readFileSync(out, "utf8"));
  const errors = findings.find(({ check }: { check: string }) => check === "label-errors");
  return (errors?.evidence.candidates ?? []).map(({ id }: { id: string }) => id);
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
