import { addDims, type Dim, divideDims } from "../base/shapes.ts";
import { shapeError } from "../graph/infer.ts";
import { ints, text } from "../graph/operator.ts";
import type { Node, Value } from "../graph/value.ts";

/** A sliding window over spatial axes, shared by convolution and pooling; lists have one entry per spatial axis. */
export interface Window {
  readonly kernel: readonly number[];
  readonly strides: readonly number[];
  readonly dilations: readonly number[];
  /** Zeros before and after each axis. */
  readonly padsBegin: readonly number[];
  readonly padsEnd: readonly number[];
}

/** The attributes by which ONNX describes a window. */
export const windowFields = {
  auto_pad: text("NOTSET"),
  dilations: ints<readonly number[] | undefined>(undefined),
  pads: ints<readonly number[] | undefined>(undefined),
  strides: ints<readonly number[] | undefined>(undefined),
};

export interface WindowAttributes {
  readonly auto_pad: string;
  readonly dilations: readonly number[] | undefined;
  readonly pads: readonly number[] | undefined;
  readonly strides: readonly number[] | undefined;
}

/** Writes every default out, `auto_pad` as explicit pads. */
export function resolveWindow(
  operator: string,
  attributes: WindowAttributes,
  kernel: readonly number[],
  spatial: readonly Dim[],
): Window {
  const rank = spatial.length;
  const strides = listOf(operator, "strides", attributes.strides, rank, 1);
  const dilations = listOf(operator, "dilations", attributes.dilations, rank, 1);
  if (kernel.length !== rank) throw shapeError(operator, `kernel [${kernel}] does not fit ${rank} spatial axes`);
  const pads = resolvePads(operator, attributes, { kernel, strides, dilations }, spatial);
  return { kernel, strides, dilations, padsBegin: pads.slice(0, rank), padsEnd: pads.slice(rank) };
}

/** The window of a transposed convolution, and what is added to the far end of its result. */
export interface TransposedWindow extends Window {
  readonly outputPadding: readonly number[];
}

/**
 * Writes every default of a transposed convolution out. With `auto_pad` SAME the result is stride times as long as the data:
 * the pads cut off what a longer kernel adds, output padding fills up what a shorter one lacks.
 */
export function resolveTransposedWindow(
  operator: string,
  attributes: WindowAttributes & { readonly output_padding: readonly number[] | undefined },
  kernel: readonly number[],
  spatial: readonly Dim[],
): TransposedWindow {
  const { auto_pad } = attributes;
  const outputPadding = listOf(operator, "output_padding", attributes.output_padding, spatial.length, 0);
  if (auto_pad !== "SAME_UPPER" && auto_pad !== "SAME_LOWER") {
    return { ...resolveWindow(operator, attributes, kernel, spatial), outputPadding };
  }
  const explicit = { ...attributes, auto_pad: "VALID" };
  const window = resolveWindow(operator, explicit, kernel, spatial);
  const totals = kernel.map(
    (length, i) => window.dilations[i] * (length - 1) + 1 + outputPadding[i] - window.strides[i],
  );
  const [padsBegin, padsEnd] = halves(
    totals.map((total) => Math.max(0, total)),
    auto_pad === "SAME_UPPER",
  );
  return {
    ...window,
    padsBegin,
    padsEnd,
    outputPadding: totals.map((total, i) => outputPadding[i] - Math.min(0, total)),
  };
}

/**
 * The window of a node with data x [N, C, …] and filter w [.., .., k…]; its attributes have been checked by its shape rule.
 * Output padding of a transposed convolution counts as pads that are not cut off.
 */
