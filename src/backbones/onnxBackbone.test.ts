import { describe, expect, it } from "vitest";
import { sizeOf, Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { nodesOf } from "../graph/traverse.ts";
import { constant, constantOf, input } from "../graph/value.ts";
import { writeModel } from "../onnx/write.ts";
import { relu } from "../ops/activations.ts";
import { conv } from "../ops/convolution.ts";
import { flatten, reshape, transpose } from "../ops/layout.ts";
import { globalAveragePool } from "../ops/pooling.ts";
import { matmul } from "../ops/products.ts";
import { tinyClassifier } from "./classifier.fixture.ts";
import { loadOnnxBackbone } from "./onnxBackbone.ts";

describe("an ONNX classifier as a backbone", () => {
  it("is cut before its last linear layer", () => {
    const backbone = loadOnnxBackbone(tinyClassifier(), "tiny.onnx", "unknown");
    expect(backbone.width).toBe(6);
    expect(nodesOf([backbone.features]).map(({ operator }) => operator.name)).not.toContain("Gemm");
    expect(backbone.preparation).toEqual({ resizeTo: 18, cropTo: 16, interpolation: "bilinear" });
    expect(backbone.warnings.join()).toMatch(/"tiny.onnx" does not say how its images were normalised/);
  });

  it("takes another image size where the network allows it", () => {
    const backbone = loadOnnxBackbone(tinyClassifier(), "tiny.onnx", "unknown", 24);
    expect(backbone.input.shape).toEqual(["N", 3, 24, 24]);
    expect(backbone.width).toBe(6);
  });

  it("pools the input of a 1×1 convolution that ends in scores", () => {
    const image = input("image", "float32", ["N", 3, 16, 16]);
    const zeros = (shape: readonly number[]) =>
      constantOf("float32", shape, new Array<number>(shape.reduce((a, b) => a * b, 1)).fill(0));
    const maps = relu(conv(image, zeros([5, 3, 3, 3]), zeros([5]), {}));
    const scores = relu(conv(maps, zeros([10, 5, 1, 1]), zeros([10]), {}));
    const file = writeModel(
      emit({ name: "squeeze", inputs: [image], outputs: { scores: flatten(globalAveragePool(scores)) } }),
    );
    expect(loadOnnxBackbone(file, "squeeze.onnx", "unknown").width).toBe(5);
  });

  it("written for one image, in an old operator set and with a transposed weight, takes many at any size", () => {
    const image = input("image", "float32", [1, 3, 16, 16]);
    const weights = (...shape: readonly number[]) => constant(Tensor.float32(shape, new Float32Array(sizeOf(shape))));
    const pooled = globalAveragePool(relu(conv(image, weights(6, 3, 3, 3))));
    const scores = matmul(reshape(pooled, [1, -1]), transpose(weights(10, 6)));
    const model = emit({ name: "old", inputs: [image], outputs: { scores } });
    const file = writeModel({ ...model, irVersion: 3, opsets: new Map([["", 9]]) });
    const backbone = loadOnnxBackbone(file, "old.onnx", "unknown", 24);
    expect(backbone.features.shape).toEqual(["N", 6]);
  });

  it("refuses a network without a vector, and one that takes no image", () => {
    const image = input("image", "float32", ["N", 3, 16, 16]);
    const maps = writeModel(emit({ name: "maps", inputs: [image], outputs: { maps: relu(image) } }));
    expect(() => loadOnnxBackbone(maps, "maps.onnx", "unknown")).toThrow(
      /"maps.onnx" gives no feature vector: no linear layer ends it \(outputs \[N, 3, 16, 16\]\)/,
    );
    const vector = input("vector", "float32", ["N", 3]);
    const other = writeModel(emit({ name: "vector", inputs: [vector], outputs: { y: relu(vector) } }));
    expect(() => loadOnnxBackbone(other, "vector.onnx", "unknown")).toThrow(
      /takes float32 \[N, 3\]; expected one image batch/,
    );
  });
});
