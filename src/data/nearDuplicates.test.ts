import { describe, expect, it } from "vitest";
import { type Stream, stream } from "../base/random.ts";
import { Fingerprints } from "./fingerprints.ts";
import { findNearDuplicates } from "./nearDuplicates.ts";
import { findTracks } from "./tracks.ts";

const side = 32;
type Picture = (x: number, y: number) => readonly [number, number, number];

/** A scene of a few soft blobs of colour; x and y from 0 to 1. */
function scene(random: Stream): Picture {
  const blobs = Array.from({ length: 12 }, () => ({
    x: random.uniform(),
    y: random.uniform(),
    size: random.uniform(0.05, 0.25),
    colour: [random.uniform(-120, 120), random.uniform(-120, 120), random.uniform(-120, 120)],
  }));
  return (x, y) => {
    const levels: [number, number, number] = [128, 128, 128];
    for (const blob of blobs) {
      const weight = Math.exp(-((x - blob.x) ** 2 + (y - blob.y) ** 2) / (2 * blob.size ** 2));
      blob.colour.forEach((level, channel) => {
        levels[channel] += weight * level;
      });
    }
    return levels;
  };
}

function draw(picture: Picture, size: number): Float32Array {
  const levels = new Float32Array(size * size * 3);
  for (let y = 0; y < size; y++)
    for (let x = 0; x < size; x++)
      levels.set(
        picture((x + 0.5) / size, (y + 0.5) / size).map((level) => Math.max(0, Math.min(255, level))),
        3 * (y * size + x),
      );
  return levels;
}

function printsOf(pictures: readonly Float32Array[]): Fingerprints {
  const prints = new Fingerprints(pictures.length);
  pictures.forEach((levels, i) => {
    const own = Math.sqrt(levels.length / 3);
    prints.set(i, levels, [own, own, 3]);
  });
  return prints;
}

const pairsOf = (prints: Fingerprints) => findNearDuplicates(prints).pairs.map(({ first, second }) => [first, second]);

describe("near-copies", () => {
  const scenes = Array.from({ length: 80 }, (_, i) => scene(stream(3, "scene", 0, i)));
  const [original = scenes[0]] = scenes;
  const noise = stream(4, "noise");

  it.each<readonly [string, Float32Array]>([
    ["smaller", draw(original, 24)],
    ["brighter", draw(original, side).map((level) => Math.min(255, level + 15))],
    ["noisy", draw(original, side).map((level) => level + 8 * noise.normal())],
    [
      "gray",
      draw((x, y) => new Array(3).fill(original(x, y).reduce((a, b) => a + b) / 3) as [number, number, number], side),
    ],
    ["cropped at two sides", draw((x, y) => original(0.02 + 0.98 * x, 0.98 * y), side)],
  ])("are found when %s, and nothing else is", (_, copy) => {
    expect(pairsOf(printsOf([...scenes.map((one) => draw(one, side)), copy]))).toEqual([[0, scenes.length]]);
  });

  it("are the same pairs that comparing each with each finds", () => {
    // Each scene twice more, ever further away, so that many pairs lie near the limits.
    const moved = scenes.flatMap((one, i) => [1, 2].map((step) => draw((x, y) => one(x + 0.0004 * i * step, y), side)));
    const prints = printsOf([...scenes.map((one) => draw(one, side)), ...moved]);
    const expected: (readonly number[])[] = [];
    for (let i = 0; i < prints.count; i++)
      for (let j = i + 1; j < prints.count; j++)
        if (prints.distance(i, j) <= 7 && prints.likeness(i, j) >= 0.99 && prints.difference(i, j) <= 32)
          expected.push([i, j]);
    expect(expected.length).toBeGreaterThan(100);
    expect(pairsOf(prints).sort(byPlace)).toEqual(expected.sort(byPlace));
  });

  it("must be closer where all images look alike by nature", () => {
    // One shape, moved by up to 6 % of the side: 0.95 is common, 0.99 is not.
    const alike = Array.from({ length: 60 }, (_, i) => {
      const random = stream(5, "alike", 0, i);
      const [dx, dy] = [random.uniform(-0.06, 0.06), random.uniform(-0.06, 0.06)];
      return draw((x, y) => original(x + dx, y + dy), side);
    });
    const found = findNearDuplicates(printsOf(alike)).pairs;
    expect(found.every(({ likeness }) => likeness >= 0.99)).toBe(true);
  });

  it("are not what is flat", () => {
    const flat = [100, 140, 180].map((level) => new Float32Array(side * side * 3).fill(level));
    expect(pairsOf(printsOf(flat))).toEqual([]);
  });
});

function byPlace(a: readonly number[], b: readonly number[]): number {
  return (a[0] ?? 0) - (b[0] ?? 0) || (a[1] ?? 0) - (b[1] ?? 0);
}

it("measures how much is on an image: a message on a plain ground has little entropy", () => {
  const message = draw((x, y) => (y > 0.45 && y < 0.55 && Math.sin(60 * x) > 0 ? [0, 0, 0] : [255, 255, 255]), side);
  const prints = printsOf([message, draw(scene(stream(1, "scene")), side)]);
  expect(prints.detail[0]).toBeLessThan(1);
  expect(prints.detail[1]).toBeGreaterThan(5);
});

describe("tracks", () => {
  const tracks = 20;
  const frames = 4;
  const named = (name: (track: number, frame: number) => string) =>
    Array.from({ length: tracks * frames }, (_, i) => ({
      id: name(Math.floor(i / frames), i % frames),
      label: Math.floor(i / frames) % 2,
    }));
  const drifting = Array.from({ length: tracks * frames }, (_, i) => {
    const one = scene(stream(6, "scene", 0, Math.floor(i / frames)));
    const zoom = 1 - 0.08 * (i % frames);
    return draw((x, y) => one(zoom * x, zoom * y), side);
  });
  const samples = named((track, frame) => `class/${track}_${frame}.png`);

  it("are believed when the frames of one resemble each other", () => {
    const found = findTracks(samples, printsOf(drifting), 2);
    expect(found?.count).toBe(tracks);
    expect(found?.agreement).toBeGreaterThan(0.8);
    expect(found?.chance).toBeCloseTo(3 / 39, 5);
    expect(new RegExp(found?.pattern ?? "").exec("class/17_3.png")?.[1]).toBe("class/17");
  });

  it("are not believed when the pictures do not agree, nor looked for where groups are known or names say nothing", () => {
    const unrelated = printsOf(
      Array.from({ length: samples.length }, (_, i) => draw(scene(stream(7, "scene", 0, i)), side)),
    );
    expect(findTracks(samples, unrelated, 2)).toBeUndefined();
    const prints = printsOf(drifting);
    expect(
      findTracks(
        samples.map((one) => ({ ...one, group: "a" })),
        prints,
        2,
      ),
    ).toBeUndefined();
    expect(
      findTracks(
        named((track, frame) => `class/${track * frames + frame}.png`),
        prints,
        2,
      ),
    ).toBeUndefined();
    expect(
      findTracks(
        named((track, frame) => `${track % 2}/photo_${track}${frame}.png`),
        prints,
        2,
      ),
    ).toBeUndefined();
  });
});
