import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { constant, constantNumbers, scalar, type Value } from "../graph/value.ts";
import type { Attribute } from "../onnx/model.ts";
import { logSoftmax, softmax } from "./activations.ts";
import { add, mul, reciprocal, sqrt, sub } from "./arithmetic.ts";
import { groupNormalization } from "./layerNormalisation.ts";
import { flatten, identity, reshapeLike } from "./layout.ts";

/** One node on its way into the graph: its operands are values already. */
export interface Call {
  readonly op: string;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** How many outputs the file names. */
  readonly outputs: number;
}

/** A step up to operator set `before`: the newer form, or values that stand for the outputs. */
interface Step {
  readonly before: number;
  lift(call: Call, opset: number): Call | readonly Value[];
}

/** The oldest operator set that is read; before it, broadcasting followed other rules. */
export const oldestOpset = 7;
/** The newest operator set whose changes the steps below take into account. */
export const newestOpset = 26;
/** For steps at every version: the operator is gone, or is written with others. */
const always = Number.POSITIVE_INFINITY;

/**
 * Every standard operator whose meaning or form changed since operator set 7 (ONNX, Changelog.md), with its steps in order.
 * Not here: those that only gained types, outputs, or attributes whose default is the old behaviour.
 */
const steps: ReadonlyMap<string, readonly Step[]> = new Map<string, readonly Step[]>([
  ["BatchNormalization", [{ before: 14, lift: liftBatchNormalization }]],
  ["Clip", [becameInputs(11, ["min", "max"])]],
  ["DFT", [becameInputs(20, [undefined, "axis"])]],
  ["Dropout", [becameInputs(12, ["ratio"])]],
  ["GridSample", [{ before: 20, lift: liftGridSample }]],
  ["GroupNormalization", [{ before: always, lift: lowerGroupNormalization }]],
  ["LogSoftmax", [{ before: 13, lift: (call) => liftSoftmax(call, logSoftmax) }]],
  ["Mean", [{ before: always, lift: lowerMean }]],
  ["Pad", [becameInputs(11, ["pads", "value"])]],
  ["ReduceL1", [becameInputs(18, ["axes"])]],
  ["ReduceL2", [becameInputs(18, ["axes"])]],
  ["ReduceLogSum", [becameInputs(18, ["axes"])]],
  ["ReduceLogSumExp", [becameInputs(18, ["axes"])]],
  ["ReduceMax", [becameInputs(18, ["axes"])]],
  ["ReduceMean", [becameInputs(18, ["axes"])]],
  ["ReduceMin", [becameInputs(18, ["axes"])]],
  ["ReduceProd", [becameInputs(18, ["axes"])]],
  ["ReduceSum", [becameInputs(13, ["axes"])]],
  ["ReduceSumSquare", [becameInputs(18, ["axes"])]],
  [
    "Resize",
    [
      { before: 11, lift: liftFirstResize },
      { before: 13, lift: liftResize },
    ],
  ],
  [
    "RoiAlign",
    [{ before: 16, lift: (call) => withDefault(call, "coordinate_transformation_mode", "output_half_pixel") }],
  ],
  ["Scatter", [{ before: always, lift: (call) => ({ ...call, op: "ScatterElements" }) }]],
  ["Slice", [becameInputs(10, ["starts", "ends", "axes"])]],
  ["Softmax", [{ before: 13, lift: (call) => liftSoftmax(call, softmax) }]],
  ["Split", [becameInputs(13, ["split"]), { before: 18, lift: liftSplit }]],
  ["Squeeze", [becameInputs(13, ["axes"])]],
  ["Sum", [{ before: always, lift: (call) => chain(call, add) }]],
  ["TopK", [becameInputs(10, ["k"])]],
  ["Unsqueeze", [becameInputs(13, ["axes"])]],
  ["Upsample", [becameInputs(9, ["scales"]), { before: always, lift: lowerUpsample }]],
]);

