import { Tensor } from "../base/tensor.ts";
import { copyOf, rewrite } from "../graph/rewrite.ts";
import { constant, type Node, type Value } from "../graph/value.ts";
import { add, mul } from "./arithmetic.ts";

/**
 * The same sums and products with constants [1, C, 1, 1] written out as [1, C, 1, W]. Around 8-bit convolutions the runtime turns images to
 * [N, H, W, C], where a constant over channels alone is met three values at a time and one over a whole row in one go: 0.05 ms for
 * 0.6 ms at 224 × 224.
 */
export function stretchConstants(outputs: readonly Value[]): readonly Value[] {
  return rewrite(outputs, (node, inputs) => {
    if (node.operator !== add.operator && node.operator !== mul.operator) return copyOf(node, inputs);
    return copyOf(
      node,
      inputs.map((value) => value && stretched(value, node)),
    );
  });
}

function stretched(value: Value, { outputs }: Node): Value {
  const { source } = value;
  const width = outputs[0].type?.shape[3];
  if (source.kind !== "constant" || source.tensor.dtype !== "float32" || typeof width !== "number") return value;
  const { shape, floats } = source.tensor;
  const [, channels = 0] = shape;
  if (channels < 2 || shape.join() !== `1,${channels},1,1`) return value;
  const rows = Array.from({ length: channels * width }, (_, i) => floats[Math.floor(i / width)] ?? 0);
  return constant(Tensor.float32([1, channels, 1, width], rows));
}
