import { expect, it } from "vitest";
import { AnswerTally } from "./answerTally.ts";

const row = (...probabilities: readonly number[]) => Float32Array.from(probabilities);

it("counts, and keeps the surest images of each cell and the surest mistakes", () => {
  const tally = new AnswerTally("test", ["a", "b"]);
  for (let i = 0; i < 40; i++) tally.add(`wrong-${i}`, 0, row(0.4 - i / 100, 0.6 + i / 100));
  tally.add("right", 1, row(0.25, 0.75));
  const answers = tally.answers();
  expect(answers?.count).toBe(41);
  expect(answers?.confusion).toEqual([
    [0, 40],
    [0, 1],
  ]);
  const kept = Array.from({ length: 12 }, (_, i) => `wrong-${39 - i}`);
  expect(answers?.worst.map(({ image }) => image)).toEqual(kept);
  expect(answers?.cells.get(1)?.map(({ image }) => image)).toEqual(kept);
  expect(answers?.cells.get(3)).toEqual([{ image: "right", truth: 1, answer: 1, probability: 0.75 }]);
  expect(tally.warnings()).toEqual([]);
});

it("leaves out answers that are no numbers and tells of sums that are not one", () => {
  const tally = new AnswerTally("validation", ["a", "b"]);
  tally.add("x/1.png", 0, row(Number.NaN, Number.NaN));
  tally.add("x/2.png", 0, row(Number.POSITIVE_INFINITY, 0));
  expect(tally.answers()).toBe(undefined);
  tally.add("x/3.png", 0, row(0.9, 0.8));
  tally.add("x/4.png", 0, row(0.5, 0.5));
  expect(tally.answers()?.count).toBe(2);
  const [none = "", other = ""] = tally.warnings();
  expect(none).toMatch(
    /^validation: 2 answers left out, .*: "x\/1\.png", "x\/2\.png"\. The model may have diverged\.$/,
  );
  expect(other).toMatch(/^validation: the probabilities of 1 image do not sum to one: "x\/3\.png"\./);
});

it("keeps as many rows as it may, every one with the same probability, and counts all", () => {
  const kept = new Float64Array(10);
  const tallies = 300;
  for (let turn = 0; turn < tallies; turn++) {
    // Room for five rows of two; every part draws anew.
    const tally = new AnswerTally(`part ${turn}`, ["a", "b"], 10);
    for (let i = 0; i < 10; i++) tally.add(`${i}`, 0, row(1 - i / 1000, i / 1000));
    const { sample, confusion } = tally.answers() ?? {};
    expect(confusion?.[0]?.[0]).toBe(10);
    const places = Array.from({ length: 5 }, (_, i) => Math.round(1000 * (sample?.probabilities[2 * i + 1] ?? 0)));
    expect(new Set(places).size).toBe(5);
    for (const place of places) kept[place] = (kept[place] ?? 0) + 1;
  }
  // Each of ten in half of 300 tallies: 150, with a standard deviation of 8.7; five of them.
  for (const count of kept) expect(Math.abs(count - 150)).toBeLessThan(44);
});