/** Brings a standard operator of operator set `opset` to its newest form. Throws `model` when that is not possible. */
export function lift(call: Call, opset: number): Call | readonly Value[] {
  let lifted = call;
  for (const step of steps.get(call.op) ?? []) {
    if (opset >= step.before) continue;
    const next = step.lift(lifted, opset);
    if (!("op" in next)) return next;
    lifted = next;
  }
  return lifted;
}

/** Attributes that became the operands after the first, in this order. */
function becameInputs(before: number, names: readonly (string | undefined)[]): Step {
  return {
    before,
    lift: (call) => {
      const attributes = { ...call.attributes };
      const operands = names.map((name, i) => {
        const attribute = name === undefined ? undefined : attributes[name];
        if (name !== undefined) delete attributes[name];
        return attribute === undefined ? call.inputs[i + 1] : constantFrom(attribute, call.op);
      });
      return { ...call, attributes, inputs: [call.inputs[0], ...operands] };
    },
  };
}

function constantFrom(attribute: Attribute, op: string): Value {
  switch (attribute.type) {
    case "float":
      return scalar(attribute.value);
    case "floats":
      return constant(Tensor.float32([attribute.value.length], attribute.value));
    case "int":
      return constant(Tensor.int64([clampLong(attribute.value)]));
    case "ints":
      return constant(Tensor.int64(attribute.value.map(clampLong)));
    default:
      throw new GraftError("model", `${op}: an attribute holds a ${attribute.type}; expected numbers.`);
  }
}

/** The largest 64-bit integers mean "to the end"; they do not survive as numbers, any huge one does. */
function clampLong(value: number): number {
  return Math.min(Math.max(value, Number.MIN_SAFE_INTEGER), Number.MAX_SAFE_INTEGER);
}

function withDefault(call: Call, name: string, value: string): Call {
  return { ...call, attributes: { [name]: { type: "string", value }, ...call.attributes } };
}

function withText(call: Call, texts: Readonly<Record<string, string>>): Call {
  const entries = Object.entries(texts).map(([name, value]): [string, Attribute] => [name, { type: "string", value }]);
  return { ...call, attributes: { ...call.attributes, ...Object.fromEntries(entries) } };
}

function without(call: Call, ...names: readonly string[]): Call {
  const attributes = Object.entries(call.attributes).filter(([name]) => !names.includes(name));
  return { ...call, attributes: Object.fromEntries(attributes) };
}

/** Before 14, named statistics meant training; before 9, `spatial: 0` gave every place its own statistics. */
function liftBatchNormalization(call: Call): Call | readonly Value[] {
  const plain = without(call, "spatial", "is_test", "consumed_inputs");
  if (numberOf(call, "spatial") === 0) {
    const [x, scale, bias, mean, variance] = operands(call, 5);
    const inverse = reciprocal(sqrt(add(variance, numberOf(call, "epsilon") ?? 1e-5)));
    return [add(mul(sub(x, mean), mul(scale, inverse)), bias)];
  }
  if (call.outputs === 1) return plain;
  return { ...plain, attributes: { ...plain.attributes, training_mode: { type: "int", value: 1 } } };
}

/** Before 20, the modes had the names of their two-dimensional cases. */
function liftGridSample(call: Call): Call {
  const names: ReadonlyMap<string, string> = new Map([
    ["bilinear", "linear"],
    ["bicubic", "cubic"],
  ]);
  const mode = textOf(call, "mode") ?? "bilinear";
  return withText(call, { mode: names.get(mode) ?? mode });
}

/** Scale and bias are per channel since version 21, per group before. */
function lowerGroupNormalization(call: Call): readonly Value[] {
  const [x, scale, bias] = operands(call, 3);
  const options = { groups: numberOf(call, "num_groups") ?? 0, epsilon: numberOf(call, "epsilon") ?? 1e-5 };
  return [groupNormalization(x, scale, bias, options)];
}

/** Before 13, all axes from `axis` on were normalised together. */
function liftSoftmax(call: Call, normalise: typeof softmax): Call | readonly Value[] {
  const [x] = operands(call, 1);
  const given = numberOf(call, "axis") ?? 1;
  const axis = given < 0 ? given + x.rank : given;
  const alone = x.shape.slice(axis + 1).every((dim) => dim === 1);
  if (alone && axis < x.rank) return { ...call, attributes: { axis: { type: "int", value: axis } } };
  return [reshapeLike(normalise(flatten(x, { axis }), { axis: 1 }), x)];
}

