import type { DType } from "../base/dtypes.ts";
import type { Tensor } from "../base/tensor.ts";
import type { AttributeProto, GraphProto, ModelProto, NodeProto, ValueInfoProto } from "./onnx_pb.ts";

/**
 * What a file says beyond the fields below (documentation, functions, annotations, fields of later versions) stays in
 * `origin`, the message that was read. `writeModel` starts from it and rewrites only what differs, so that a copy with
 * one field changed keeps the rest of its bytes.
 */
interface From<Proto> {
  readonly origin?: Proto;
}

/** One attribute of a node, with the type that the file format keeps. */
export type Attribute = From<AttributeProto> &
  (
    | { readonly type: "int" | "float"; readonly value: number }
    | { readonly type: "ints" | "floats"; readonly value: readonly number[] }
    | { readonly type: "string"; readonly value: string }
    | { readonly type: "strings"; readonly value: readonly string[] }
    | { readonly type: "tensor"; readonly value: Tensor }
    | { readonly type: "graph"; readonly value: Graph }
    /** Lists of tensors or graphs, sparse tensors, types, references: kept, not understood. */
    | { readonly type: "other"; readonly value: AttributeProto }
  );

/** One operation. An empty input or output name means "left out". */
export interface Node extends From<NodeProto> {
  readonly op: string;
  /** "" is the standard domain. */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** The declared type of a named value. A shape may be absent, a length may be a name or unknown (`undefined`). */
export interface ValueInfo extends From<ValueInfoProto> {
  readonly name: string;
  /** `undefined`: not a tensor, or of an element type that Graft does not hold. */
  readonly dtype: DType | undefined;
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

export interface Graph extends From<GraphProto> {
  readonly name: string;
  /** As the file lists them: files before IR version 4 list their initializers here too. */
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly valueInfos: readonly ValueInfo[];
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
  /** Initializers that Graft does not hold, with what they are: "STRING", "sparse". */
  readonly unheld?: ReadonlyMap<string, string>;
}

/** An operator that a file defines with others (ONNX, "Functions"). */
export interface LocalFunction {
  readonly name: string;
  readonly domain: string;
  readonly overload: string;
  readonly opsets: ReadonlyMap<string, number>;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  /** Attributes that a call may leave out. */
  readonly defaults: Node["attributes"];
  /** Their attributes may refer to those of the call: `other`, with `refAttrName`. */
  readonly nodes: readonly Node[];
}

/** A whole ONNX file. */
export interface Model extends From<ModelProto> {
  readonly irVersion: number;
  /** Operator set version by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: Graph;
  /** Read only: they are written as they were read. */
  readonly functions?: readonly LocalFunction[];
}
