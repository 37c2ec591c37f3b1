import { create, toBinary } from "@bufbuild/protobuf";
import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import type { Model } from "./model.ts";
import {
  AttributeProto_AttributeType as AttributeType,
  TensorProto_DataType as Code,
  ModelProtoSchema,
} from "./onnx_pb.ts";
import { readModel } from "./read.ts";
import { writeModel } from "./write.ts";

const encode = (text: string) => new TextEncoder().encode(text);
const entries = (key: string) => [{ key, value: "kept" }];

/** A file with something in every corner of the format. */
function everything(): Uint8Array {
  const tensor = { name: "t", dataType: Code.INT64, dims: [2n], int64Data: [1n, -(2n ** 63n)], docString: "a tensor" };
  const inner = {
    name: "inner",
    docString: "a branch",
    output: [{ name: "o" }],
    node: [{ opType: "Foo", output: ["o"] }],
  };
  const attributes = [
    { name: "i", type: AttributeType.INT, i: 2n ** 63n - 1n, docString: "the largest" },
    { name: "unset", type: AttributeType.INT },
    { name: "f", type: AttributeType.FLOAT, f: 0.1 },
    { name: "s", type: AttributeType.STRING, s: Uint8Array.of(255, 0, 254) },
    { name: "is", type: AttributeType.INTS, ints: [1n, 2n ** 62n + 1n] },
    { name: "fs", type: AttributeType.FLOATS, floats: [Number.NaN, 1] },
    { name: "ss", type: AttributeType.STRINGS, strings: [encode("a"), encode("")] },
    { name: "t", type: AttributeType.TENSOR, t: tensor },
    { name: "ts", type: AttributeType.TENSORS, tensors: [tensor] },
    { name: "g", type: AttributeType.GRAPH, g: inner },
    { name: "gs", type: AttributeType.GRAPHS, graphs: [inner, inner] },
    { name: "tp", type: AttributeType.TYPE_PROTO, tp: { denotation: "IMAGE" } },
    { name: "words", type: AttributeType.TENSOR, t: { dataType: Code.STRING, dims: [1n], stringData: [encode("w")] } },
    { name: "reference", type: AttributeType.INT, refAttrName: "outer" },
  ];
  const sequence = { elemType: { value: { case: "tensorType" as const, value: { elemType: 1 } } } };
  const imageDims = [
    { value: { case: "dimParam" as const, value: "N" }, denotation: "DATA_BATCH" },
    { value: { case: "dimValue" as const, value: 3n } },
    {},
    { value: { case: "dimValue" as const, value: -1n } },
  ];
  const proto = create(ModelProtoSchema, {
    irVersion: 10n,
    opsetImport: [
      { domain: "ai.onnx", version: 21n },
      { domain: "my.domain", version: 3n },
    ],
    producerName: "someone",
    producerVersion: "1.2",
    domain: "org.example",
    modelVersion: 7n,
    docString: "a model",
    metadataProps: [...entries("a"), ...entries("a"), ...entries("b")],
    functions: [
      {
        name: "F",
        domain: "my.domain",
        input: ["a"],
        output: ["b"],
        node: [{ opType: "Relu", input: ["a"], output: ["b"] }],
      },
    ],
    trainingInfo: [{ algorithm: { name: "step" } }],
    graph: {
      name: "g",
      docString: "a graph",
      metadataProps: entries("graph"),
      quantizationAnnotation: [{ tensorName: "w", quantParameterTensorNames: entries("SCALE_TENSOR") }],
      input: [
        {
          name: "x",
          docString: "an image",
          type: {
            denotation: "IMAGE",
            value: { case: "tensorType", value: { elemType: 1, shape: { dim: imageDims } } },
          },
        },
        { name: "w", type: { value: { case: "tensorType", value: { elemType: 1 } } } },
      ],
      output: [{ name: "y" }],
      valueInfo: [{ name: "list", type: { value: { case: "sequenceType", value: sequence } } }],
      node: [
        {
          opType: "Strange",
          domain: "my.domain",
          overload: "2",
          input: ["x", "", "w"],
          output: ["y"],
          docString: "a node",
          metadataProps: entries("node"),
          attribute: attributes,
        },
      ],
      initializer: [
        { name: "w", dataType: Code.FLOAT, dims: [2n], floatData: [1, 2], docString: "weights" },
        { name: "words", dataType: Code.STRING, dims: [1n], stringData: [encode("word")] },
        { name: "half", dataType: Code.FLOAT16, dims: [1n], int32Data: [0x3c00] },
        { name: "brain", dataType: Code.BFLOAT16, dims: [2n], rawData: Uint8Array.of(0x80, 0x3f, 0, 0xc0) },
        { name: "nibbles", dataType: Code.INT4, dims: [3n], rawData: Uint8Array.of(1, 2) },
        { name: "none", dataType: Code.FLOAT, dims: [0n] },
        { name: "truths", dataType: Code.BOOL, dims: [2n], int32Data: [1, 0] },
      ],
      sparseInitializer: [
        {
          dims: [4n],
          values: { name: "sparse", dataType: Code.FLOAT, dims: [1n], floatData: [3] },
          indices: { dataType: Code.INT64, dims: [1n], int64Data: [2n] },
        },
      ],
    },
  });
  // A field of a later version of the format.
  proto.$unknown = [{ no: 4000, wireType: 0, data: Uint8Array.of(42) }];
  return toBinary(ModelProtoSchema, proto);
}

