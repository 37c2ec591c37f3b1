import { stream } from "../base/random.ts";
import { emit } from "../graph/emit.ts";
import { constantOf, input, type Value } from "../graph/value.ts";
import { writeModel } from "../onnx/write.ts";
import { relu } from "../ops/activations.ts";
import { add } from "../ops/arithmetic.ts";
import { conv } from "../ops/convolution.ts";
import { flatten, reshape, transpose } from "../ops/layout.ts";
import { batchNormalization } from "../ops/normalisation.ts";
import { globalAveragePool } from "../ops/pooling.ts";
import { gemm, matmul } from "../ops/products.ts";
import { reduceMean } from "../ops/reductions.ts";

/** The ONNX file of a tiny classifier of 16×16 images: convolution, pooling to features, 3 logits. */
export function tinyClassifier(width = 6, largest = 1): Uint8Array {
  const weights = drawnWeights("tiny classifier", largest);
  const image = input("image", "float32", ["N", 3, 16, 16]);
  const maps = relu(conv(image, weights([width, 3, 3, 3]), weights([width]), { pads: [1, 1, 1, 1] }));
  const logits = gemm(flatten(globalAveragePool(maps)), weights([width, 3]), weights([3]));
  return writeModel(emit({ name: "tiny", inputs: [image], outputs: { logits } }));
}

/** The same with batch normalisation, scale 2 and bias ¼, behind a filter as large as the image: its features are what that gives. */
export function normalisedClassifier({ isShared = false }: { readonly isShared?: boolean } = {}): Uint8Array {
  const width = 6;
  const weights = drawnWeights("normalised classifier", 0.5);
  const image = input("image", "float32", ["N", 3, 16, 16]);
  const each = (value: number) => constantOf("float32", [width], new Array<number>(width).fill(value));
  const filtered = conv(image, weights([width, 3, 16, 16]), weights([width]));
  const [mean, variance] = [each(0), each(1)];
  const first = batchNormalization(filtered, each(2), each(0.25), mean, variance);
  // As an exporter writes two layers whose statistics are the same numbers.
  const maps = isShared ? batchNormalization(first, each(3), each(0.5), mean, variance) : first;
  const logits = gemm(flatten(maps), weights([width, 3]), weights([3]));
  return writeModel(emit({ name: "normalised", inputs: [image], outputs: { logits } }));
}

/** The same in three stages, whose maps are 16, 8 and 4 pixels wide. */
export function stagedClassifier(): Uint8Array {
  const weights = drawnWeights("staged classifier", 0.5);
  const image = input("image", "float32", ["N", 3, 16, 16]);
  const pads = [1, 1, 1, 1];
  const first = relu(conv(image, weights([6, 3, 3, 3]), weights([6]), { pads }));
  const second = relu(conv(first, weights([8, 6, 3, 3]), weights([8]), { pads, strides: [2, 2] }));
  const third = relu(conv(second, weights([8, 8, 3, 3]), weights([8]), { pads, strides: [2, 2] }));
  const logits = gemm(flatten(globalAveragePool(third)), weights([8, 3]), weights([3]));
  return writeModel(emit({ name: "staged", inputs: [image], outputs: { logits } }));
}

/** A classifier of the same images that works on 16 tokens: patches, a residual pair of linear layers, their mean. */
export function tokenClassifier(): Uint8Array {
  const weights = drawnWeights("token classifier", 0.5);
  const image = input("image", "float32", ["N", 3, 16, 16]);
  const patches = conv(image, weights([16, 3, 4, 4]), weights([16]), { strides: [4, 4] });
  const tokens = transpose(reshape(patches, [-1, 16, 16]), { perm: [0, 2, 1] }); // [N, C, tokens] → [N, tokens, C]
  const mixed = matmul(relu(matmul(tokens, weights([16, 32]))), weights([32, 16]));
  const features = reduceMean(add(tokens, mixed), [1], { keepdims: 0 });
  const logits = gemm(features, weights([16, 3]), weights([3]));
  return writeModel(emit({ name: "tokens", inputs: [image], outputs: { logits } }));
}

function drawnWeights(purpose: string, limit: number): (shape: readonly number[]) => Value {
  const random = stream(5, purpose);
  return (shape) => {
    const length = shape.reduce((a, b) => a * b, 1);
    return constantOf(
      "float32",
      shape,
      Array.from({ length }, () => random.uniform(-limit, limit)),
    );
  };
}
