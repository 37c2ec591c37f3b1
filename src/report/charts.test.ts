import { expect, it } from "vitest";
import { drawChart, pageTheme } from "./chart.ts";
import { epochLines, epochPanels } from "./epochLines.ts";
import { figureOf } from "./figure.ts";
import { curvedClasses, precisionRecallFigure, rocFigure } from "./rankCurves.ts";
import { reliabilityChart } from "./reliabilityChart.ts";
import { type ScatterPoint, scatterChart } from "./scatterChart.ts";
import { measuresLeftOut, trainingCurves } from "./trainingCurves.ts";

const hostile = `<img src=x onerror=alert(1)>`;
/** Marks that show data, not legends. */
const marksOf = (svg: string, kind: string) =>
  [...svg.matchAll(new RegExp(`mark-${kind} role-mark[^>]*>(.*?)</g>`, "gs"))].map(([, inner = ""]) => inner);

it("is drawn without a DOM, escaped, in the colours of the page", async () => {
  const values = [1, 2, 3].map((epoch) => ({ epoch, line: hostile, value: epoch }));
  const spec = epochLines({ title: hostile, values, lines: [hostile] });
  const svg = await drawChart(spec, pageTheme);
  expect(svg).not.toContain("<img");
  expect(svg).toContain("&lt;img");
  expect(svg).toContain(`stroke="var(--series-1)"`);
  // The policy of the page knows no style but its own.
  expect(svg).not.toMatch(/\sstyle=|<style|href/);
  expect(await drawChart(spec)).toContain(`stroke="#0072b2"`);
});

it("goes through the values, low ones below, and leaves out what is no number", async () => {
  const values = [0, 0.5, Number.NaN, 1].map((value, i) => ({ epoch: i + 1, line: "a", value }));
  const [line = ""] = marksOf(await drawChart(epochLines({ title: "", values, lines: ["a"] })), "line");
  const places = [...line.matchAll(/[ML]([\d.]+),([\d.]+)/g)].map(([, x, y]) => [Number(x), Number(y)] as const);
  const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = [], [x3 = 0, y3 = 0] = []] = places;
  expect(places).toHaveLength(3);
  // Epochs 1, 2 and 4; values 0, a half and 1; pixels are written with three decimals, of over 200.
  expect((x2 - x1) / (x3 - x1)).toBeCloseTo(1 / 3, 5);
  expect((y1 - y2) / (y1 - y3)).toBeCloseTo(1 / 2, 5);
  expect(y1).toBeGreaterThan(y3);
});

it("puts training beside validation, and tells what it leaves out of long runs and of many measures", () => {
  const log = (epoch: number) => ({ epoch, loss: 1 / epoch, val_loss: 2 / epoch, learning_rate: 1, duration_ms: 5 });
  const long = Array.from({ length: 1000 }, (_, i) => log(i + 1));
  const [loss, ...others] = trainingCurves(long);
  expect(others).toEqual([]);
  expect(loss?.caption).toContain("One epoch in 3 is drawn.");
  expect(loss?.table?.columns).toEqual(["epoch", "training", "validation"]);
  expect(loss?.table?.rows.at(-1)).toEqual([1000, "0.0010000", "0.0020000"]);
  expect(trainingCurves(long.slice(0, 1))).toEqual([]);
  const many = Object.fromEntries(Array.from({ length: 9 }, (_, i) => [`task${i}_loss`, 1]));
  expect(trainingCurves([many, many])).toHaveLength(6);
  expect(measuresLeftOut([many, many])).toBe(3);
});

