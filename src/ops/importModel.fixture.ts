import type { Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { createEngine } from "../node/engine.ts";
import type { Attribute, Graph, Model, Node, ValueInfo } from "../onnx/model.ts";
import { readModel } from "../onnx/read.ts";
import { writeModel } from "../onnx/write.ts";
import { importModel } from "./importModel.ts";

const engine = createEngine({ runtime: "native" });

/** Attributes from plain values: integers, floats marked by `f`, lists, strings, tensors, graphs. */
export const f = (value: number): Attribute => ({ type: "float", value });
export const i = (value: number): Attribute => ({ type: "int", value });
export const ints = (...value: readonly number[]): Attribute => ({ type: "ints", value });
export const floats = (...value: readonly number[]): Attribute => ({ type: "floats", value });
export const text = (value: string): Attribute => ({ type: "string", value });
export const tensor = (value: Tensor): Attribute => ({ type: "tensor", value });
export const graph = (value: Graph): Attribute => ({ type: "graph", value });

/** `node("Add", "a b", "c")`; a `-` is an operand left out. */
export function node(op: string, inputs: string, outputs: string, attributes: Node["attributes"] = {}): Node {
  const names = (list: string) => (list === "" ? [] : list.split(" ").map((name) => (name === "-" ? "" : name)));
  return { op, domain: "", name: "", inputs: names(inputs), outputs: names(outputs), attributes };
}

export interface Parts {
  readonly opset: number;
  readonly nodes: readonly Node[];
  readonly inputs?: Readonly<Record<string, ValueInfo["shape"]>>;
  readonly weights?: Readonly<Record<string, Tensor>>;
  readonly outputs?: readonly string[];
  /** What the file says of its outputs' shape: operators without a rule need it. */
  readonly declared?: ValueInfo["shape"];
}

/** A model of float32 inputs (by default x [2, 3, 4, 4]) whose output is the last node's, as bytes. */
export function file({
  opset,
  nodes,
  inputs = { x: [2, 3, 4, 4] },
  weights = {},
  outputs,
  declared,
}: Parts): Uint8Array {
  const names = outputs ?? [nodes.at(-1)?.outputs[0] ?? ""];
  const model: Model = {
    irVersion: 8,
    opsets: new Map([["", opset]]),
    producer: "test",
    metadata: new Map(),
    graph: {
      name: "test",
      inputs: Object.entries(inputs).map(([name, shape]) => ({ name, dtype: "float32", shape })),
      outputs: names.map((name) => ({ name, dtype: "float32", shape: declared })),
      valueInfos: [],
      nodes,
      initializers: new Map(Object.entries(weights)),
    },
  };
  return writeModel(model);
}

/** The bytes of the file once imported and written again in the newest form. */
export function rewritten(bytes: Uint8Array): Uint8Array {
  const { inputs, outputs } = importModel(readModel(bytes));
  return writeModel(emit({ name: "rewritten", inputs, outputs: Object.fromEntries(outputs) }));
}

export async function run(bytes: Uint8Array, feeds: Readonly<Record<string, Tensor>>): Promise<readonly Tensor[]> {
  const program = await engine.compile(bytes);
  try {
    return Object.values(await program.run(feeds));
  } finally {
    await program.dispose();
  }
}
