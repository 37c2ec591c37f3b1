import { sizeOf } from "../base/tensor.ts";
import type { Value } from "../graph/value.ts";
import { columnsOf } from "./convolutionColumns.ts";
import { reshape } from "./layout.ts";
import { matmul } from "./products.ts";
import { transpose } from "./transpose.ts";
import type { Window } from "./window.ts";

/**
 * dL/dw of a convolution as one matrix product over all positions, `X[C·k, N·P] · dY[N·P, O]`: of the orientations tried
 * the fastest, and one plain transposition away from the filter. Groups are a batch of products.
 *
 * @param shape of w, [O, C/group, kh, kw]; a convolution along one axis has kw only
 */
export function weightGradient(dy: Value, x: Value, shape: readonly number[], window: Window, group: number): Value {
  const [outputs, perGroup, ...kernel] = shape;
  const [count, , ...lengths] = dy.staticShape;
  const taps = sizeOf(kernel);
  const positions = count * sizeOf(lengths);
  const columns = reshape(columnsOf(x, { lengths, window }), [group, perGroup * taps, positions]);
  const channelsLast = groupsFirst(dy, group);
  const product = matmul(columns, reshape(channelsLast, [group, positions, outputs / group])); // [G, C/G·k, O/G]
  return reshape(transpose(product, { perm: [0, 2, 1] }), shape);
}

/** [N, O, …] → [G, N, …, O/G]; one group or one channel a group takes a simpler transposition, which is faster. */
function groupsFirst(dy: Value, group: number): Value {
  const [count, outputs, ...lengths] = dy.staticShape;
  const axes = lengths.map((_, i) => i + 2);
  if (group === 1) return transpose(dy, { perm: [0, ...axes, 1] });
  if (group === outputs) return transpose(dy, { perm: [1, 0, ...axes] });
  const split = reshape(dy, [count, group, outputs / group, ...lengths]);
  return transpose(split, { perm: [1, 0, ...lengths.map((_, i) => i + 3), 2] });
}