it("draws ROC and precision-recall curves of few points, with their areas", async () => {
  const count = 20_000;
  const probabilities = Float32Array.from({ length: 2 * count }, (_, at) => {
    const second = (Math.floor(at / 2) + 0.5) / count;
    return at % 2 === 0 ? 1 - second : second;
  });
  const labels = Int32Array.from({ length: count }, (_, i) => (i % 3 === 0 || i > count / 2 ? 1 : 0));
  const ranked = ["a", hostile].map((label, index) => ({ index, label, support: 1, auc: 0.5, averagePrecision: 0.25 }));
  const drawn = curvedClasses(ranked);
  expect(drawn.map(({ label }) => label)).toEqual([hostile]);
  for (const figure of [
    rocFigure({ probabilities, labels, classes: 2 }, drawn),
    precisionRecallFigure({ probabilities, labels, classes: 2 }, drawn),
  ]) {
    const { text } = await figureOf(figure);
    expect(text.length).toBeLessThan(100_000);
    expect(text).not.toContain("<img");
    const specification = /application\/json;base64,([^"]+)/.exec(text)?.[1] ?? "";
    expect(JSON.parse(Buffer.from(specification, "base64").toString()).$schema).toContain("vega-lite");
  }
});

it("draws the curves of the classes that are told least well, and none of those that are absent", () => {
  const ranked = Array.from({ length: 1000 }, (_, index) => ({
    index,
    label: `class ${index}`,
    support: index % 2,
    auc: index % 2 === 0 ? undefined : index / 1000,
    averagePrecision: undefined,
  }));
  expect(curvedClasses(ranked).map(({ index }) => index)).toEqual([1, 3, 5, 7, 9, 11]);
});

it("shows each bin of a reliability diagram at what was said and what was right", async () => {
  const bins = [
    { from: 0.4, to: 0.6, weight: 2, confidence: 0.5, accuracy: 0.25 },
    { from: 0.8, to: 1, weight: 8, confidence: 1, accuracy: 1 },
  ];
  const svg = await drawChart(reliabilityChart([{ name: "as served", reliability: { expectedError: 0.05, bins } }]));
  const [points = ""] = marksOf(svg, "symbol");
  const places = [...points.matchAll(/translate\(([\d.]+),([\d.]+)\)/g)].map(([, x, y]) => [Number(x), Number(y)]);
  expect(places).toHaveLength(2);
  const [[x1 = 0, y1 = 0] = [], [x2 = 0, y2 = 0] = []] = places;
  // The second lies in the corner of the plot, the first half as far to the right and a quarter as high.
  expect(y2).toBe(0);
  expect(x1 / x2).toBeCloseTo(0.5, 6);
  const [line = ""] = marksOf(svg, "line");
  expect(line).toMatch(/^<path d="M/);
  expect(y1).toBeGreaterThan(0);
});

/** Where the marks of a scatter lie: circles of 28 square pixels. */
const placesIn = (svg: string) =>
  [...svg.matchAll(/translate\(([\d.]+),([\d.]+)\)" d="M2\.646,0A/g)].map(([, x, y]) => [Number(x), Number(y)]);
const at = (x: number, y: number, mark: ScatterPoint["mark"], title?: string): ScatterPoint => ({
  x,
  y,
  group: 0,
  mark,
  ...(title === undefined ? {} : { title }),
});

it("fits all points of a scatter into the square, with one scale for both directions", async () => {
  const points = [at(-10, 0, "dot"), at(10, 0, "ring"), at(0, 5, "dot"), at(0, -5, "ring")];
  const svg = await drawChart(scatterChart([[{ title: "before", points, legend: ["cat"] }]], "below"));
  // 20 units and a fiftieth of them at either side are 320 pixels; the dots are drawn first. The middle is at 160.
  const far = 160 / 1.04;
  const expected = [
    [160 - far, 160],
    [160, 160 - far / 2],
    [160 + far, 160],
    [160, 160 + far / 2],
  ];
  const places = placesIn(svg);
  expect(places).toHaveLength(4);
  for (const [i, [x, y]] of places.entries()) {
    expect(x).toBeCloseTo(expected[i]?.[0] ?? Number.NaN, 6);
    expect(y).toBeCloseTo(expected[i]?.[1] ?? Number.NaN, 6);
  }
  for (const words of ["before", "below", "cat"]) expect(svg).toContain(words);
});

it("draws equal points, and none, and tells who points at a mark what it is, whatever its name holds", async () => {
  const points = [at(3, 3, "dot"), at(3, 3, "ringed", `${hostile}\u0001: "cat"`)];
  const panels = [
    { title: "", points, legend: ["cat"] },
    { title: "", points: [], legend: [] },
  ];
  const svg = await drawChart(scatterChart([panels], "", { named: true }));
  expect(placesIn(svg)).toEqual([
    [160, 160],
    [160, 160],
  ]);
  expect(svg).not.toContain("NaN");
  expect(svg).toContain("<title>&lt;img src=x onerror=alert(1)&gt;\uFFFD: &quot;cat&quot;</title></path>");
  expect(svg).not.toContain("\u0001");
});

it("draws measures beside each other, each on its own scale, with a level to compare with", async () => {
  const values = [1, 0.5, 0].map((value, i) => ({ epoch: i + 1, line: "a", value }));
  const level = { value: 0.5, name: "<alike>" };
  const panels = [
    { title: "accuracy", values, lines: ["a"], range: [0, 1] as const, level },
    { title: "loss", values: values.map((one) => ({ ...one, value: 100 * one.value })), lines: ["a"] },
  ];
  const svg = await drawChart(epochPanels(panels));
  expect(marksOf(svg, "line").map((line) => line.match(/[ML]/g)?.length)).toEqual([3, 3]);
  expect(svg).toContain("&lt;alike&gt;");
  // Half of 260 pixels, where the line has its second epoch.
  expect(marksOf(svg, "line")[0]).toMatch(/L160,130L/);
  expect(marksOf(svg, "rule").join("")).toContain(`translate(320,130)`);
});
