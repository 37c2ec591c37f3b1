import { describe, expect, it } from "vitest";
import reference from "../../test/reference/metrics.json" with { type: "json" };
import { accuracy } from "./accuracy.ts";
import { batchOf, classificationBatch } from "./batches.fixture.ts";
import { classificationMetrics } from "./classification.ts";
import { normalised, scoresOf } from "./confusion.ts";
import { crossEntropy } from "./crossEntropy.ts";
import { measure } from "./metric.ts";
import { multiTask } from "./multiTask.ts";
import { topK } from "./topK.ts";

/** Digits behind the point: to half of 1e-9, as doubles computed in another order reach easily. */
const digits = 9;

describe.each(reference.classification)("scikit-learn's values for $name", ({ expected, ...stored }) => {
  const batch = classificationBatch(stored as (typeof reference.classification)[number]);
  const report = measure(classificationMetrics(stored.classes), [batch]);

  it("accuracy", () => {
    expect(report.accuracy).toBeCloseTo(expected.accuracy, digits);
    expect(measure(accuracy(), [batch])).toBeCloseTo(expected.accuracy, digits);
    expect(report.balancedAccuracy).toBeCloseTo(expected.balancedAccuracy, digits);
  });

  it("loss and Brier score", () => {
    expect(report.loss).toBeCloseTo(expected.loss, digits);
    expect(measure(crossEntropy(), [batch])).toBeCloseTo(expected.loss, digits);
    expect(report.brier).toBeCloseTo(expected.brier, digits);
  });

  it("top-k accuracy", () => {
    for (const [k, value] of Object.entries(expected.topK)) {
      expect(measure(topK(Number(k)), [batch])).toBeCloseTo(value, digits);
    }
    if (stored.classes <= 5) expect(report).not.toHaveProperty("topK");
    else if ("5" in expected.topK) expect(report.topK?.["5"]).toBeCloseTo(Number(expected.topK["5"]), digits);
  });

  it("areas under the ROC curves, one against the rest and one against one other", () => {
    for (const [c, area] of expected.auc.entries()) expectMaybe(report.perClass[c].auc, area);
    expectMaybe(report.auc, expected.aucMacro);
    expectMaybe(report.aucWeighted, expected.aucWeighted);
    expectMaybe(report.aucOneVsOne, expected.aucOneVsOne);
    expectMaybe(report.aucOneVsOneWeighted, expected.aucOneVsOneWeighted);
  });

  it("average precision", () => {
    for (const [c, area] of expected.averagePrecision.entries()) {
      expectMaybe(report.perClass[c].averagePrecision, area);
    }
    expectMaybe(report.averagePrecision, expected.averagePrecisionMacro);
    expectMaybe(report.averagePrecisionWeighted, expected.averagePrecisionWeighted);
  });

  it("Matthews' correlation and Cohen's kappa", () => {
    expect(report.matthews).toBeCloseTo(expected.matthews, digits);
    expectMaybe(report.kappa, expected.kappa);
  });

  it("the reliability diagram", () => {
    const { bins, expectedError } = report.calibration;
    if (expected.reliability === null) return;
    expectAll(
      bins.map(({ accuracy }) => accuracy),
      expected.reliability.accuracy,
    );
    expectAll(
      bins.map(({ confidence }) => confidence),
      expected.reliability.confidence,
    );
    const gaps = bins.map(({ weight, accuracy, confidence }) => weight * Math.abs(accuracy - confidence));
    expect(expectedError).toBeCloseTo(gaps.reduce((sum, gap) => sum + gap, 0) / report.count, digits);
  });

  it("confusion matrix, in counts and in shares", () => {
    expect(report.confusion).toEqual(expected.confusion);
    expectAll(normalised(report.confusion, "truth").flat(), expected.normalised.true);
    expectAll(normalised(report.confusion, "prediction").flat(), expected.normalised.pred);
    expectAll(normalised(report.confusion, "all").flat(), expected.normalised.all);
  });

  it("precision, recall, specificity, F1 and support of each class", () => {
    for (const score of ["precision", "recall", "specificity", "f1", "support"] as const) {
      expectAll(
        report.perClass.map((scores) => scores[score]),
        expected[score],
      );
    }
  });

  it.each(["micro", "macro", "weighted"] as const)("%s averages", (average) => {
    for (const score of ["precision", "recall", "f1"] as const) {
      expect(report[average][score]).toBeCloseTo(expected[average][score], digits);
    }
  });

  it("survives JSON", () => {
    expect(JSON.parse(JSON.stringify(report))).toEqual(report);
  });
});

/** What scikit-learn does not define is undefined here. */
function expectMaybe(value: number | undefined, expected: number | null): void {
  if (expected === null) expect(value).toBeUndefined();
  else expect(value).toBeCloseTo(expected, digits);
}

function expectAll(values: readonly number[], expected: readonly number[]): void {
  expect(values).toHaveLength(expected.length);
  for (const [i, value] of values.entries()) expect(value).toBeCloseTo(expected[i], digits);
}

describe("a prediction", () => {
  it("is the lowest class among equals, for accuracy and top-k alike", () => {
    const tied = batchOf(
      [0, 1, 2],
      [
        [0.4, 0.4, 0.2],
        [0.4, 0.4, 0.2],
        [0.25, 0.5, 0.25],
      ],
    );
    expect(measure(accuracy(), [tied])).toBeCloseTo(1 / 3);
    expect(measure(topK(1), [tied])).toBeCloseTo(1 / 3);
    expect(measure(topK(2), [tied])).toBeCloseTo(2 / 3);
    expect(measure(topK(3), [tied])).toBe(1);
  });
});