export function windowOfNode({ operator, attributes }: Node, x: Value, w: Value): Window {
  const list = (name: string) => attributes[name] as readonly number[] | undefined;
  const given = {
    auto_pad: String(attributes["auto_pad"]),
    dilations: list("dilations"),
    pads: list("pads"),
    strides: list("strides"),
  };
  const kernel = w.staticShape.slice(2);
  const spatial = x.shape.slice(2);
  if (operator.name !== "ConvTranspose") return resolveWindow(operator.name, given, kernel, spatial);
  const transposed = { ...given, output_padding: list("output_padding") };
  const { outputPadding, ...window } = resolveTransposedWindow(operator.name, transposed, kernel, spatial);
  return { ...window, padsEnd: window.padsEnd.map((width, i) => width - outputPadding[i]) };
}

/** The window of the input gradient at stride 1: the pads that are left. Nothing when more was padded than a tap reaches. */
export function adjointWindow(window: Window): Window | undefined {
  const left = (pads: readonly number[]) =>
    pads.map((width, i) => window.dilations[i] * (window.kernel[i] - 1) - width);
  const adjoint = { ...window, padsBegin: left(window.padsBegin), padsEnd: left(window.padsEnd) };
  return [...adjoint.padsBegin, ...adjoint.padsEnd].some((width) => width < 0) ? undefined : adjoint;
}

/** The lengths after sliding: ⌊(length + pads − dilation·(kernel−1) − 1) / stride⌋ + 1, or ⌈…⌉ in ceil mode. */
export function slidLengths(operator: string, window: Window, spatial: readonly Dim[], ceil = false): readonly Dim[] {
  return spatial.map((length, i) => {
    const reach = window.dilations[i] * (window.kernel[i] - 1) + 1;
    const padded = addDims(length, window.padsBegin[i] + window.padsEnd[i]);
    if (typeof padded !== "number") return addDims(divideDims(addDims(padded, -reach), window.strides[i]), 1);
    if (padded < reach) {
      throw shapeError(operator, `kernel size ${reach} > input size ${padded} (pads included) in spatial axis ${i}`);
    }
    const steps = (padded - reach) / window.strides[i];
    if (!ceil) return Math.floor(steps) + 1;
    // A window that would start in the padding behind the data is left out (ONNX, MaxPool-12).
    const count = Math.ceil(steps) + 1;
    const lastStart = (count - 1) * window.strides[i];
    return lastStart >= padded - window.padsEnd[i] ? count - 1 : count;
  });
}

function resolvePads(
  operator: string,
  { auto_pad, pads }: WindowAttributes,
  { kernel, strides, dilations }: Pick<Window, "kernel" | "strides" | "dilations">,
  spatial: readonly Dim[],
): readonly number[] {
  if (auto_pad === "NOTSET") return listOf(operator, "pads", pads, 2 * spatial.length, 0);
  if (auto_pad === "VALID") return new Array<number>(2 * spatial.length).fill(0);
  if (auto_pad !== "SAME_UPPER" && auto_pad !== "SAME_LOWER")
    throw shapeError(operator, `unknown auto_pad "${auto_pad}"`);
  const totals = spatial.map((length, i) => {
    if (typeof length !== "number")
      throw shapeError(operator, `auto_pad ${auto_pad} needs known lengths, got [${spatial}]`);
    const reach = dilations[i] * (kernel[i] - 1) + 1;
    return Math.max(0, (Math.ceil(length / strides[i]) - 1) * strides[i] + reach - length);
  });
  return halves(totals, auto_pad === "SAME_UPPER").flat();
}

/** Pads at both ends; an odd one goes to the end (`upper`) or to the beginning. */
function halves(
  totals: readonly number[],
  upper: boolean,
): readonly [begin: readonly number[], end: readonly number[]] {
  const small = totals.map((total) => Math.floor(total / 2));
  const large = totals.map((total) => Math.ceil(total / 2));
  return upper ? [small, large] : [large, small];
}

function listOf(
  operator: string,
  name: string,
  list: readonly number[] | undefined,
  length: number,
  fallback: number,
): readonly number[] {
  if (list === undefined) return new Array<number>(length).fill(fallback);
  if (list.length !== length) throw shapeError(operator, `"${name}" has ${list.length} entries, expected ${length}`);
  return list;
}
