import { addDims, type Dim } from "../base/shapes.ts";
import { axisOf, like, numbersOf, shapeError } from "../graph/infer.ts";
import { defineOp, text } from "../graph/operator.ts";
import { constantNumbers, constantOf, type TensorType, type Value } from "../graph/value.ts";
import { gather } from "./indexing.ts";
import { matmul } from "./products.ts";
import { transpose } from "./transpose.ts";

/** One axis of a slice, resolved: `count` elements from `start`, `step` apart. */
interface Cut {
  readonly axis: number;
  readonly start: number;
  readonly step: number;
  readonly count: number;
}

/** Elements starts[i] (inclusive) to ends[i] (exclusive) of axis axes[i], steps[i] apart; negative steps run backwards. */
export const slice = defineOp("Slice", {
  inputs: ["x", "starts", "ends", "axes?", "steps?"],
  infer: ([x, starts, ends, axes, steps]) => [sliceType(x, starts, ends, axes, steps)],
  vjp: ([dy], { inputs: [x, starts, ends, axes, steps] }): Value[] => {
    const cuts = cutsOf(x, starts, ends, axes, steps);
    let dx = dy;
    // The last axis first, while there is least to move one by one.
    for (const each of cuts.toReversed()) dx = scatterAxis(dx, each, x.staticShape[each.axis]);
    return [dx];
  },
});

/** Adds elements around the data: pads = [begin of each axis…, end of each axis…]; negative ones cut off. */
export const pad = defineOp("Pad", {
  inputs: ["x", "pads", "constant_value?", "axes?"],
  attributes: { mode: text("constant") },
  infer: ([x, pads, , axes]) => {
    const widths = padWidths(x, pads, axes);
    return [
      { dtype: x.dtype, shape: x.shape.map((dim, axis) => addDims(addDims(dim, widths[axis][0]), widths[axis][1])) },
    ];
  },
  vjp: ([dy], { inputs: [x, pads, , axes], attributes: { mode } }): Value[] => {
    const widths = padWidths(x, pads, axes);
    if (mode === "constant") {
      return [pad(dy, [...widths.map(([begin]) => -begin), ...widths.map(([, end]) => -end)])];
    }
    let dx = dy;
    widths.forEach(([begin, end], axis) => {
      if (begin !== 0 || end !== 0) dx = foldBorder(dx, axis, paddedSources(mode, x.staticShape[axis], begin, end));
    });
    return [dx];
  },
});

function sliceType(x: Value, starts: Value, ends: Value, axes?: Value, steps?: Value): TensorType {
  const shape: Dim[] = [...x.shape];
  if (constantNumbers(starts) && constantNumbers(ends)) {
    for (const { axis, start, end, step } of rangesOf(x, starts, ends, axes, steps)) {
      const length = x.shape[axis];
      const whole = start === 0 && step === 1 && end >= 2 ** 31 - 1;
      if (typeof length === "number") shape[axis] = cutAxis(start, end, step, length).count;
      else if (!whole) shape[axis] = `slice(${length})`;
    }
    return { dtype: x.dtype, shape };
  }
  const axisList = axes && constantNumbers(axes);
  if (axisList === undefined) throw shapeError("Slice", '"axes" must be constant when the bounds are computed');
  const sliced = new Set(axisList.map((axis) => axisOf("Slice", axis, x.rank)));
  return { dtype: x.dtype, shape: x.shape.map((dim, axis) => (sliced.has(axis) ? `slice(${dim})` : dim)) };
}

function cutsOf(x: Value, starts: Value, ends: Value, axes?: Value, steps?: Value): readonly Cut[] {
  return rangesOf(x, starts, ends, axes, steps).map(({ axis, start, end, step }) => {
    const length = x.shape[axis];
    if (typeof length !== "number") throw shapeError("Slice", `axis ${axis} has the unknown length ${length}`);
    return { axis, step, ...cutAxis(start, end, step, length) };
  });
}

