import { create, toBinary } from "@bufbuild/protobuf";
import type { DType } from "../base/dtypes.ts";
import { dtypeCode } from "../onnx/dtypes.ts";
import { ModelProtoSchema } from "../onnx/onnx_pb.ts";

type Value = readonly [name: string, dtype: DType, shape: readonly (number | string)[]];

export interface TinyModel {
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  readonly nodes: readonly {
    readonly op: string;
    readonly inputs: readonly string[];
    readonly outputs: readonly string[];
    readonly name?: string;
  }[];
  /** Constant vectors of float32. */
  readonly constants?: Readonly<Record<string, readonly number[]>>;
}

/** The bytes of an ONNX file, opset 17. */
export function tinyModel({ inputs, outputs, nodes, constants = {} }: TinyModel): Uint8Array {
  const graph = {
    name: "tiny",
    input: inputs.map(valueInfo),
    output: outputs.map(valueInfo),
    node: nodes.map(({ op, inputs, outputs, name = "" }) => ({
      opType: op,
      name,
      input: [...inputs],
      output: [...outputs],
    })),
    initializer: Object.entries(constants).map(([name, values]) => ({
      name,
      dataType: dtypeCode("float32"),
      dims: [BigInt(values.length)],
      floatData: [...values],
    })),
  };
  const model = create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ domain: "", version: 17n }], graph });
  return toBinary(ModelProtoSchema, model);
}

/** y = x + x, N rows of 3. */
export const doubling = tinyModel({
  inputs: [["x", "float32", ["N", 3]]],
  outputs: [["y", "float32", ["N", 3]]],
  nodes: [{ op: "Add", inputs: ["x", "x"], outputs: ["y"] }],
});

/** A copy of a value of any type. */
export function identity(dtype: DType, shape: readonly (number | string)[]): Uint8Array {
  return tinyModel({
    inputs: [["x", dtype, shape]],
    outputs: [["y", dtype, shape]],
    nodes: [{ op: "Identity", inputs: ["x"], outputs: ["y"] }],
  });
}

function valueInfo([name, dtype, shape]: Value) {
  const dim = shape.map((length) => ({
    value:
      typeof length === "number"
        ? { case: "dimValue" as const, value: BigInt(length) }
        : { case: "dimParam" as const, value: length },
  }));
  return {
    name,
    type: { value: { case: "tensorType" as const, value: { elemType: dtypeCode(dtype), shape: { dim } } } },
  };
}
