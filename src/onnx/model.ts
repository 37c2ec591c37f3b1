import type { DType } from "../base/dtypes.ts";
import type { Tensor } from "../base/tensor.ts";

/** One attribute of a node, with the type that the file format keeps. */
export type Attribute =
  | { readonly type: "int" | "float"; readonly value: number }
  | { readonly type: "ints" | "floats"; readonly value: readonly number[] }
  | { readonly type: "string"; readonly value: string }
  | { readonly type: "strings"; readonly value: readonly string[] }
  | { readonly type: "tensor"; readonly value: Tensor }
  | { readonly type: "graph"; readonly value: Graph };

/** One operation. An empty input or output name means "left out". */
export interface Node {
  readonly op: string;
  /** "" is the standard domain. */
  readonly domain: string;
  readonly name: string;
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

/** The declared type of a named value. A shape may be absent, a length may be a name or unknown (`undefined`). */
export interface ValueInfo {
  readonly name: string;
  readonly dtype: DType;
  readonly shape: readonly (number | string | undefined)[] | undefined;
}

export interface Graph {
  readonly name: string;
  readonly inputs: readonly ValueInfo[];
  readonly outputs: readonly ValueInfo[];
  readonly valueInfos: readonly ValueInfo[];
  readonly nodes: readonly Node[];
  readonly initializers: ReadonlyMap<string, Tensor>;
}

/** A whole ONNX file. */
export interface Model {
  readonly irVersion: number;
  /** Operator set version by domain. */
  readonly opsets: ReadonlyMap<string, number>;
  readonly producer: string;
  readonly metadata: ReadonlyMap<string, string>;
  readonly graph: Graph;
}
