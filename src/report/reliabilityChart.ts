import type { Reliability } from "../metrics/reliability.ts";
import type { ChartSpec } from "./chart.ts";
import type { Figure } from "./figure.ts";
import { fixed } from "./numbers.ts";
import { diagonal, pageChart, unitAxis } from "./pageChart.ts";

/** One state of a model. */
export interface CalibrationStage {
  readonly name: string;
  readonly reliability: Reliability;
}

/** The reliability diagram: how many of the answers in a bin of confidence are right, beside what they say of themselves; on the diagonal both agree. */
export function reliabilityChart(stages: readonly CalibrationStage[]): ChartSpec {
  const values = stages.flatMap(({ name, reliability: { bins } }) =>
    bins.map(({ confidence, accuracy, weight }) => ({ stage: name, confidence, accuracy, images: weight })),
  );
  const encoding = {
    x: unitAxis("confidence", "probability of the answer"),
    y: unitAxis("accuracy", "share that is right"),
    color: { field: "stage", type: "nominal" as const, title: null, sort: stages.map(({ name }) => name) },
  };
  return {
    ...pageChart,
    title: "calibration",
    layer: [
      diagonal,
      { data: { values }, mark: { type: "line", strokeWidth: 1.5, opacity: 0.7 }, encoding },
      {
        data: { values },
        mark: { type: "point", filled: true, opacity: 0.9 },
        encoding: {
          ...encoding,
          size: { field: "images", type: "quantitative", legend: null, scale: { range: [16, 260] } },
        },
      },
    ],
  };
}

/** The same with its figures. */
export function reliabilityFigure(stages: readonly CalibrationStage[]): Figure {
  const errors = stages.map(({ name, reliability }) => `${fixed(reliability.expectedError)} ${name}`).join(", ");
  return {
    id: "reliability",
    caption: `How many answers of each probability are right; on the dashed line as many as they say. Larger dots hold more images. Expected calibration error: ${errors}.`,
    spec: reliabilityChart(stages),
    table: {
      caption: "Answers by their probability",
      columns: ["probability", "model", "images", "said", "right"],
      rows: stages.flatMap(({ name, reliability: { bins } }) =>
        bins.map(({ from, to, weight, confidence, accuracy }) => [
          `${from.toFixed(2)}–${to.toFixed(2)}`,
          name,
          weight,
          fixed(confidence),
          fixed(accuracy),
        ]),
      ),
    },
  };
}
