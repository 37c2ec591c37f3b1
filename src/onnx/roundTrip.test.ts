import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import type { Model } from "./model.ts";
import { readModel } from "./read.ts";
import { writeModel } from "./write.ts";

const model: Model = {
  irVersion: 9,
  opsets: new Map([["", 20]]),
  producer: "test",
  metadata: new Map([["key", "value"]]),
  graph: {
    name: "tiny",
    inputs: [{ name: "x", dtype: "float32", shape: ["N", 3, undefined] }],
    outputs: [{ name: "y", dtype: "float32", shape: undefined }],
    valueInfos: [],
    nodes: [
      {
        op: "Foo",
        domain: "my.domain",
        name: "n",
        inputs: ["x", "", "w"],
        outputs: ["y"],
        attributes: {
          i: { type: "int", value: -3 },
          f: { type: "float", value: 0.5 },
          is: { type: "ints", value: [1, 2] },
          fs: { type: "floats", value: [1.5] },
          s: { type: "string", value: "é" },
          ss: { type: "strings", value: ["a", "b"] },
          t: { type: "tensor", value: Tensor.int64([4, -5]) },
        },
      },
    ],
    initializers: new Map([["w", Tensor.float32([2, 1], [1, -2])]]),
  },
};

describe("an ONNX file", () => {
  it("comes back as it was written", () => {
    const bytes = writeModel(model);
    const back = readModel(bytes);
    expect(back.graph.inputs).toMatchObject(model.graph.inputs);
    const [{ attributes, ...node }] = model.graph.nodes;
    expect(back.graph.nodes).toMatchObject([node]);
    for (const [name, { value }] of Object.entries(attributes)) {
      const read = back.graph.nodes[0].attributes[name]?.value;
      expect(read instanceof Tensor ? read.numbers : read).toEqual(value instanceof Tensor ? value.numbers : value);
    }
    expect(back.metadata).toEqual(model.metadata);
    expect(writeModel(back)).toEqual(bytes);
  });

  it("keeps its weights as views of the file", () => {
    const bytes = writeModel(model);
    expect(readModel(bytes).graph.initializers.get("w")?.bytes.buffer).toBe(bytes.buffer);
  });

  it("fails with a clear error when it is cut or changed anywhere", () => {
    const bytes = writeModel(model);
    fc.assert(
      fc.property(fc.nat(bytes.length - 1), fc.nat(255), fc.boolean(), (at, byte, cut) => {
        const broken = cut ? bytes.slice(0, at) : bytes.slice();
        if (!cut) broken[at] = byte;
        try {
          readModel(broken, "broken.onnx");
        } catch (error) {
          expect(error).toBeInstanceOf(GraftError);
        }
      }),
      { numRuns: 500 },
    );
  });
});
