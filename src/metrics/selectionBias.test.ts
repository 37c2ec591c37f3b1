import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { selectionBias } from "./selectionBias.ts";

const images = 200;

/** Candidates of the same true accuracy, which differ by chance alone. */
function equals(count: number, accuracy: number, seed: number): readonly (readonly number[])[] {
  return Array.from({ length: count }, (_, candidate) =>
    Array.from({ length: images }, (_, image) =>
      Number(stream(seed, "answers", candidate, image).uniform() < accuracy),
    ),
  );
}

describe("the bias of picking the best", () => {
  it("is what the best of equals owes to chance", () => {
    const runs = Array.from({ length: 12 }, (_, seed) => selectionBias(equals(50, 0.8, seed), seed));
    const mean = (of: (run: (typeof runs)[number]) => number) =>
      runs.reduce((sum, run) => sum + of(run), 0) / runs.length;
    const error = Math.sqrt((0.8 * 0.2) / images);
    // The largest of 50 normal deviates lies at 2.25 standard deviations.
    expect(mean(({ apparent }) => apparent)).toBeGreaterThan(0.8 + 1.8 * error);
    // Of the truth, 0.8, by three standard errors of the mean of 12 draws; the mean of all candidates does not vary more than one.
    expect(Math.abs(mean(({ corrected }) => corrected) - 0.8)).toBeLessThan((3 * error) / Math.sqrt(12));
  });

  it("is none where there is one candidate, or one far ahead", () => {
    const [only = []] = equals(1, 0.8, 1);
    const alone = selectionBias([only], 0);
    // Means over left-out images, of 1,000 resamples: within three standard errors.
    expect(Math.abs(alone.corrected - alone.apparent)).toBeLessThan(0.005);
    const ahead = selectionBias([equals(1, 0.99, 2)[0] ?? [], ...equals(20, 0.3, 3)], 0);
    expect(Math.abs(ahead.corrected - ahead.apparent)).toBeLessThan(0.005);
  });

  it("is the same for the same seed", () => {
    expect(selectionBias(equals(5, 0.7, 4), 9)).toEqual(selectionBias(equals(5, 0.7, 4), 9));
  });
});
