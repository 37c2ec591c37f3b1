import type { Reliability, ReliabilityBin } from "./reliability.ts";
import { svgDrawing, svgLine, svgText } from "./svg.ts";

const side = 320;
const margin = 48;
const size = side + 2 * margin;

/**
 * The reliability diagram as an SVG drawing: how many of the answers in a bin of confidence are right (bars), beside what they say of themselves
 * (ticks, on the diagonal where both agree). Stronger bars hold more samples.
 */
export function reliabilityDiagram({ bins, expectedError }: Reliability, title: string): string {
  const most = Math.max(...bins.map(({ weight }) => weight));
  return svgDrawing(size, size, [
    ...axes(),
    ...bins.flatMap((bin) => drawn(bin, most)),
    line([0, 0], [1, 1], `stroke="gray" stroke-dasharray="4 4"`),
    svgText(margin + side / 2, margin / 2, `${title}: expected calibration error ${expectedError.toFixed(3)}`),
  ]);
}

/** A bar up to the accuracy, and a tick at the mean confidence. */
function drawn({ from, to, weight, confidence, accuracy }: ReliabilityBin, most: number): readonly string[] {
  const [left, top] = place(from, accuracy);
  const width = (to - from) * side - 1;
  const strength = (0.25 + (0.75 * weight) / most).toFixed(2);
  const bar = `x="${left.toFixed(1)}" y="${top.toFixed(1)}" width="${width.toFixed(1)}" height="${(accuracy * side).toFixed(1)}"`;
  return [
    `<rect ${bar} fill="steelblue" fill-opacity="${strength}"><title>${number(weight)} samples, ${accuracy.toFixed(3)} right, ${confidence.toFixed(3)} said</title></rect>`,
    line([from, confidence], [to, confidence], `stroke="firebrick" stroke-width="2"`),
  ];
}

function axes(): readonly string[] {
  const marks = [0, 0.2, 0.4, 0.6, 0.8, 1];
  const [left, bottom] = place(0, 0);
  return [
    line([0, 0], [1, 0], `stroke="black"`),
    line([0, 0], [0, 1], `stroke="black"`),
    ...marks.map((mark) => svgText(place(mark, 0)[0], bottom + 16, String(mark))),
    ...marks.map((mark) => svgText(left - 16, place(0, mark)[1] + 4, String(mark))),
    svgText(margin + side / 2, size - 10, "probability of the answer"),
    `<g transform="rotate(-90 14 ${margin + side / 2})">${svgText(14, margin + side / 2, "share that is right (red: what was said)")}</g>`,
  ];
}

function line(from: readonly [number, number], to: readonly [number, number], style: string): string {
  return svgLine(place(...from), place(...to), style);
}

/** Unit square to pixels; y points up. */
function place(x: number, y: number): [number, number] {
  return [margin + x * side, margin + (1 - y) * side];
}

function number(weight: number): string {
  return Number.isInteger(weight) ? String(weight) : weight.toFixed(2);
}
