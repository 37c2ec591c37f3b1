import { constantOf, type Value } from "../graph/value.ts";
import { softmax } from "./activations.ts";
import { adaptiveAveragePool } from "./adaptivePooling.ts";
import { add, mul } from "./arithmetic.ts";
import { groupNormalization } from "./layerNormalisation.ts";
import { reshape } from "./layout.ts";
import { matmul } from "./products.ts";
import { split } from "./rearranging.ts";
import { transpose } from "./transpose.ts";

type Attributes = Readonly<Record<string, unknown>>;

/** What PyTorch has as one function and we write with several operators. */
export const composites: Readonly<Record<string, (inputs: readonly Value[], attributes: Attributes) => Value>> = {
  GroupNormalization: ([x, scale, bias], { num_groups, epsilon }) =>
    groupNormalization(x, scale, bias, { groups: Number(num_groups), epsilon: Number(epsilon) }),
  AdaptiveAveragePool: ([x], { height, width }) => adaptiveAveragePool(x, Number(height), Number(width)),
  MultiHeadAttention: (inputs, { num_heads, causal }) => attention(inputs, Number(num_heads), causal === 1),
};

/** softmax(Q·Kᵀ/√d)·V for each head (Vaswani et al. 2017, equation 1), of x [N, L, E]; with `causal` no token sees later ones. */
function attention([x, wIn, bIn, wOut, bOut]: readonly Value[], heads: number, causal: boolean): Value {
  const [count, length, width] = x.staticShape;
  const each = width / heads;
  const projected = add(matmul(x, transpose(wIn)), bIn); // [N, L, 3E]
  const [q, k, v] = split.outputs(projected, undefined, { axis: 2, num_outputs: 3 });
  const perHead = (part: Value, perm: readonly number[]) =>
    transpose(reshape(part, [count, length, heads, each]), { perm });
  const scores = mul(matmul(perHead(q, [0, 2, 1, 3]), perHead(k, [0, 2, 3, 1])), each ** -0.5); // [N, H, L, L]
  const visible = causal ? add(scores, hideLater(length)) : scores;
  const mixed = matmul(softmax(visible), perHead(v, [0, 2, 1, 3])); // [N, H, L, E/H]
  const joined = reshape(transpose(mixed, { perm: [0, 2, 1, 3] }), [count, length, width]);
  return add(matmul(joined, transpose(wOut)), bOut);
}

function hideLater(length: number): Value {
  const mask = Array.from({ length: length ** 2 }, (_, i) => (i % length > Math.floor(i / length) ? -Infinity : 0));
  return constantOf("float32", [length, length], mask);
}
