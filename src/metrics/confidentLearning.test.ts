import { expect, test } from "vitest";
import { labelErrorCandidates } from "./confidentLearning.ts";

// Thresholds: class 0 (0.875 + 0.75 + 0.125) / 3 = 0.583, class 1 (0.75 + 1 + 0.375) / 3 = 0.708.
const probabilities = [
  [0.875, 0.125],
  [0.75, 0.25],
  [0.125, 0.875],
  [0.25, 0.75],
  [0, 1],
  [0.625, 0.375],
];
const labels = [0, 0, 0, 1, 1, 1];

test("names the samples off the diagonal of the confident joint, the most suspect first", () => {
  expect(labelErrorCandidates(probabilities, labels)).toEqual([
    { sample: 2, given: 0, likely: 1, margin: -0.75, isConfident: true },
    { sample: 5, given: 1, likely: 0, margin: -0.25, isConfident: true },
  ]);
});

test("names a sample with less confidence whose other class does not reach its own threshold", () => {
  expect(
    labelErrorCandidates(
      [
        [0.5, 0.5],
        [0.375, 0.625],
        [0, 1],
        [0, 1],
      ],
      [0, 0, 1, 1],
    ),
  ).toEqual([{ sample: 1, given: 0, likely: 1, margin: -0.25, isConfident: false }]);
});

test("never suggests a class that no sample is labelled with", () => {
  expect(
    labelErrorCandidates(
      [
        [0.25, 0.75],
        [0.5, 0.5],
      ],
      [0, 0],
    ),
  ).toEqual([]);
});

test("finds nothing among no samples", () => {
  expect(labelErrorCandidates([], [])).toEqual([]);
});
