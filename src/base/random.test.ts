import fc from "fast-check";
import { describe, expect, it } from "vitest";
import knownAnswers from "../../test/reference/random.json" with { type: "json" };
import { hash32, mix32, philox4x32, stream } from "./random.ts";

describe("philox4x32", () => {
  it.each(knownAnswers.philox4x32)("gives Random123's known answer for counter $counter, key $key", (vector) => {
    const [c0, c1, c2, c3] = vector.counter.map(parseWord);
    const [key0, key1] = vector.key.map(parseWord);
    const out = new Uint32Array(4);
    philox4x32(out, c0, c1, c2, c3, key0, key1);
    expect(Array.from(out, showWord)).toEqual(vector.output);
  });
});

describe("a stream", () => {
  it("is a pure function of its four arguments", () => {
    fc.assert(
      fc.property(seeds, fc.string(), fc.nat(), fc.nat(), (seed, purpose, epoch, sample) => {
        expect(words(seed, purpose, epoch, sample)).toEqual(words(seed, purpose, epoch, sample));
      }),
    );
  });

  it("differs when any one argument differs", () => {
    const base = words(1, "augment", 2, 3);
    const others = [
      words(2, "augment", 2, 3),
      words(1, "dropout", 2, 3),
      words(1, "augment", 3, 3),
      words(1, "augment", 2, 4),
      words(1 + 2 ** 32, "augment", 2, 3),
      words(1, "augment", 2, 3 + 2 ** 32),
    ];
    for (const other of others) expect(other).not.toEqual(base);
    expect(new Set(others.map(String)).size).toBe(others.length);
  });

  it("does not depend on what other streams drew in between", () => {
    const alone = stream(5, "a");
    const expected = [alone.bits(), alone.bits(), alone.bits()];
    const mixed = stream(5, "a");
    const other = stream(5, "b");
    const drawn = expected.map(() => {
      other.normal();
      return mixed.bits();
    });
    expect(drawn).toEqual(expected);
  });

  it("is uncorrelated between neighbouring samples", () => {
    const count = 10_000;
    let sum = 0;
    for (let sample = 0; sample < count; sample++) {
      sum += (stream(11, "x", 0, sample).uniform() - 0.5) * (stream(11, "x", 0, sample + 1).uniform() - 0.5);
    }
    // Each product has variance (1/12)²; five standard errors of the mean.
    expect(Math.abs(sum / count)).toBeLessThan(5 / 12 / Math.sqrt(count));
  });
});

describe("uniform", () => {
  it("has the mean and variance of its distribution", () => {
    const values = draw(100_000, (random) => random.uniform());
    // Standard errors: √(1/12/n) of the mean, √(1/180/n) of the variance; five of each.
    expect(Math.abs(mean(values) - 1 / 2)).toBeLessThan(5 * Math.sqrt(1 / 12 / values.length));
    expect(Math.abs(variance(values) - 1 / 12)).toBeLessThan(5 * Math.sqrt(1 / 180 / values.length));
  });

  it("stays in [low, high)", () => {
    fc.assert(
      fc.property(
        seeds,
        fc.integer({ min: -1000, max: 1000 }),
        fc.integer({ min: 1, max: 1000 }),
        (seed, low, width) => {
          const value = stream(seed, "range").uniform(low, low + width);
          expect(value >= low && value < low + width).toBe(true);
        },
      ),
    );
  });
});

describe("normal", () => {
  it("has mean 0, variance 1 and the tails of a normal distribution", () => {
    const values = draw(100_000, (random) => random.normal());
    // Standard errors: √(1/n), √(2/n) and, of the share p beyond two deviations, √(p(1−p)/n); five of each.
    const beyond = values.filter((value) => Math.abs(value) > 2).length / values.length;
    expect(Math.abs(mean(values))).toBeLessThan(5 * Math.sqrt(1 / values.length));
    expect(Math.abs(variance(values) - 1)).toBeLessThan(5 * Math.sqrt(2 / values.length));
    expect(Math.abs(beyond - 0.0455)).toBeLessThan(5 * Math.sqrt((0.0455 * 0.9545) / values.length));
  });
});

describe("below", () => {
  it("fills its buckets evenly", () => {
    const counts = new Array<number>(64).fill(0);
    for (const value of draw(64_000, (random) => random.below(64))) counts[value]++;
    // χ² with 63 degrees of freedom: 0.999 lie below 103.4, 0.001 below 34.
    const chiSquare = counts.reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeGreaterThan(34);
    expect(chiSquare).toBeLessThan(103.4);
  });

  it("gives whole numbers under its bound", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 1, max: 2 ** 31 }), (seed, count) => {
        const value = stream(seed, "below").below(count);
        expect(Number.isInteger(value) && value >= 0 && value < count).toBe(true);
      }),
    );
  });
});

describe("permutation", () => {
  it("holds every index once", () => {
    fc.assert(
      fc.property(seeds, fc.integer({ min: 0, max: 300 }), (seed, count) => {
        const sorted = stream(seed, "order").permutation(count).sort();
        expect(Array.from(sorted)).toEqual([...Array(count).keys()]);
      }),
    );
  });

  it("reaches all orders of four equally often", () => {
    const counts = new Map<string, number>();
    for (const order of draw(24_000, (random) => random.permutation(4).join())) {
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    // χ² with 23 degrees of freedom: 0.999 lie below 49.7.
    const chiSquare = [...counts.values()].reduce((sum, count) => sum + (count - 1000) ** 2 / 1000, 0);
    expect(chiSquare).toBeLessThan(49.7);
  });
});

describe("hash32", () => {
  // Published FNV-1a test vectors (Landon Curt Noll, "FNV Hash").
  it.each([
    ["", "811c9dc5"],
    ["a", "e40c292c"],
    ["foobar", "bf9cf968"],
  ])("of %j is %s", (text, expected) => {
    expect(showWord(hash32(text))).toBe(expected);
  });
});

describe("mix32", () => {
  it("maps distinct words to distinct unsigned words", () => {
    const mixed = Array.from({ length: 100_000 }, (_, i) => mix32(i));
    expect(new Set(mixed).size).toBe(mixed.length);
    expect(mixed.every((word) => word >= 0 && word <= 0xffffffff)).toBe(true);
  });

  it("flips half the bits when one input bit flips", () => {
    let flipped = 0;
    for (let i = 0; i < 32_000; i++) flipped += bitsSet(mix32(i) ^ mix32(i ^ (1 << (i % 32))));
    // A good mix flips 16 of 32; its published bias is far below one percent.
    expect(Math.abs(flipped / 32_000 - 16)).toBeLessThan(0.16);
  });
});

const seeds = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });

function words(seed: number, purpose: string, epoch: number, sample: number): readonly number[] {
  const random = stream(seed, purpose, epoch, sample);
  return Array.from({ length: 9 }, () => random.bits());
}

function draw<T>(count: number, one: (random: ReturnType<typeof stream>) => T): readonly T[] {
  const random = stream(2024, "draw");
  return Array.from({ length: count }, () => one(random));
}

function mean(values: readonly number[]): number {
  let sum = 0;
  for (const value of values) sum += value;
  return sum / values.length;
}

function variance(values: readonly number[]): number {
  const centre = mean(values);
  return mean(values.map((value) => (value - centre) ** 2));
}

function bitsSet(word: number): number {
  let count = 0;
  for (let rest = word >>> 0; rest !== 0; rest >>>= 1) count += rest & 1;
  return count;
}

function parseWord(text: string): number {
  return Number.parseInt(text, 16);
}

function showWord(word: number): string {
  return word.toString(16).padStart(8, "0");
}
