import { stream } from "../base/random.ts";
import { emit } from "../graph/emit.ts";
import { constantOf, input } from "../graph/value.ts";
import { writeModel } from "../onnx/write.ts";
import { relu } from "../ops/activations.ts";
import { conv } from "../ops/convolution.ts";
import { flatten } from "../ops/layout.ts";
import { globalAveragePool } from "../ops/pooling.ts";
import { gemm } from "../ops/products.ts";

/** The ONNX file of a tiny classifier of 16×16 images: convolution, pooling to features, 3 logits. */
export function tinyClassifier(width = 6): Uint8Array {
  const random = stream(5, "tiny classifier");
  const weights = (shape: readonly number[]) =>
    constantOf(
      "float32",
      shape,
      Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => random.uniform(-1, 1)),
    );
  const image = input("image", "float32", ["N", 3, 16, 16]);
  const maps = relu(conv(image, weights([width, 3, 3, 3]), weights([width]), { pads: [1, 1, 1, 1] }));
  const logits = gemm(flatten(globalAveragePool(maps)), weights([width, 3]), weights([3]));
  return writeModel(emit({ name: "tiny", inputs: [image], outputs: { logits } }));
}