/** Before 18, leaving the lengths out meant equal parts, as many as there are outputs. */
function liftSplit(call: Call): Call {
  if (call.inputs[1] !== undefined) return call;
  return { ...call, attributes: { ...call.attributes, num_outputs: { type: "int", value: call.outputs } } };
}

/** Upsample is Resize at corners, nearest below. */
function lowerUpsample(call: Call): Call {
  const mode = textOf(call, "mode") === "nearest" || textOf(call, "mode") === undefined ? "nearest" : "linear";
  const [x, scales] = call.inputs;
  const resize = { ...call, op: "Resize", inputs: [x, undefined, scales], attributes: {} };
  return withText(resize, { mode, coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" });
}

/** Version 10: asymmetric coordinates; the nearest pixel is the one below, or above when shrinking (as onnxruntime has it). */
function liftFirstResize(call: Call): Call {
  const [x, scales] = call.inputs;
  const factors = (scales && constantNumbers(scales)) ?? [];
  const shrinks = factors.some((factor) => factor < 1);
  const nearest_mode = shrinks ? "ceil" : "floor";
  if (shrinks && factors.some((factor) => factor > 1) && (textOf(call, "mode") ?? "nearest") === "nearest") {
    throw new GraftError(
      "model",
      `Resize: scales [${factors}] enlarge and shrink at once; export with operator set 11.`,
    );
  }
  const moved = { ...call, inputs: [x, undefined, scales] };
  return withText(moved, { coordinate_transformation_mode: "asymmetric", nearest_mode });
}

/** Versions 11 and 12: operands that do not count are empty tensors; one coordinate mode has since gone. */
function liftResize(call: Call): Call {
  const [x, ...rest] = call.inputs;
  const given = { ...call, inputs: [x, ...rest.map((value) => (value?.shape[0] === 0 ? undefined : value))] };
  if (textOf(call, "coordinate_transformation_mode") !== "tf_half_pixel_for_nn") return given;
  // ⌊(i + ½)/s⌋ = the nearest of (i + ½)/s − ½, halves up.
  if (textOf(call, "nearest_mode") === "floor" && (textOf(call, "mode") ?? "nearest") === "nearest") {
    return withText(given, { coordinate_transformation_mode: "half_pixel", nearest_mode: "round_prefer_ceil" });
  }
  throw new GraftError("model", 'Resize: "tf_half_pixel_for_nn" is read only with nearest_mode "floor".');
}

function lowerMean(call: Call): Call | readonly Value[] {
  const sum = chain(call, add);
  return "op" in sum ? sum : [mul(sum[0], 1 / call.inputs.length)];
}

/** a ∘ b ∘ c … for operators of any number of operands. */
function chain(call: Call, combine: typeof add): Call | readonly Value[] {
  if (call.inputs.some((value) => value !== undefined && value.type === undefined)) return call;
  const [first, ...rest] = operands(call, call.inputs.length);
  if (first === undefined) throw new GraftError("model", `${call.op}: it has no inputs; expected one or more.`);
  let result = rest.length === 0 ? identity(first) : first;
  for (const value of rest) result = combine(result, value);
  return [result];
}

/** The first `count` operands, which must all be there. */
function operands(call: Call, count: number): readonly Value[] {
  return Array.from({ length: count }, (_, i) => {
    const value = call.inputs[i];
    if (value !== undefined) return value;
    throw new GraftError("model", `${call.op}: input ${i} is missing; expected ${count} inputs.`);
  });
}

function numberOf(call: Call, name: string): number | undefined {
  const attribute = call.attributes[name];
  return attribute?.type === "int" || attribute?.type === "float" ? attribute.value : undefined;
}

function textOf(call: Call, name: string): string | undefined {
  const attribute = call.attributes[name];
  return attribute?.type === "string" ? attribute.value : undefined;
}
