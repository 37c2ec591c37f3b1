import { stream } from "../base/random.ts";
import { emit } from "../graph/emit.ts";
import { constantOf, input } from "../graph/value.ts";
import { prepare } from "../image/prepare.ts";
import { writeModel } from "../onnx/write.ts";
import { softmax } from "../ops/activations.ts";
import { cast } from "../ops/comparison.ts";
import { flatten } from "../ops/layout.ts";
import { matmul } from "../ops/products.ts";

/** The file of a classifier of 8 × 8 pixels that is one linear layer, as `graft train` writes it. */
export function denseModel(labels: readonly string[]): Uint8Array {
  const side = 8;
  const preparation = { resizeTo: side, cropTo: side, interpolation: "bilinear" } as const;
  const image = input("image", "uint8", ["N", "H", "W", 3]);
  const random = stream(5, "dense model");
  const inputs = side * side * 3;
  const weights = Array.from({ length: inputs * labels.length }, () => random.uniform(-0.01, 0.01));
  const levels = flatten(cast(prepare(image, preparation), "float32"));
  const probabilities = softmax(matmul(levels, constantOf("float32", [inputs, labels.length], weights)));
  const metadata = new Map([
    ["graft.format", "1"],
    ["graft.labels", JSON.stringify(labels)],
    ["graft.preparation", JSON.stringify(preparation)],
  ]);
  return writeModel(emit({ name: "dense", inputs: [image], outputs: { probabilities }, metadata }));
}
