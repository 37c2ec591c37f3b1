import type { Value } from "../graph/value.ts";
import { reshape } from "./layout.ts";
import { slice } from "./slicing.ts";
import { transpose } from "./transpose.ts";

/** Filters are stated by the shape [O, C/group, kh, kw] in which the runtime expects them, whatever their order in memory. */

/**
 * w [O, C, kh, kw] in the order [O/b, C/b, kh, kw, c, o]: both channels in blocks.
 * A first layer, whose few channels are not blocked, and depthwise filters (C = 1) have the order [O/b, C, kh, kw, o].
 */
export function blockedFilter(w: Value, block: number): Value {
  const [outputs, channels, kh, kw] = w.staticShape;
  if (channels % block !== 0) {
    const split = reshape(w, [outputs / block, block, channels * kh * kw]);
    return reshape(transpose(split, { perm: [0, 2, 1] }), w.staticShape);
  }
  const split = reshape(w, [outputs / block, block, channels / block, block, kh * kw]);
  return reshape(transpose(split, { perm: [0, 2, 4, 3, 1] }), w.staticShape);
}

/** The filter of the input gradient, w's channels exchanged and its taps reversed, in blocked order: [C, O, kh, kw]. */
export function blockedAdjointFilter(w: Value, block: number): Value {
  const [outputs, channels, kh, kw] = w.staticShape;
  const taps = kh * kw;
  const channelsLast = reversed(transpose(reshape(w, [outputs, channels, taps]), { perm: [0, 2, 1] })); // [O, k, C]
  const split = reshape(channelsLast, [outputs / block, block, taps, channels / block, block]);
  return reshape(transpose(split, { perm: [3, 0, 2, 1, 4] }), [channels, outputs, kh, kw]);
}

/** The same for a depthwise filter [C, 1, kh, kw]. */
export function blockedDepthwiseAdjoint(w: Value, block: number): Value {
  const [channels, , kh, kw] = w.staticShape;
  const taps = reversed(transpose(reshape(w, [channels / block, block, kh * kw]), { perm: [0, 2, 1] }));
  return reshape(taps, [channels, 1, kh, kw]);
}

/** Axis 1 backwards: both spatial axes at once, since they are joined. */
function reversed(x: Value): Value {
  const [, length] = x.staticShape;
  return length === 1 ? x : slice(x, [length - 1], [-length - 1], [1], [-1]);
}
