import { describe, expect, it } from "vitest";
import { centroidLabels } from "./centroidLabels.ts";

const rows = (values: readonly (readonly number[])[]) => ({
  values: Float32Array.from(values.flat()),
  count: values.length,
  width: values[0]?.length ?? 0,
});

describe("labels by class centroids", () => {
  it("correct an answer that disagrees with where the image lies", () => {
    const features = rows([
      [1, 0],
      [1, 0.1],
      [2, 0.1],
      [0, 1],
      [0.1, 1],
    ]);
    // The third is mistaken for the second class.
    const answers = Float32Array.of(0.9, 0.1, 0.9, 0.1, 0.4, 0.6, 0.1, 0.9, 0.1, 0.9);
    expect([...centroidLabels(features, answers, 2)]).toEqual([0, 0, 0, 1, 1]);
  });

  it("are taken by the angle, whatever the length", () => {
    const features = rows([
      [1, 0],
      [0, 50],
      [0.01, 0.001],
      [3, 40],
    ]);
    const answers = Float32Array.of(1, 0, 0, 1, 0.5, 0.5, 0.5, 0.5);
    expect([...centroidLabels(features, answers, 2)]).toEqual([0, 1, 0, 1]);
  });

  it("never name a class that no answer gives any weight", () => {
    const answers = Float32Array.of(1, 0, 0, 0, 1, 0);
    const found = centroidLabels(
      rows([
        [1, 0],
        [0, 1],
      ]),
      answers,
      3,
    );
    expect([...found]).toEqual([0, 1]);
  });
});