describe("what Graft does not understand", () => {
  const bytes = everything();

  it("is written as it was read, byte for byte", () => {
    expect(writeModel(readModel(bytes))).toEqual(bytes);
  });

  it("survives changes beside it", () => {
    const model = readModel(bytes);
    const nodes = model.graph.nodes.map((node) => ({ ...node, name: "renamed" }));
    const changed: Model = { ...model, producer: "graft", graph: { ...model.graph, nodes } };
    const back = readModel(writeModel(changed));
    expect(back.producer).toBe("graft");
    expect(back.origin?.functions).toEqual(model.origin?.functions);
    expect(back.graph.nodes[0]).toMatchObject({ name: "renamed", origin: { docString: "a node", overload: "2" } });
    // The way back.
    const restored = { ...back, producer: "someone", graph: { ...back.graph, nodes: model.graph.nodes } };
    expect(writeModel(restored)).toEqual(bytes);
  });

  it("gives way to what replaces it", () => {
    const model = readModel(bytes);
    const initializers = new Map(model.graph.initializers).set("w", Tensor.float32([1], [5]));
    initializers.delete("half");
    const [node] = model.graph.nodes;
    const attributes = { ...node.attributes, i: { ...node.attributes["i"], type: "int", value: 4 } } as const;
    const inputs = model.graph.inputs.map((info) => ({ ...info, dtype: "uint8", shape: [1] }) as const);
    const graph = { ...model.graph, initializers, inputs, nodes: [{ ...node, attributes }] };
    const back = readModel(writeModel({ ...model, opsets: new Map([["", 22]]), metadata: new Map(), graph }));
    expect(back.graph.initializers.get("w")?.numbers).toEqual([5]);
    expect([...back.graph.initializers.keys()]).toEqual(["w", "brain", "none", "truths"]);
    expect(back.graph.unheld).toEqual(model.graph.unheld);
    expect(back.graph.nodes[0].attributes["i"]?.value).toBe(4);
    expect(back.graph.inputs[0]).toMatchObject({ dtype: "uint8", shape: [1] });
    expect([back.opsets, back.metadata.size]).toEqual([new Map([["", 22]]), 0]);
  });

  it("is widened from bfloat16 exactly", () => {
    expect(readModel(bytes).graph.initializers.get("brain")?.numbers).toEqual([1, -2]);
  });

  it("refuses weights that no single file holds", () => {
    // Never touched, so the system never gives the memory.
    const half = new Tensor("uint8", [2 ** 30], new Uint8Array(2 ** 30));
    const model = readModel(bytes);
    const initializers = new Map([
      ["a", half],
      ["b", half],
    ]);
    const huge = { ...model, graph: { ...model.graph, initializers } };
    expect(() => writeModel(huge)).toThrow(/holds 2147483648 bytes of weights; an ONNX file holds 2147483647 at most/);
  });
});
