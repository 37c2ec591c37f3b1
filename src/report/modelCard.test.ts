import { expect, it } from "vitest";
import { frontMatter } from "./frontMatter.ts";
import { modelCard } from "./modelCard.ts";

it("writes nested lists and maps as YAML, strings quoted", () => {
  const text = frontMatter({
    license: "apache-2.0",
    none: undefined,
    tags: ["a: b", 'c"\n'],
    index: [{ n: 1, list: [{ x: true }] }],
  });
  expect(text).toBe(`---
license: "apache-2.0"
tags:
- "a: b"
- "c\\"\\n"
index:
- n: 1
  list:
  - x: true
---
`);
});

const part = {
  part: "test",
  count: 40,
  accuracy: 0.9,
  interval: { lower: 0.77, upper: 0.96 },
  majority: { label: "a", share: 0.5 },
  balancedAccuracy: 0.9,
  macroF1: 0.89,
  auc: undefined,
  calibrationError: 0.1,
};
const subject = {
  name: "run",
  data: "my photos",
  labels: ["[a](http://x)", "<script>"],
  parts: [part],
  trainingImages: 100,
  backbone: undefined,
  licence: undefined,
  strategy: "scratch",
};

it("gives the figures of the hub's model index, and lets no name become markup", () => {
  const card = modelCard(subject);
  expect(card).toContain(`model-index:
- name: "run"
  results:
  - task:
      type: "image-classification"
      name: "Image classification"
    dataset:
      type: "my-photos"
      name: "my photos"
      split: "test"
    metrics:
    - type: "accuracy"
      name: "Accuracy"
      value: 0.9
`);
  expect(card).toContain("90.0 % rightly (95 % interval 77.0–96.0 %, Wilson)");
  expect(card).toContain("\\[a\\](http://x), \\<script\\>");
  expect(card).toContain(`license: "unknown"`);
});

it("says when nothing was measured", () => {
  const card = modelCard({ ...subject, parts: [], licence: "apache-2.0" });
  expect(card).toContain("It was not measured");
  expect(card).toContain(`license: "apache-2.0"`);
});
