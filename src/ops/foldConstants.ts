import { type DType, isFloat } from "../base/dtypes.ts";
import { addDims, type Dim, divideDims, isStatic, multiplyDims, product, resolveAxis } from "../base/shapes.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";
import type { Value } from "../graph/value.ts";
import { dtypeFromCode } from "../onnx/dtypes.ts";
import {
  broadcastTo,
  commonShape,
  type Known,
  knownConstant,
  knownVector,
  limitElements,
  rearranged,
  stridesOf,
} from "./known.ts";
import type { Call } from "./lift.ts";

/** Work that folding may do in one import, in elements: damaged files must not keep it busy. */
const limitWork = 4_000_000;

/**
 * Computes, while a file is read, what its shape arithmetic gives: exporters write `x.view(x.size(0), -1)` as
 * Shape, Gather, Unsqueeze, Concat and Reshape. Lengths that are only known by name go along as names.
 */
export class ConstantFolder {
  readonly #found = new Map<Value, Known>();
  #work = 0;

  /** What is known of a value's elements. */
  known(value: Value | undefined): Known | undefined {
    return value && (this.#found.get(value) ?? knownConstant(value));
  }

  /** Remembers what a computed value holds. */
  remember(value: Value, known: Known): void {
    this.#found.set(value, known);
  }

  /** The elements of the only output of a standard operator, or nothing when they are not known before the graph runs. */
  fold(call: Call): Known | undefined {
    const rule = rules.get(call.op);
    if (rule === undefined || call.outputs !== 1 || this.#work > limitWork) return undefined;
    const result = rule(new Operands(call, this));
    this.#work += result?.elements.length ?? 0;
    return result;
  }
}

/** The operands of a node and their known elements. */
class Operands {
  readonly call: Call;
  readonly #folder: ConstantFolder;

  constructor(call: Call, folder: ConstantFolder) {
    this.call = call;
    this.#folder = folder;
  }

  at(index: number): Known | undefined {
    return this.#folder.known(this.call.inputs[index]);
  }

  /** An operand that must be plain numbers. */
  numbers(index: number): readonly number[] | undefined {
    const elements = this.at(index)?.elements;
    return elements !== undefined && isStatic(elements) ? elements : undefined;
  }

  all(): readonly Known[] | undefined {
    const known = this.call.inputs.map((value) => this.#folder.known(value));
    return known.length > 0 && known.every((each) => each !== undefined) ? known : undefined;
  }

  int(name: string, fallback: number): number {
    const attribute = this.call.attributes[name];
    return attribute?.type === "int" ? attribute.value : fallback;
  }
}

type Rule = (operands: Operands) => Known | undefined;

const rules: ReadonlyMap<string, Rule> = new Map<string, Rule>([
  ["Shape", foldShape],
  ["Size", foldSize],
  ["Identity", (o) => o.at(0)],
  ["Cast", foldCast],
  ["Gather", foldGather],
  ["Slice", foldSlice],
  ["Concat", foldConcat],
  ["Reshape", foldReshape],
  ["Squeeze", foldSqueeze],
  ["Unsqueeze", foldUnsqueeze],
  ["Transpose", foldTranspose],
  ["Expand", foldExpand],
  ["ConstantOfShape", foldConstantOfShape],
  ["Range", foldRange],
  ["ReduceProd", (o) => foldTotal(o, multiplyDims, 1)],
  ["ReduceSum", (o) => foldTotal(o, addDims, 0)],
  ["Add", (o) => elementwise(o, addDims)],
  ["Sub", (o) => elementwise(o, (a, b) => (typeof b === "number" ? addDims(a, -b) : undefined))],
  ["Mul", (o) => elementwise(o, multiplyDims)],
  ["Div", (o) => elementwise(o, divideElements)],
  ["Mod", (o) => numeric(o, (a, b) => (b === 0 ? Number.NaN : a - Math.floor(a / b) * b))],
  ["Pow", (o) => numeric(o, (a, b) => a ** b)],
  ["Max", (o) => numeric(o, Math.max)],
  ["Min", (o) => numeric(o, Math.min)],
  ["Neg", (o) => numeric(o, (a) => -a)],
  ["Abs", (o) => numeric(o, Math.abs)],
  ["Sqrt", (o) => numeric(o, Math.sqrt)],
  ["Floor", (o) => numeric(o, Math.floor)],
  ["Ceil", (o) => numeric(o, Math.ceil)],
  ["Not", (o) => numeric(o, (a) => Number(a === 0), "bool")],
  ["And", (o) => numeric(o, (a, b) => Number(a !== 0 && b !== 0), "bool")],
  ["Or", (o) => numeric(o, (a, b) => Number(a !== 0 || b !== 0), "bool")],
  ["Equal", (o) => elementwise(o, equalElements, "bool")],
  ["Less", (o) => numeric(o, (a, b) => Number(a < b), "bool")],
  ["Greater", (o) => numeric(o, (a, b) => Number(a > b), "bool")],
  ["LessOrEqual", (o) => numeric(o, (a, b) => Number(a <= b), "bool")],
  ["GreaterOrEqual", (o) => numeric(o, (a, b) => Number(a >= b), "bool")],
  ["Where", foldWhere],
]);

function foldShape(o: Operands): Known | undefined {
  const type = o.call.inputs[0]?.type;
  const end = o.call.attributes["end"];
  return type && knownVector(type.shape.slice(o.int("start", 0), end?.type === "int" ? end.value : undefined));
}

function foldSize(o: Operands): Known | undefined {
  const type = o.call.inputs[0]?.type;
  return type && { dtype: "int64", shape: [], elements: [product(type.shape)] };
}

function foldCast(o: Operands): Known | undefined {
  const x = o.at(0);
  if (x === undefined) return undefined;
  const dtype = dtypeFromCode(o.int("to", 0), "Cast");
  if (isStatic(x.elements)) return { ...x, dtype, elements: x.elements.map((value) => converted(value, dtype)) };
  return dtype === "int32" || dtype === "int64" ? { ...x, dtype } : undefined;
}

function converted(value: number, dtype: DType): number {
  if (dtype === "bool") return Number(value !== 0);
  if (dtype === "float32") return Math.fround(value);
  return isFloat(dtype) ? value : Math.trunc(value);
}

function foldGather(o: Operands): Known | undefined {
  const x = o.at(0);
  const indices = o.at(1);
  const places = o.numbers(1);
  const axis = x && resolveAxis(o.int("axis", 0), x.shape.length);
  if (x === undefined || indices === undefined || places === undefined || axis === undefined) return undefined;
  const resolved = places.map((place) => resolveAxis(place, x.shape[axis]));
  if (!resolved.every((place) => place !== undefined)) return undefined;
  const shape = [...x.shape.slice(0, axis), ...indices.shape, ...x.shape.slice(axis + 1)];
  const strides = stridesOf(x.shape);
  const inner = stridesOf(indices.shape);
  return rearranged(x, shape, (place) => {
    let flat = 0;
    let which = 0;
    inner.forEach((stride, i) => {
      which += place[axis + i] * stride;
    });
    strides.forEach((stride, i) => {
      const at = i < axis ? place[i] : place[i + inner.length - 1];
      flat += (i === axis ? resolved[which] : at) * stride;
    });
    return flat;
  });
}

/** ONNX's clamping rules: specification of Slice-13. */
function foldSlice(o: Operands): Known | undefined {
  const x = o.at(0);
  const starts = o.numbers(1);
  const ends = o.numbers(2);
  if (x === undefined || starts === undefined || ends === undefined) return undefined;
  const axes = o.call.inputs[3] === undefined ? [...starts.keys()] : o.numbers(3);
  const steps = o.call.inputs[4] === undefined ? starts.map(() => 1) : o.numbers(4);
  if (axes?.length !== starts.length || steps?.length !== starts.length || ends.length !== starts.length)
    return undefined;
  const shape = [...x.shape];
  const from = x.shape.map(() => ({ start: 0, step: 1 }));
  for (const [i, start] of starts.entries()) {
    const axis = resolveAxis(axes[i], x.shape.length);
    const step = steps[i];
    if (axis === undefined || step === 0) return undefined;
    const length = x.shape[axis];
    const clamp = (at: number, low: number, high: number) => Math.min(Math.max(at < 0 ? at + length : at, low), high);
    const first = step > 0 ? clamp(start, 0, length) : clamp(start, 0, length - 1);
    const last = step > 0 ? clamp(ends[i], 0, length) : clamp(ends[i], -1, length - 1);
    shape[axis] = Math.max(0, Math.ceil((last - first) / step));
    from[axis] = { start: first, step };
  }
  const strides = stridesOf(x.shape);
  return rearranged(x, shape, (place) => {
    let flat = 0;
    for (let axis = 0; axis < place.length; axis++) {
      flat += (from[axis].start + place[axis] * from[axis].step) * strides[axis];
    }
    return flat;
  });
}

/** Vectors only: that is how shapes are put together. */
function foldConcat(o: Operands): Known | undefined {
  const parts = o.all();
  if (parts === undefined || parts.some(({ shape, dtype }) => shape.length !== 1 || dtype !== parts[0].dtype)) {
    return undefined;
  }
  const elements: Dim[] = [];
  for (const part of parts) {
    for (const element of part.elements) elements.push(element);
    if (elements.length > limitElements) return undefined;
  }
  return { dtype: parts[0].dtype, shape: [elements.length], elements };
}

function foldReshape(o: Operands): Known | undefined {
  const x = o.at(0);
  const target = o.numbers(1);
  if (x === undefined || target === undefined || o.int("allowzero", 0) !== 0) return undefined;
  const shape = target.map((dim, axis) => (dim === 0 ? x.shape[axis] : dim));
  const free = shape.indexOf(-1);
  if (free >= 0) shape[free] = x.elements.length / sizeOf(shape.filter((dim) => dim !== -1));
  return withShape(x, shape);
}

function foldSqueeze(o: Operands): Known | undefined {
  const x = o.at(0);
  const axes = o.call.inputs[1] === undefined ? undefined : o.numbers(1);
  if (x === undefined || (o.call.inputs[1] !== undefined && axes === undefined)) return undefined;
  const dropped = axes?.map((axis) => resolveAxis(axis, x.shape.length));
  return withShape(
    x,
    x.shape.filter((dim, axis) => (dropped === undefined ? dim !== 1 : !dropped.includes(axis))),
  );
}

function foldUnsqueeze(o: Operands): Known | undefined {
  const x = o.at(0);
  const axes = o.numbers(1);
  if (x === undefined || axes === undefined) return undefined;
  const rank = x.shape.length + axes.length;
  const places = axes.map((axis) => resolveAxis(axis, rank)).sort((a = 0, b = 0) => a - b);
  const shape = [...x.shape];
  for (const place of places) {
    if (place === undefined) return undefined;
    shape.splice(place, 0, 1);
  }
  return withShape(x, shape);
}

/** The same elements in another shape, if they fill it. */
function withShape(x: Known, shape: readonly number[]): Known | undefined {
  const fits = shape.every((dim) => Number.isInteger(dim) && dim >= 0) && sizeOf(shape) === x.elements.length;
  return fits ? { ...x, shape } : undefined;
}

function foldTranspose(o: Operands): Known | undefined {
  const x = o.at(0);
  if (x === undefined) return undefined;
  const given = o.call.attributes["perm"];
  const perm = given?.type === "ints" ? given.value : [...x.shape.keys()].reverse();
  if (perm.length !== x.shape.length || new Set(perm).size !== perm.length) return undefined;
  if (perm.some((axis) => x.shape[axis] === undefined)) return undefined;
  const strides = stridesOf(x.shape);
  return rearranged(
    x,
    perm.map((axis) => x.shape[axis]),
    (place) => place.reduce((flat, at, i) => flat + at * strides[perm[i]], 0),
  );
}

function foldExpand(o: Operands): Known | undefined {
  const x = o.at(0);
  const target = o.numbers(1);
  if (x === undefined || target?.every((dim) => dim >= 0) !== true) return undefined;
  const shape = commonShape([x, { dtype: "int64", shape: target, elements: [] }]);
  return shape && broadcastTo(x, shape);
}

function foldConstantOfShape(o: Operands): Known | undefined {
  const shape = o.numbers(0);
  if (shape === undefined || !shape.every((dim) => dim >= 0) || sizeOf(shape) > limitElements) return undefined;
  const value = o.call.attributes["value"];
  const tensor = value?.type === "tensor" ? value.value : Tensor.float32([1], [0]);
  if (tensor.size !== 1 || tensor.dtype === "float16") return undefined;
  return { dtype: tensor.dtype, shape, elements: new Array<number>(sizeOf(shape)).fill(tensor.numbers[0]) };
}

function foldRange(o: Operands): Known | undefined {
  const [start, limit, delta] = [0, 1, 2].map((i) => o.numbers(i)?.[0]);
  const dtype = o.at(0)?.dtype;
  if (start === undefined || limit === undefined || delta === undefined || dtype === undefined) return undefined;
  const count = Math.max(0, Math.ceil((limit - start) / delta));
  if (!(count <= limitElements)) return undefined;
  return { dtype, shape: [count], elements: Array.from({ length: count }, (_, i) => start + i * delta) };
}

/** A reduction over everything: the number of elements that a shape stands for. */
function foldTotal(o: Operands, combine: (a: Dim, b: Dim) => Dim, start: number): Known | undefined {
  const x = o.at(0);
  if (x === undefined || isFloat(x.dtype) || x.shape.length !== 1) return undefined;
  let total: Dim = start;
  for (const element of x.elements) total = combine(total, element);
  return { dtype: x.dtype, shape: o.int("keepdims", 1) ? [1] : [], elements: [total] };
}

function foldWhere(o: Operands): Known | undefined {
  const operands = o.all();
  const shape = operands?.length === 3 ? commonShape(operands) : undefined;
  const [condition, a, b] = operands?.map((operand) => shape && broadcastTo(operand, shape)) ?? [];
  if (shape === undefined || condition === undefined || a === undefined || b === undefined) return undefined;
  if (!isStatic(condition.elements)) return undefined;
  return { ...a, elements: condition.elements.map((chosen, i) => (chosen ? a.elements[i] : b.elements[i])) };
}

/** An operation on plain numbers alone. */
function numeric(o: Operands, compute: (a: number, b: number) => number, dtype?: DType): Known | undefined {
  return elementwise(o, (a, b) => (typeof a === "number" && typeof b === "number" ? compute(a, b) : undefined), dtype);
}

/** One or two operands, broadcast; nothing when any element stays unknown. */
function elementwise(o: Operands, compute: (a: Dim, b: Dim) => Dim | undefined, dtype?: DType): Known | undefined {
  const operands = o.all();
  if (operands === undefined || operands.length > 2) return undefined;
  const shape = commonShape(operands);
  const [a, b = a] = operands.map((operand) => shape && broadcastTo(operand, shape));
  if (shape === undefined || a === undefined || b === undefined) return undefined;
  const type = dtype ?? a.dtype;
  const elements: Dim[] = [];
  for (const [i, element] of a.elements.entries()) {
    const value = compute(element, b.elements[i]);
    if (value === undefined || (typeof value === "number" && !Number.isFinite(value) && !isFloat(type)))
      return undefined;
    elements.push(typeof value === "number" ? converted(value, type) : value);
  }
  return { dtype: type, shape, elements };
}

/** Integers are divided towards zero; a name stands for a length, which is not negative. */
function divideElements(a: Dim, b: Dim): Dim | undefined {
  if (typeof b !== "number") return undefined;
  if (typeof a === "number") return a / b;
  return b > 0 ? divideDims(a, b) : undefined;
}

function equalElements(a: Dim, b: Dim): number | undefined {
  if (a === b) return 1;
  if (typeof a === "number" && typeof b === "number") return 0;
  return (typeof a === "number" && a < 0) || (typeof b === "number" && b < 0) ? 0 : undefined;
}
