import type { DType, TypedArray } from "../base/dtypes.ts";
import { arrayOf } from "../base/dtypes.ts";
import { GraftError } from "../base/errors.ts";
import { isStatic, type Shape, showShape } from "../base/shapes.ts";
import { Tensor } from "../base/tensor.ts";
import type { AttributeValue, Operator } from "./operator.ts";

export interface TensorType {
  readonly dtype: DType;
  readonly shape: Shape;
}

/** One application of an operator. A left-out optional input is `undefined`. */
export interface Node {
  readonly operator: Operator;
  readonly inputs: readonly (Value | undefined)[];
  readonly attributes: Readonly<Record<string, AttributeValue>>;
  readonly outputs: readonly Value[];
  /** Where an imported node came from, for messages. */
  readonly name: string | undefined;
}

export type Source =
  | { readonly kind: "input"; readonly name: string }
  | { readonly kind: "constant"; readonly tensor: Tensor; readonly name: string | undefined }
  | { readonly kind: "node"; readonly node: Node; readonly index: number };

/** A tensor that a graph will hold: fed, constant, or computed. Immutable; a graph is whatever its outputs reach. */
export class Value {
  readonly source: Source;
  readonly #type: TensorType | undefined;

  constructor(source: Source, type: TensorType | undefined) {
    this.source = source;
    this.#type = type;
  }

  get type(): TensorType | undefined {
    return this.#type;
  }

  get dtype(): DType {
    return this.#known().dtype;
  }

  get shape(): Shape {
    return this.#known().shape;
  }

  get rank(): number {
    return this.shape.length;
  }

  /** The shape, where every length must be known. Throws `shape`. */
  get staticShape(): readonly number[] {
    const { shape } = this;
    if (isStatic(shape)) return shape;
    throw new GraftError(
      "shape",
      `${describe(this)} has shape ${showShape(shape)}, but every length must be known here.`,
    );
  }

  #known(): TensorType {
    if (this.#type !== undefined) return this.#type;
    throw new GraftError(
      "shape",
      `the shape of ${describe(this)} is not known: its operator has no shape rule in Graft.`,
    );
  }
}

/** A tensor fed at each run. */
export function input(name: string, dtype: DType, shape: Shape): Value {
  return new Value({ kind: "input", name }, { dtype, shape });
}

/** A tensor stored in the graph. */
export function constant(tensor: Tensor, name?: string): Value {
  return new Value({ kind: "constant", tensor, name }, { dtype: tensor.dtype, shape: tensor.shape });
}

/** A constant of any shape from plain numbers. */
export function constantOf(dtype: DType, shape: readonly number[], values: readonly number[]): Value {
  return constant(Tensor.of(dtype, shape, numbersAs(dtype, values)));
}

export function scalar(value: number, dtype: DType = "float32"): Value {
  return constantOf(dtype, [], [value]);
}

/** The numbers of a constant, or nothing when the value is computed. */
export function constantNumbers(value: Value): readonly number[] | undefined {
  return value.source.kind === "constant" ? value.source.tensor.numbers : undefined;
}

/** How messages name a value. */
export function describe(value: Value): string {
  const { source } = value;
  switch (source.kind) {
    case "input":
      return `input "${source.name}"`;
    case "constant":
      return source.name === undefined ? "a constant" : `constant "${source.name}"`;
    case "node":
      return `output ${source.index} of ${source.node.operator.name}${source.node.name ? ` "${source.node.name}"` : ""}`;
  }
}

function numbersAs(dtype: DType, values: readonly number[]): TypedArray {
  if (dtype === "int64") return BigInt64Array.from(values, BigInt);
  if (dtype === "uint64") return BigUint64Array.from(values, BigInt);
  return arrayOf[dtype].from(values);
}
