import { hash32, mix32 } from "../base/random.ts";
import { sizeOf } from "../base/tensor.ts";
import { constantOf, scalar, type Value } from "../graph/value.ts";
import { mul } from "./arithmetic.ts";
import { bitwiseXor, cast, greaterOrEqual, shiftRight } from "./comparison.ts";
import { reshape } from "./layout.ts";

/**
 * Sets a fraction `rate` of each sample's entries to 0 and scales the rest by 1/(1 − rate) (Srivastava et al. 2014, inverted form).
 * The mask is a pure function of (sample key, layer path, place): no generator state, the same on every device.
 *
 * @param x [N, …]
 * @param keys [N] uint32, one per sample: drawn from (seed, purpose, epoch, sample)
 */
export function dropout(x: Value, rate: number, keys: Value, path: string): Value {
  if (rate === 0) return x;
  const [count, ...rest] = x.staticShape;
  const size = sizeOf(rest);
  const salt = hash32(path);
  const places = Array.from({ length: size }, (_, i) => mix32((Math.imul(i + 1, 0x9e3779b9) ^ salt) >>> 0));
  const bits = mixed(bitwiseXor(reshape(keys, [count, 1]), constantOf("uint32", [1, size], places)));
  // 24 bits, as many as a float32 holds exactly.
  const uniform = cast(shiftRight(bits, scalar(8, "uint32"), { direction: "RIGHT" }), "float32");
  const kept = cast(greaterOrEqual(uniform, Math.round(rate * 2 ** 24)), x.dtype);
  return mul(x, reshape(mul(kept, 1 / (1 - rate)), [count, ...rest]));
}

/** `mix32` of `base/random.ts`, as graph. */
function mixed(x: Value): Value {
  const shifted = (value: Value, by: number) =>
    bitwiseXor(value, shiftRight(value, scalar(by, "uint32"), { direction: "RIGHT" }));
  const first = mul(shifted(x, 16), scalar(0x7feb352d, "uint32"));
  return shifted(mul(shifted(first, 15), scalar(0x846ca68b, "uint32")), 16);
}