describe("loss", () => {
  it("is finite for a probability of 0", () => {
    expect(measure(crossEntropy(), [batchOf([0], [[0, 1]])])).toBeCloseTo(126 * Math.LN2);
  });

  it("is not below 0 for a probability that was rounded above 1", () => {
    expect(measure(crossEntropy(), [batchOf([1], [[0, 1 + 2 ** -23]])])).toBeCloseTo(0, 12);
  });
});

describe("agreement", () => {
  it("beyond chance is not defined where all are of one class and named so", () => {
    const report = measure(classificationMetrics(2), [
      batchOf(
        [1, 1],
        [
          [0, 1],
          [0.25, 0.75],
        ],
      ),
    ]);
    expect(report.kappa).toBeUndefined();
    expect(report.matthews).toBe(0);
    expect(report.perClass[1].averagePrecision).toBe(1);
  });
});

describe("classificationMetrics", () => {
  const good = batchOf(
    [0, 1],
    [
      [0.75, 0.25],
      [0.25, 0.75],
    ],
  );

  it("names its classes when it is told them", () => {
    const report = measure(classificationMetrics(2, { labels: ["cat", "dog"] }), [good]);
    expect(report.perClass.map(({ label }) => label)).toEqual(["cat", "dog"]);
  });

  it("counts samples, not weights", () => {
    const weighted = { ...good, weights: Float32Array.of(2.5, 1) };
    expect(measure(classificationMetrics(2), [weighted, good]).count).toBe(4);
  });

  it("is no surer of its accuracy when all weights are doubled, and less sure when they differ", () => {
    const intervalOf = (...weights: number[]) =>
      measure(classificationMetrics(2), [{ ...good, weights: Float32Array.from(weights) }]).intervals.accuracy;
    const plain = measure(classificationMetrics(2), [good]).intervals.accuracy;
    expect(intervalOf(2, 2)).toEqual(plain);
    expect(intervalOf(1, 3).lower).toBeLessThan(plain.lower);
  });

  it("leaves samples of weight 0 out, whatever they hold", () => {
    const padded = batchOf(
      [0, 1, -1],
      [
        [0.75, 0.25],
        [0.25, 0.75],
        [Number.NaN, Number.NaN],
      ],
      [1, 1, 0],
    );
    expect(measure(classificationMetrics(2), [padded])).toEqual(measure(classificationMetrics(2), [good]));
  });

  it.each([
    [
      "diverged",
      "a probability that is not a number",
      batchOf([0], [[Number.NaN, 1]]),
      "probability of class 0 for sample 0",
    ],
    ["diverged", "an infinite probability", batchOf([0], [[0, Number.POSITIVE_INFINITY]]), "class 1"],
    ["data", "a label out of range", batchOf([2], [[0.5, 0.5]]), "sample 0 has label 2; expected 0 to 1"],
    ["data", "a negative label", batchOf([-1], [[0.5, 0.5]]), "label -1"],
    ["data", "a negative weight", { ...good, weights: Float32Array.of(1, -1) }, "sample 1 has weight -1"],
    ["shape", "too few weights", { ...good, weights: Float32Array.of(1) }, "1 weights for 2 samples"],
    [
      "shape",
      "too few probabilities",
      { ...good, probabilities: Float32Array.of(1, 0, 1) },
      "2 samples × 2 classes = 4",
    ],
    ["shape", "another number of classes", batchOf([0], [[0.5, 0.25, 0.25]]), "3 classes; expected 2"],
  ] as const)("refuses with %s: %s", (code, _, batch, message) => {
    const attempt = () => measure(classificationMetrics(2), [batch]);
    expect(attempt).toThrow(expect.objectContaining({ code, message: expect.stringContaining(message) }));
  });

  it("refuses one class, as a single sigmoid unit would give", () => {
    expect(() => measure(accuracy(), [batchOf([0], [[0.9]])])).toThrow(/\[1 - p, p\]/);
  });

  it("refuses labels for another number of classes", () => {
    expect(() => classificationMetrics(3, { labels: ["cat"] })).toThrow(expect.objectContaining({ code: "usage" }));
  });

  it("has nothing to say of nothing", () => {
    const empty = /nothing to measure/;
    for (const metric of [accuracy(), crossEntropy(), topK(1)])
      expect(() => metric.value(metric.init())).toThrow(empty);
    const all = classificationMetrics(2);
    expect(() => all.value(all.init())).toThrow(empty);
  });
});

describe("multiTask", () => {
  const tasks = multiTask({ colour: accuracy(), shape: accuracy() });
  const right = batchOf([0], [[0.75, 0.25]]);
  const wrong = batchOf([1], [[0.75, 0.25]]);

  it("measures each task on the samples that have a label for it", () => {
    const unlabelled = { ...wrong, weights: Float32Array.of(0) };
    expect(
      measure(tasks, [{ colour: right, shape: wrong }, { colour: wrong }, { colour: right, shape: unlabelled }]),
    ).toEqual({
      colour: 2 / 3,
      shape: 0,
    });
  });

  it("refuses a task that it does not know, and names the nearest", () => {
    expect(() => measure(tasks, [{ color: right }])).toThrow(/found the task "color".*"colour"/);
  });
});

describe("topK", () => {
  it.each([0, -1, 1.5, Number.NaN])("refuses k = %d", (k) => {
    expect(() => topK(k)).toThrow(expect.objectContaining({ code: "usage" }));
  });
});

describe("scoresOf", () => {
  it("gives 0 where it would divide by 0", () => {
    const { perClass } = scoresOf([
      [3, 0, 0],
      [2, 0, 0],
      [0, 0, 0],
    ]);
    expect(perClass[1]).toEqual({ precision: 0, recall: 0, specificity: 1, f1: 0, support: 2 });
    expect(perClass[2]).toEqual({ precision: 0, recall: 0, specificity: 1, f1: 0, support: 0 });
  });
});
