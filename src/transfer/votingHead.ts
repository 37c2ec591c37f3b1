import { Tensor } from "../base/tensor.ts";
import type { Layer } from "../nn/layer.ts";
import { moduleLayer } from "../nn/moduleLayer.ts";
import { softmax } from "../ops/activations.ts";
import { add, mul } from "../ops/arithmetic.ts";
import { reshape } from "../ops/layout.ts";
import { matmul } from "../ops/products.ts";
import { reduceSum } from "../ops/reductions.ts";
import type { LinearParameters } from "./linearProblem.ts";
import type { Weights } from "./strategy.ts";

const name = "head";

/**
 * The mean of several linear heads' probabilities, each with its share. Boosting lets heads vote with their answers; their probabilities rank the
 * classes that got no vote, too.
 */
export function votingHead(classes: number, heads: number): Layer {
  return moduleLayer(name, (scope, x) => {
    const width = Number(x.shape[1]);
    const kernel = scope.param("kernel", [width, heads * classes], { initializer: "zeros" });
    const bias = scope.param("bias", [heads * classes], { initializer: "zeros" });
    const shares = scope.param("shares", [heads, 1], { initializer: "ones" });
    const logits = reshape(add(matmul(x, kernel), bias), [-1, heads, classes]); // [N, heads, classes]
    return reduceSum(mul(softmax(logits, { axis: 2 }), shares), [1], { keepdims: 0 });
  });
}

/** The parameters of `votingHead` from heads that were solved. */
export function votingWeights(
  votes: readonly { readonly hypothesis: LinearParameters; readonly share: number }[],
): Weights {
  const [width = 0, classes = 0] = votes[0]?.hypothesis.kernel.shape ?? [];
  const columns = votes.length * classes;
  const kernel = new Float32Array(width * columns);
  const bias = new Float32Array(columns);
  for (const [at, { hypothesis }] of votes.entries()) {
    const own = hypothesis.kernel.floats;
    for (let row = 0; row < width; row++) {
      kernel.set(own.subarray(row * classes, (row + 1) * classes), row * columns + at * classes);
    }
    bias.set(hypothesis.bias.floats, at * classes);
  }
  return new Map([
    [`${name}/kernel`, Tensor.of("float32", [width, columns], kernel)],
    [`${name}/bias`, Tensor.of("float32", [columns], bias)],
    [
      `${name}/shares`,
      Tensor.float32(
        [votes.length, 1],
        votes.map(({ share }) => share),
      ),
    ],
  ]);
}
