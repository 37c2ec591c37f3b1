import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import {
  AttributeProto_AttributeType as AttributeType,
  FunctionProtoSchema,
  ModelProtoSchema,
  OperatorSetIdProtoSchema,
} from "../onnx/onnx_pb.ts";
import { readModel } from "../onnx/read.ts";
import { f, file, node, type Parts, rewritten, run } from "./importModel.fixture.ts";
import { importModel } from "./importModel.ts";
import { processorMs } from "./processorTime.fixture.ts";

type FunctionInit = MessageInitShape<typeof FunctionProtoSchema>;

/** A model file that brings functions of the domain "local". */
function withFunctions(parts: Parts, functions: readonly FunctionInit[]): Uint8Array {
  const proto = fromBinary(ModelProtoSchema, file(parts));
  proto.opsetImport.push(create(OperatorSetIdProtoSchema, { domain: "local", version: 1n }));
  proto.functions = functions.map((each) => create(FunctionProtoSchema, { domain: "local", ...each }));
  return toBinary(ModelProtoSchema, proto);
}

const call = (op: string, inputs: string, outputs: string, attributes = {}) => ({
  ...node(op, inputs, outputs, attributes),
  domain: "local",
});
const reference = (name: string, type: AttributeType) => ({ name, type, refAttrName: name });
const float = (name: string, value: number) => ({ name, type: AttributeType.FLOAT, f: value });

/** LeakyRelu(max(x, min)), in an older operator set than the model. */
const bent: FunctionInit = {
  name: "Bent",
  input: ["a", "high"],
  output: ["b"],
  attribute: ["alpha"],
  attributeProto: [float("min", -2)],
  opsetImport: [{ version: 10n }],
  node: [
    { opType: "Clip", input: ["a"], output: ["c"], attribute: [reference("min", AttributeType.FLOAT)] },
    { opType: "LeakyRelu", input: ["c"], output: ["b"], attribute: [reference("alpha", AttributeType.FLOAT)] },
  ],
};

describe("a function that a file defines", () => {
  it("is inlined, in its own operator set, with its attributes' values", async () => {
    const nodes = [call("Bent", "x -", "h", { alpha: f(0.5) }), call("Bent", "h", "y", { min: f(-0.25) })];
    const bytes = withFunctions({ opset: 17, nodes, inputs: { x: [4] } }, [bent]);
    const [y] = await run(rewritten(bytes), { x: Tensor.float32([4], [-8, -1, 0, 3]) });
    // min(−2)·½ = −1 → −¼·0.01
    expect(y?.numbers.map((value) => Math.round(value * 1e6) / 1e6)).toEqual([-0.0025, -0.0025, 0, 3]);
    expect(readModel(bytes).functions?.map(({ name }) => name)).toEqual(["Bent"]);
  });

  it("is refused when it calls itself, and when calls multiply without end", () => {
    const once: FunctionInit = {
      name: "Loop",
      input: ["a"],
      output: ["b"],
      node: [{ opType: "Loop", domain: "local", input: ["a"], output: ["b"] }],
    };
    const looping = withFunctions({ opset: 17, nodes: [call("Loop", "x", "y")] }, [once]);
    expect(() => importModel(readModel(looping))).toThrow(/functions call each other too often \(at "Loop"\)/);
    const doubling = Array.from({ length: 30 }, (_, at): FunctionInit => {
      const twice = (input: string, output: string) => ({
        opType: `F${at + 1}`,
        domain: at === 29 ? "other" : "local",
        input: [input],
        output: [output],
      });
      return { name: `F${at}`, input: ["a"], output: ["c"], node: [twice("a", "b"), twice("b", "c")] };
    });
    const start = processorMs();
    const bytes = withFunctions({ opset: 17, nodes: [call("F0", "x", "y")] }, doubling);
    expect(() => importModel(readModel(bytes))).toThrow(/functions call each other too often/);
    expect(processorMs() - start).toBeLessThan(1000);
  });
});
