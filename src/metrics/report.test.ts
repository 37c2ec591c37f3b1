import { describe, expect, it } from "vitest";
import reference from "../../test/reference/metrics.json" with { type: "json" };
import { classificationBatch } from "./batches.fixture.ts";
import { type ClassificationReport, classificationMetrics } from "./classification.ts";
import { scoresOf } from "./confusion.ts";
import { measure } from "./metric.ts";
import { confusedPairs, formatConfusion, formatReport } from "./report.ts";

const report = (name: string): ClassificationReport => {
  const stored = reference.classification.find((one) => one.name === name);
  if (stored === undefined) throw new Error(`no case "${name}"`);
  return measure(classificationMetrics(stored.classes), [classificationBatch(stored)]);
};

/** A report of this many classes, where each class i took i % 4 samples of the next. */
const manyClasses = (classes: number) => {
  const confusion = Array.from({ length: classes }, (_, t) => {
    const row = new Array<number>(classes).fill(0);
    row[t] = 20;
    row[(t + classes - 1) % classes] = t % 4;
    return row;
  });
  return { ...scoresOf(confusion), count: 0, loss: 0, confusion };
};

describe("formatReport", () => {
  it("aligns a row for each class and the averages", () => {
    expect(formatReport(report("four classes"), ["ant", "bee", "dragonfly", "wasp"])).toMatchInlineSnapshot();
  });

  it("has a row for top-5 accuracy with more than five classes", () => {
    expect(formatReport(report("seven classes"))).toMatchInlineSnapshot();
  });

  it("shows weights with two decimals", () => {
    expect(formatReport(report("weighted"), ["a", "b", "c", "d"])).toMatchInlineSnapshot();
  });

  it("cuts long names, counts wide characters twice and lets no name drive the terminal", () => {
    const labels = ["the northern long-tailed marsh warbler", "猫", "🐕 dog", "red\u001b[31m\nline"];
    expect(formatReport(report("four classes"), labels)).toMatchInlineSnapshot();
  });

  it("uses the labels that the report carries", () => {
    const [stored] = reference.classification;
    const metric = classificationMetrics(2, { labels: ["yes", "no"] });
    expect(formatReport(measure(metric, [classificationBatch(stored)]))).toMatch(/^ +yes|^yes/m);
  });

  it("still works with hundreds of classes", () => {
    const lines = formatReport(manyClasses(300)).split("\n");
    expect(lines).toHaveLength(1 + 300 + 1 + 3);
    expect(new Set(lines.filter((line) => line !== "").map((line) => line.length)).size).toBe(1);
  });
});

describe("formatConfusion", () => {
  it("is a table with the true class in rows", () => {
    expect(
      formatConfusion(report("four classes").confusion, ["ant", "bee", "dragonfly", "wasp"]),
    ).toMatchInlineSnapshot();
  });

  it("cuts the names of its columns to fit", () => {
    const { confusion } = manyClasses(12);
    const labels = confusion.map((_, c) => `species number ${c}`);
    const lines = formatConfusion(confusion, labels).split("\n");
    expect(lines[2]).toMatch(/^ +spec… {2}spec…/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(110);
  });

  it("lists the ten most confused pairs beyond 12 classes", () => {
    expect(formatConfusion(manyClasses(13).confusion)).toMatchInlineSnapshot();
    expect(formatConfusion(manyClasses(60).confusion).split("\n")).toHaveLength(2 + 1 + 10);
  });

  it("says so when there is one confused pair, and when there is none", () => {
    const perfect = Array.from({ length: 13 }, (_, t) => Array.from({ length: 13 }, (_, p) => (t === p ? 5 : 0)));
    expect(formatConfusion(perfect)).toBe("No sample of the 13 classes was taken for another class.");
    const one = perfect.map((row, t) => (t === 4 ? row.with(9, 1) : row));
    expect(formatConfusion(one)).toMatchInlineSnapshot();
  });
});

describe("confusedPairs", () => {
  it("come most samples first, then by index", () => {
    const pairs = confusedPairs([
      [8, 2, 0],
      [3, 6, 1],
      [2, 0, 8],
    ]);
    expect(pairs.map(({ truth, predicted, samples, share }) => [truth, predicted, samples, share])).toEqual([
      [1, 0, 3, 0.3],
      [0, 1, 2, 0.2],
      [2, 0, 2, 0.2],
      [1, 2, 1, 0.1],
    ]);
  });
});
