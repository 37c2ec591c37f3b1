import { type Dim, product, resolveAxis } from "../base/shapes.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";
import {
  broadcastTo,
  commonShape,
  type FoldRule,
  type Known,
  knownVector,
  limitElements,
  type Operands,
  rearranged,
  stridesOf,
} from "./known.ts";
import { cutAxis } from "./slicing.ts";

/** What the operators that make, read and rearrange shapes give on known operands. */
export const layoutRules: readonly (readonly [string, FoldRule])[] = [
  ["Shape", foldShape],
  ["Size", foldSize],
  ["Identity", (o) => o.at(0)],
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
];

function foldShape(o: Operands): Known | undefined {
  const type = o.call.inputs[0]?.type;
  const end = o.call.attributes["end"];
  return type && knownVector(type.shape.slice(o.int("start", 0), end?.type === "int" ? end.value : undefined));
}

function foldSize(o: Operands): Known | undefined {
  const type = o.call.inputs[0]?.type;
  return type && { dtype: "int64", shape: [], elements: [product(type.shape)] };
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

function foldSlice(o: Operands): Known | undefined {
  const x = o.at(0);
  const starts = o.numbers(1);
  const ends = o.numbers(2);
  if (x === undefined || starts === undefined || ends === undefined) return undefined;
  const axes = o.call.inputs[3] === undefined ? [...starts.keys()] : o.numbers(3);
  const steps = o.call.inputs[4] === undefined ? starts.map(() => 1) : o.numbers(4);
  if (axes === undefined || steps === undefined) return undefined;
  const cuts = x.shape.map((count) => ({ start: 0, step: 1, count }));
  for (const [i, start] of starts.entries()) {
    const axis = resolveAxis(axes[i] ?? Number.NaN, x.shape.length);
    const step = steps[i];
    const end = ends[i];
    if (axis === undefined || end === undefined || step === undefined || step === 0) return undefined;
    cuts[axis] = { step, ...cutAxis(start, end, step, x.shape[axis]) };
  }
  const strides = stridesOf(x.shape);
  const shape = cuts.map(({ count }) => count);
  return rearranged(x, shape, (place) => {
    let flat = 0;
    for (let axis = 0; axis < place.length; axis++) {
      flat += (cuts[axis].start + place[axis] * cuts[axis].step) * strides[axis];
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
  const fits = shape.every(isLength) && sizeOf(shape) === x.elements.length;
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
  if (x === undefined || target?.every(isLength) !== true) return undefined;
  const shape = commonShape([x, { dtype: "int64", shape: target, elements: [] }]);
  return shape && broadcastTo(x, shape);
}

function foldConstantOfShape(o: Operands): Known | undefined {
  const shape = o.numbers(0);
  if (shape === undefined || !shape.every(isLength) || sizeOf(shape) > limitElements) return undefined;
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

function isLength(dim: number): boolean {
  return Number.isInteger(dim) && dim >= 0;
}
