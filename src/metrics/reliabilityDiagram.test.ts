import { expect, it } from "vitest";
import { batchOf } from "./batches.fixture.ts";
import { measure } from "./metric.ts";
import { reliability } from "./reliability.ts";
import { reliabilityDiagram } from "./reliabilityDiagram.ts";

it("a reliability diagram has a bar as high as the accuracy, and a tick at the confidence, for each bin", () => {
  const half = [0.5, 0.5];
  const sure = [0.75, 0.25];
  const report = measure(reliability(4), [batchOf([0, 1, 0, 0], [half, half, sure, sure])]);
  expect(report.expectedError).toBe(0.125);
  const drawing = reliabilityDiagram(report, "validation <1>");
  // 320 pixels high: half of two are right at 0.5, all of two at 0.75.
  const bars = [...drawing.matchAll(/<rect x="(.*?)" y="(.*?)" width="(.*?)" height="(.*?)"/g)].map((found) =>
    found.slice(1).map(Number),
  );
  expect(bars).toEqual([
    [128, 208, 79, 160],
    [208, 48, 79, 320],
  ]);
  const ticks = [...drawing.matchAll(/y1="(.*?)".*firebrick/g)].map(([, y]) => Number(y));
  expect(ticks).toEqual([208, 128]);
  expect(drawing).toContain("validation &#60;1&#62;: expected calibration error 0.125");
});
