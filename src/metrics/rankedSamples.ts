import type { ClassificationBatch } from "./classificationBatch.ts";

/** The samples of a batch by rising score of one class, equal ones in their own order: [N] each. */
export interface RankedSamples {
  readonly scores: Float32Array;
  readonly labels: Int32Array;
  /** Where each stands in the batch. */
  readonly places: Uint32Array;
}

/** Ranks by a class. What it gave is overwritten by the next call. */
export type RankBy = (c: number) => RankedSamples;

const digitBits = 11;
const buckets = 2 ** digitBits;
/** Columns that are read together, because neighbours share a cache line. */
const blockColumns = 16;

/** Sorts by one class after another, by radix on the float32 bits in three passes; 88 bytes a sample. No score may be NaN. */
export function rankBy(batch: ClassificationBatch): RankBy {
  const { labels } = batch;
  const count = labels.length;
  const column = columnsOf(batch);
  const bits = new Uint32Array(1);
  const score = new Float32Array(bits.buffer);
  let [keys, spareKeys] = [new Uint32Array(count), new Uint32Array(count)];
  let [places, sparePlaces] = [new Uint32Array(count), new Uint32Array(count)];
  const ranked = { scores: new Float32Array(count), labels: new Int32Array(count) };
  const starts = new Uint32Array(buckets);
  return (c) => {
    const values = column(c);
    for (let i = 0; i < count; i++) {
      score[0] = values[i];
      // As unsigned integers, floats rise with their bits, once the negative ones are turned round.
      keys[i] = bits[0] & 0x80000000 ? ~bits[0] : bits[0] | 0x80000000;
      places[i] = i;
    }
    for (let shift = 0; shift < 32; shift += digitBits) {
      startsOfBuckets(keys, shift, starts);
      for (let i = 0; i < count; i++) {
        const to = starts[(keys[i] >>> shift) & (buckets - 1)]++;
        spareKeys[to] = keys[i];
        sparePlaces[to] = places[i];
      }
      [keys, spareKeys] = [spareKeys, keys];
      [places, sparePlaces] = [sparePlaces, places];
    }
    for (let i = 0; i < count; i++) {
      ranked.scores[i] = values[places[i]];
      ranked.labels[i] = labels[places[i]];
    }
    return { ...ranked, places };
  };
}

/** All ranks of a batch at once, 12 bytes a sample and class: for measuring the same scores under many weights. */
export function rankedByAll(batch: ClassificationBatch): RankBy {
  const by = rankBy(batch);
  const all = Array.from({ length: batch.classes }, (_, c) => {
    const { scores, labels, places } = by(c);
    return { scores: scores.slice(), labels: labels.slice(), places: places.slice() };
  });
  return (c) => all[c];
}

/** Columns of [N, classes], read in blocks. */
function columnsOf({ probabilities, labels, classes }: ClassificationBatch): (c: number) => Float32Array {
  const block = Array.from({ length: Math.min(blockColumns, classes) }, () => new Float32Array(labels.length));
  let from = Number.NEGATIVE_INFINITY;
  return (c) => {
    if (c < from || c >= from + blockColumns) {
      from = c - (c % blockColumns);
      const width = Math.min(blockColumns, classes - from);
      for (let i = 0; i < labels.length; i++) {
        for (let j = 0; j < width; j++) block[j][i] = probabilities[i * classes + from + j];
      }
    }
    return block[c - from];
  };
}

function startsOfBuckets(keys: Uint32Array, shift: number, starts: Uint32Array): void {
  starts.fill(0);
  for (let i = 0; i < keys.length; i++) starts[(keys[i] >>> shift) & (buckets - 1)]++;
  let before = 0;
  for (let bucket = 0; bucket < buckets; bucket++) {
    const size = starts[bucket];
    starts[bucket] = before;
    before += size;
  }
}
