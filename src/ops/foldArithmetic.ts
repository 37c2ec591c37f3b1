import { type DType, isFloat } from "../base/dtypes.ts";
import { addDims, type Dim, divideDims, isStatic, multiplyDims } from "../base/shapes.ts";
import { dtypeFromCode } from "../onnx/dtypes.ts";
import { broadcastTo, commonShape, type FoldRule, type Known, type Operands } from "./known.ts";

/** What arithmetic, comparisons and casts give on known operands. */
export const arithmeticRules: readonly (readonly [string, FoldRule])[] = [
  ["Cast", foldCast],
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
];

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
