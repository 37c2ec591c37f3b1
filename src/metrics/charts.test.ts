import { describe, expect, it } from "vitest";
import { lineChart } from "./lineChart.ts";
import { type ScatterPoint, scatterChart } from "./scatterChart.ts";
import { spreadOf } from "./spread.ts";

describe("a line chart", () => {
  it("goes from the first epoch at the left to the last at the right, low values below", () => {
    const drawing = lineChart([{ title: "accuracy", range: [0, 1], lines: [{ name: "domain", values: [1, 0.5, 0] }] }]);
    // The plot is 320 × 220 pixels, from (56, 56).
    expect(drawing).toContain(`d="M56.0 56.0L216.0 166.0L376.0 276.0"`);
  });

  it("breaks a line at a value that is none, draws a single epoch as a dot, and a level for comparison", () => {
    const [first, second] = [
      { name: "a", values: [0, Number.NaN, 2, 4] },
      { name: "b", values: [] },
    ];
    expect(lineChart([{ title: "", lines: [first, second] }])).toMatch(/d="M[\d. ]+M[\d. ]+L[\d. ]+"/);
    const level = { value: 0.5, name: "cannot be told <apart>" };
    const single = lineChart([{ title: "", range: [0, 1], lines: [{ name: "a", values: [0.5] }], level }]);
    expect(single).toContain(`cx="216.0" cy="166.0"`);
    expect(single).toContain("cannot be told &#60;apart&#62;");
  });
});

describe("a scatter chart", () => {
  const at = (x: number, y: number, mark: ScatterPoint["mark"]): ScatterPoint => ({ x, y, group: 0, mark });

  it("fits all points into the square, with one scale for both directions", () => {
    const points = [at(-10, 0, "dot"), at(10, 0, "ring"), at(0, 5, "dot"), at(0, -5, "ring")];
    const drawing = scatterChart([[{ title: "before", points, legend: ["cat"] }]], "below");
    const marks = [...drawing.matchAll(/cx="([\d.]+)" cy="([\d.]+)" r="3"/g)].map((found) =>
      found.slice(1).map(Number),
    );
    // The square is 320 pixels wide from (16, 32); 308 of them are for 20 units.
    expect(marks).toEqual([
      [22, 192],
      [330, 192],
      [176, 115],
      [176, 269],
    ]);
    expect(drawing.match(/fill="none" stroke="#0072b2"/g)).toHaveLength(2);
  });

  it("draws equal points, and none", () => {
    const points = [at(3, 3, "dot"), at(3, 3, "dot")];
    const drawing = scatterChart(
      [
        [
          { title: "", points, legend: [] },
          { title: "", points: [], legend: [] },
        ],
      ],
      "",
    );
    expect(drawing.match(/cx="176.0" cy="192.0"/g)).toHaveLength(2);
    expect(drawing).not.toContain("NaN");
  });
});

it("a spread has the sample's deviation, none of a single value", () => {
  expect(spreadOf([1, 2, 3])).toEqual({ mean: 2, deviation: 1 });
  expect(spreadOf([5])).toEqual({ mean: 5, deviation: undefined });
});
