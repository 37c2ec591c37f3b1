import { unitRows } from "../algebra/matrix.ts";
import { nearestRows } from "../algebra/nearestRows.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { GraftError } from "../base/errors.ts";
import type { Rows } from "../base/rows.ts";
import type { Source } from "../data/source.ts";
import type { Platform } from "../platform/platform.ts";
import { prepareData, withoutWarnings } from "./dataset.ts";
import { readImageFile } from "./imageFile.ts";
import { featuresOf } from "./openDomains.ts";
import { openRunImages } from "./runImages.ts";
import type { NearImage, TaskEvent } from "./task.ts";

/** Known images in memory at once. */
const knownAtOnce = 8192;

interface Work {
  readonly platform: Platform;
  readonly signal: AbortSignal;
}

/**
 * The `count` training images most alike to each of some files, by the cosine of what the run's last layer judges by; the most alike first. Of files
 * that cannot be read there is nothing. Features come from the cache; what it lacks is computed and kept, and said.
 */
export async function* nearestImages(
  run: string,
  files: readonly string[],
  count: number,
  work: Work,
): AsyncGenerator<TaskEvent, ReadonlyMap<string, readonly NearImage[]>> {
  const { platform, signal } = work;
  const { labels, source, partOf, backbone } = yield* openRunImages(run, platform, signal);
  const trained = { ...source, samples: source.samples.filter(({ id }) => partOf.get(id) === "train") };
  const learned = [...partOf.values()].filter((part) => part === "train").length;
  const known = yield* imagesOf(trained, backbone, work);
  if (known.samples.length < learned) {
    const text = `${learned - known.samples.length} of ${learned} training images are no longer there`;
    yield { type: "warning", text };
  }
  if (known.samples.length === 0) throw new GraftError("input", `"${run}": none of its training images is there.`);
  const asked = yield* imagesOf(sourceOf(files, platform), backbone, work);
  const found = asked.samples.map((): readonly NearImage[] => []);
  if (asked.samples.length === 0) return new Map();
  const queries = unitRows(yield* featuresOf(backbone, asked, places(asked.samples), work));
  const missing = { count: 0 };
  for (let start = 0; start < known.samples.length; start += knownAtOnce) {
    const chunk = places(known.samples).slice(start, start + knownAtOnce);
    const rows = yield* counted(featuresOf(backbone, known, chunk, work), missing);
    const near = await nearestRows(unitRows(rows), queries, count, { engine: platform.engine, signal });
    for (const [i, neighbours] of near.entries()) {
      const images = neighbours.map(({ place, distance }) => {
        const { id, label } = known.samples[chunk[place] ?? 0] ?? { id: "", label: 0 };
        // Of rows of length one.
        return { file: id, label: source.labels[label] ?? labels[label] ?? "", distance: distance ** 2 / 2 };
      });
      found[i] = [...(found[i] ?? []), ...images].sort((a, b) => a.distance - b.distance).slice(0, count);
    }
  }
  if (missing.count > 0) {
    const text = `the cache lacked the features of ${missing.count} of ${known.samples.length} training images; they are computed and kept now`;
    yield { type: "note", text };
  }
  return new Map(asked.samples.map(({ id }, i) => [id, found[i] ?? []]));
}

function imagesOf(source: Source, backbone: Backbone, { platform, signal }: Work) {
  return withoutWarnings(prepareData(source, backbone.preparation, platform, { strict: false, signal }));
}

/** Passes events on and counts the features that had to be computed. */
async function* counted(
  work: AsyncGenerator<TaskEvent, Rows>,
  missing: { count: number },
): AsyncGenerator<TaskEvent, Rows> {
  let isFirst = true;
  for (;;) {
    const next = await work.next();
    if (next.done) return next.value;
    if (isFirst && next.value.type === "progress") missing.count += next.value.total - next.value.done;
    isFirst = false;
    yield next.value;
  }
}

/** Files as a data set without labels. */
function sourceOf(files: readonly string[], { store }: Platform): Source {
  const samples = [...new Set(files)].map((id) => ({ id, label: -1 }));
  return {
    description: "files",
    labels: [],
    samples,
    problems: [],
    async *read(ids) {
      for (const sample of samples) {
        if (!ids.has(sample.id)) continue;
        try {
          yield { sample, image: { kind: "encoded", bytes: await readImageFile(sample.id, store) } };
        } catch (error) {
          if (!(error instanceof GraftError) || error.code !== "input") throw error;
        }
      }
    },
  };
}

function places(all: readonly unknown[]): readonly number[] {
  return all.map((_, i) => i);
}
