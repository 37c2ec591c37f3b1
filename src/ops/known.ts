import { type DType, isFloat } from "../base/dtypes.ts";
import { broadcastShapes, type Dim, isStatic } from "../base/shapes.ts";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { constant, constantOf, type Value } from "../graph/value.ts";
import type { Call } from "./lift.ts";

/** A small tensor of which every element is a number, or a length that only has a name: [N, 512, -1]. */
export interface Known {
  readonly dtype: DType;
  readonly shape: readonly number[];
  readonly elements: readonly Dim[];
}

/** Larger tensors are no shapes. */
export const limitElements = 4096;

export function knownVector(elements: readonly Dim[]): Known {
  return { dtype: "int64", shape: [elements.length], elements };
}

/** What a constant holds, when it is small and of a type whose elements are plain numbers. */
export function knownConstant({ source }: Value): Known | undefined {
  if (source.kind !== "constant" || source.tensor.size > limitElements) return undefined;
  const { dtype, shape, numbers } = source.tensor;
  return dtype === "float16" ? undefined : { dtype, shape, elements: numbers };
}

/** As a constant of the graph, unless a name is among the elements. */
export function toConstant({ dtype, shape, elements }: Known): Value | undefined {
  if (!isStatic(elements) || (!isFloat(dtype) && !elements.every(Number.isInteger))) return undefined;
  if (dtype === "int64") return constant(Tensor.of(dtype, shape, BigInt64Array.from(elements, toLong)));
  if (dtype === "uint64") return constant(Tensor.of(dtype, shape, BigUint64Array.from(elements, BigInt)));
  return constantOf(dtype, shape, elements);
}

/** A tensor of `shape` whose element at each place is that of `from` at the place that `source` gives. */
export function rearranged(
  from: Known,
  shape: readonly number[],
  source: (place: readonly number[]) => number,
): Known | undefined {
  const size = sizeOf(shape);
  if (size > limitElements) return undefined;
  const place = new Array<number>(shape.length).fill(0);
  const elements: Dim[] = [];
  for (let i = 0; i < size; i++) {
    elements.push(from.elements[source(place)]);
    advance(place, shape);
  }
  return { dtype: from.dtype, shape, elements };
}

/** `a` in a shape to which it broadcasts. */
export function broadcastTo(a: Known, shape: readonly number[]): Known | undefined {
  const strides = stridesOf(a.shape);
  const lead = shape.length - a.shape.length;
  return rearranged(a, shape, (place) => {
    let flat = 0;
    for (let axis = 0; axis < strides.length; axis++) {
      if (a.shape[axis] !== 1) flat += place[axis + lead] * strides[axis];
    }
    return flat;
  });
}

/** The static shape of an elementwise result. */
export function commonShape(operands: readonly Known[]): readonly number[] | undefined {
  let shape: readonly number[] = [];
  for (const operand of operands) {
    const next = broadcastShapes(shape, operand.shape);
    if (next === undefined || !isStatic(next)) return undefined;
    shape = next;
  }
  return shape;
}

export function stridesOf(shape: readonly number[]): readonly number[] {
  const strides = new Array<number>(shape.length).fill(1);
  for (let axis = shape.length - 2; axis >= 0; axis--) strides[axis] = strides[axis + 1] * shape[axis + 1];
  return strides;
}

function advance(place: number[], shape: readonly number[]): void {
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    place[axis]++;
    if (place[axis] < shape[axis]) return;
    place[axis] = 0;
  }
}

function toLong(value: number): bigint {
  if (value >= 2 ** 63) return 2n ** 63n - 1n;
  return value < -(2 ** 63) ? -(2n ** 63n) : BigInt(value);
}

/** The one output of a standard operator, or nothing when it is not known before the graph runs. */
export type FoldRule = (operands: Operands) => Known | undefined;

/** The operands of a node and their known elements. */
export class Operands {
  readonly call: Call;
  readonly #known: (value: Value | undefined) => Known | undefined;

  constructor(call: Call, known: (value: Value | undefined) => Known | undefined) {
    this.call = call;
    this.#known = known;
  }

  at(index: number): Known | undefined {
    return this.#known(this.call.inputs[index]);
  }

  /** An operand that must be plain numbers. */
  numbers(index: number): readonly number[] | undefined {
    const elements = this.at(index)?.elements;
    return elements !== undefined && isStatic(elements) ? elements : undefined;
  }

  all(): readonly Known[] | undefined {
    const known = this.call.inputs.map((value) => this.#known(value));
    return known.length > 0 && known.every((each) => each !== undefined) ? known : undefined;
  }

  int(name: string, fallback: number): number {
    const attribute = this.call.attributes[name];
    return attribute?.type === "int" ? attribute.value : fallback;
  }
}