/** The operands, one record for each axis. */
function rangesOf(x: Value, starts: Value, ends: Value, axes?: Value, steps?: Value) {
  const from = numbersOf("Slice", starts, "starts");
  const to = numbersOf("Slice", ends, "ends");
  const axisList = axes === undefined ? from.map((_, i) => i) : numbersOf("Slice", axes, "axes");
  const stepList = steps === undefined ? from.map(() => 1) : numbersOf("Slice", steps, "steps");
  if (to.length !== from.length || axisList.length !== from.length || stepList.length !== from.length) {
    const lengths = [from, to, axisList, stepList].map((list) => list.length);
    throw shapeError("Slice", `starts, ends, axes and steps have ${lengths.join(", ")} entries, expected equally many`);
  }
  if (stepList.includes(0)) throw shapeError("Slice", "a step of 0");
  return from.map((start, i) => ({
    axis: axisOf("Slice", axisList[i], x.rank),
    start,
    end: to[i],
    step: stepList[i],
  }));
}

/** ONNX's clamping rules: specification of Slice-13. */
export function cutAxis(begin: number, end: number, step: number, length: number): Pick<Cut, "start" | "count"> {
  const clamp = (at: number, low: number, high: number) => Math.min(Math.max(at < 0 ? at + length : at, low), high);
  const start = step > 0 ? clamp(begin, 0, length) : clamp(begin, 0, length - 1);
  const stop = step > 0 ? clamp(end, 0, length) : clamp(end, -1, length - 1);
  return { start, count: Math.max(0, Math.ceil((stop - start) / step)) };
}

/** Puts the elements of a cut back to their places in an axis of `length`, zeros elsewhere. */
function scatterAxis(dy: Value, { axis, count, start, step }: Cut, length: number): Value {
  if (step === 1) return padAxis(dy, axis, start, length - start - count);
  const origin = [...Array(length).keys()].map((at) => {
    const source = (at - start) / step;
    return Number.isInteger(source) && source >= 0 && source < count ? source : count;
  });
  return gather(padAxis(dy, axis, 0, 1), constantOf("int64", [length], origin), { axis });
}

function padAxis(x: Value, axis: number, begin: number, end: number): Value {
  if (begin === 0 && end === 0) return x;
  const pads = new Array<number>(2 * x.rank).fill(0);
  pads[axis] = begin;
  pads[axis + x.rank] = end;
  return pad(x, pads);
}

function padWidths(x: Value, pads: Value, axes?: Value): readonly (readonly [number, number])[] {
  const list = numbersOf("Pad", pads, "pads");
  const axisList = axes === undefined ? [...x.shape.keys()] : numbersOf("Pad", axes, "axes");
  if (list.length !== 2 * axisList.length) {
    throw shapeError("Pad", `${2 * axisList.length} widths expected for [${like(x).shape}], got ${list.length}`);
  }
  const widths = x.shape.map((): readonly [number, number] => [0, 0]);
  axisList.forEach((axis, i) => {
    widths[axisOf("Pad", axis, x.rank)] = [list[i], list[i + axisList.length]];
  });
  return widths;
}

/** For each place of the padded axis, the place of the data that it repeats. */
function paddedSources(mode: string, length: number, begin: number, end: number): readonly number[] {
  return Array.from({ length: begin + length + end }, (_, i) => {
    const at = i - begin;
    if (mode === "edge") return Math.min(Math.max(at, 0), length - 1);
    if (mode === "wrap") return ((at % length) + length) % length;
    if (mode !== "reflect") throw shapeError("Pad", `unknown mode "${mode}"`);
    const period = Math.max(1, 2 * (length - 1));
    const phase = ((at % period) + period) % period;
    return phase < length ? phase : period - phase;
  });
}

/** Sums the cotangent of a padded axis into the places that were repeated: a product with a 0/1 matrix. */
function foldBorder(dy: Value, axis: number, sources: readonly number[]): Value {
  const length = Math.max(...sources) + 1;
  const selection = new Array<number>(sources.length * length).fill(0);
  sources.forEach((source, i) => {
    selection[i * length + source] = 1;
  });
  const perm = [...dy.shape.keys()].filter((other) => other !== axis).concat(axis);
  const folded = matmul(transpose(dy, { perm }), constantOf(dy.dtype, [sources.length, length], selection));
  const inverse = perm.map((_, i) => perm.indexOf(i));
  return transpose(folded, { perm: inverse });
}
