import { describe, expect, it } from "vitest";
import reference from "../../test/reference/metrics.json" with { type: "json" };
import { classificationBatch } from "./batches.fixture.ts";
import { classificationMetrics } from "./classification.ts";
import type { ClassificationReport } from "./classificationReport.ts";
import { scoresOf } from "./confusion.ts";
import { measure } from "./metric.ts";
import { confusedPairs, formatConfusion, formatReport } from "./report.ts";

const report = (name: string): ClassificationReport => {
  const stored = reference.classification.find((one) => one.name === name);
  if (stored === undefined) throw new Error(`no case "${name}"`);
  return measure(classificationMetrics(stored.classes), [classificationBatch(stored)]);
};

/** A report of this many classes, where each class i took i % 4 samples of the next. */
const manyClasses = (classes: number): ClassificationReport => {
  const confusion = Array.from({ length: classes }, (_, t) => {
    const row = new Array<number>(classes).fill(0);
    row[t] = 20;
    row[(t + classes - 1) % classes] = t % 4;
    return row;
  });
  const calibration = { expectedError: 0, bins: [] };
  const intervals = { level: 0.95, accuracy: { lower: 0, upper: 1 } };
  return { ...scoresOf(confusion), count: 0, loss: 0, brier: 0, matthews: 0, calibration, intervals, confusion };
};

describe("formatReport", () => {
  it("aligns a row for each class and the averages", () => {
    expect(formatReport(report("four classes"), ["ant", "bee", "dragonfly", "wasp"])).toMatchInlineSnapshot(`
      "                   precision  recall  f1-score  support  95 % interval
      ant                    0.867   0.929     0.897       14
      bee                    0.889   1.000     0.941        8
      dragonfly              1.000   0.750     0.857        8
      wasp                   0.900   0.900     0.900       10

      accuracy                                 0.900       40    0.769–0.960
      majority class                           0.350       40
      balanced accuracy                        0.895       40
      ROC AUC                                  0.982       40
      macro avg              0.914   0.895     0.899       40
      weighted avg           0.906   0.900     0.898       40
      calibration error                        0.272       40"
    `);
  });

  it("has a row for top-5 accuracy with more than five classes", () => {
    expect(formatReport(report("seven classes"))).toMatchInlineSnapshot(`
      "                   precision  recall  f1-score  support  95 % interval
      class 0                0.200   0.500     0.286        2
      class 1                0.500   0.167     0.250        6
      class 2                0.429   0.429     0.429        7
      class 3                0.250   0.250     0.250        4
      class 4                0.875   0.538     0.667       13
      class 5                0.125   0.250     0.167        4
      class 6                0.333   0.500     0.400        4

      accuracy                                 0.400       40    0.263–0.554
      majority class                           0.325       40
      balanced accuracy                        0.376       40
      ROC AUC                                  0.798       40
      top-5 accuracy                           0.925       40    0.801–0.974
      macro avg              0.387   0.376     0.350       40
      weighted avg           0.515   0.400     0.425       40
      calibration error                        0.154       40"
    `);
  });

  it("shows weights with two decimals", () => {
    expect(formatReport(report("weighted"), ["a", "b", "c", "d"])).toMatchInlineSnapshot(`
      "                   precision  recall  f1-score  support  95 % interval
      a                      0.459   0.559     0.504     9.98
      b                      0.497   0.861     0.630     2.81
      c                      0.891   0.556     0.685    10.34
      d                      0.458   0.436     0.447     7.34

      accuracy                                 0.556    30.48    0.348–0.746
      majority class                           0.339    30.48
      balanced accuracy                        0.603    30.48
      ROC AUC                                  0.865    30.48
      macro avg              0.576   0.603     0.566    30.48
      weighted avg           0.609   0.556     0.563    30.48
      calibration error                        0.257    30.48"
    `);
  });

  it("cuts long names, counts wide characters twice and lets no name drive the terminal", () => {
    const labels = ["the northern long-tailed marsh warbler", "猫", "🐕 dog", "red\u001b[31m\nline"];
    expect(formatReport(report("four classes"), labels)).toMatchInlineSnapshot(`
      "                          precision  recall  f1-score  support  95 % interval
      the northern long-taile…      0.867   0.929     0.897       14
      猫                            0.889   1.000     0.941        8
      🐕 dog                        1.000   0.750     0.857        8
      red�[31m�line                 0.900   0.900     0.900       10

      accuracy                                        0.900       40    0.769–0.960
      majority class                                  0.350       40
      balanced accuracy                               0.895       40
      ROC AUC                                         0.982       40
      macro avg                     0.914   0.895     0.899       40
      weighted avg                  0.906   0.900     0.898       40
      calibration error                               0.272       40"
    `);
  });

  it("uses the labels that the report carries", () => {
    const [stored] = reference.classification;
    const metric = classificationMetrics(2, { labels: ["yes", "no"] });
    expect(formatReport(measure(metric, [classificationBatch(stored)]))).toMatch(/^ +yes|^yes/m);
  });

  it("still works with hundreds of classes", () => {
    const lines = formatReport(manyClasses(300)).split("\n");
    expect(lines).toHaveLength(1 + 300 + 1 + 6);
    const rows = lines.slice(1, 301);
    expect(new Set(rows.map((line) => line.length)).size).toBe(1);
  });
});

describe("formatConfusion", () => {
  it("is a table with the true class in rows", () => {
    expect(
      formatConfusion(report("four classes").confusion, ["ant", "bee", "dragonfly", "wasp"]),
    ).toMatchInlineSnapshot(`
      "Confusion matrix: a row is the true class, a column the predicted one.

                 ant  bee  dragonfly  wasp
      ant         13    1          0     0
      bee          0    8          0     0
      dragonfly    1    0          6     1
      wasp         1    0          0     9"
    `);
  });

  it("cuts the names of its columns to fit", () => {
    const { confusion } = manyClasses(12);
    const labels = confusion.map((_, c) => `species number ${c}`);
    const lines = formatConfusion(confusion, labels).split("\n");
    expect(lines[2]).toMatch(/^ +spec… {2}spec…/);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(110);
  });

  it("lists the ten most confused pairs beyond 12 classes", () => {
    expect(formatConfusion(manyClasses(13).confusion)).toMatchInlineSnapshot(`
      "The 9 most confused pairs of 13 classes.

      true class → predicted class  samples  of the true class
      class 3 → class 2                   3             13.0 %
      class 7 → class 6                   3             13.0 %
      class 11 → class 10                 3             13.0 %
      class 2 → class 1                   2              9.1 %
      class 6 → class 5                   2              9.1 %
      class 10 → class 9                  2              9.1 %
      class 1 → class 0                   1              4.8 %
      class 5 → class 4                   1              4.8 %
      class 9 → class 8                   1              4.8 %"
    `);
    expect(formatConfusion(manyClasses(60).confusion).split("\n")).toHaveLength(2 + 1 + 10);
  });

  it("says so when there is one confused pair, and when there is none", () => {
    const perfect = Array.from({ length: 13 }, (_, t): number[] =>
      Array.from({ length: 13 }, (_, p) => (t === p ? 5 : 0)),
    );
    expect(formatConfusion(perfect)).toBe("No sample of the 13 classes was taken for another class.");
    const one = perfect.map((row, t) => (t === 4 ? row.with(9, 1) : row));
    expect(formatConfusion(one)).toMatchInlineSnapshot(`
      "The only confused pair of 13 classes.

      true class → predicted class  samples  of the true class
      class 4 → class 9                   1             16.7 %"
    `);
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
