/**
 * Counter-based random numbers: Philox4x32-10 (Salmon, Moraes, Dror, Shaw: "Parallel Random Numbers: As Easy as 1, 2, 3", SC'11, §4.3).
 * A stream is a pure function of (seed, purpose, epoch, sample): no state outlives it, and the order of work does not matter.
 */
export interface Stream {
  /** 32 random bits, as an unsigned integer. */
  bits(): number;
  /** Uniform in [low, high). */
  uniform(low?: number, high?: number): number;
  /** Standard normal. */
  normal(): number;
  /** Uniform integer in [0, count). */
  below(count: number): number;
  /** A permutation of 0 … count-1. */
  permutation(count: number): Uint32Array;
}

/** The stream of `purpose` at (`epoch`, `sample`) under `seed`. */
export function stream(seed: number, purpose: string, epoch = 0, sample = 0): Stream {
  const key0 = seed >>> 0;
  const key1 = (hash32(purpose) ^ Math.floor(seed / 4294967296)) >>> 0;
  const block = new Uint32Array(4);
  let counter = 0;
  let used = 4;
  const bits = () => {
    if (used === 4) {
      philox4x32(block, counter++, epoch >>> 0, sample >>> 0, Math.floor(sample / 4294967296) >>> 0, key0, key1);
      used = 0;
    }
    return block[used++] as number;
  };
  // 53 bits, as the double's mantissa holds.
  const unit = () => ((bits() >>> 5) * 67108864 + (bits() >>> 6)) / 9007199254740992;
  const below = (count: number) => Math.floor(unit() * count);
  return {
    bits,
    uniform: (low = 0, high = 1) => low + (high - low) * unit(),
    // Box and Muller, 1958; 1 - u keeps the logarithm finite.
    normal: () => Math.sqrt(-2 * Math.log(1 - unit())) * Math.cos(2 * Math.PI * unit()),
    below,
    permutation: (count) => shuffle(count, below),
  };
}

/** FNV-1a over UTF-16 code units: names to 32 bits. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Ten rounds of Philox 4×32: fills `out` from a 128-bit counter and a 64-bit key. */
export function philox4x32(
  out: Uint32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  key0: number,
  key1: number,
): void {
  for (let round = 0; round < 10; round++) {
    const high0 = multiplyHigh(0xd2511f53, c0);
    const low0 = Math.imul(0xd2511f53, c0) >>> 0;
    const high1 = multiplyHigh(0xcd9e8d57, c2);
    const low1 = Math.imul(0xcd9e8d57, c2) >>> 0;
    c0 = (high1 ^ c1 ^ key0) >>> 0;
    c1 = low1;
    c2 = (high0 ^ c3 ^ key1) >>> 0;
    c3 = low0;
    key0 = (key0 + 0x9e3779b9) >>> 0;
    key1 = (key1 + 0xbb67ae85) >>> 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** The upper 32 bits of a 32×32-bit product, by 16-bit halves. */
function multiplyHigh(a: number, b: number): number {
  const aHigh = a >>> 16;
  const aLow = a & 0xffff;
  const bHigh = b >>> 16;
  const bLow = b & 0xffff;
  const middle = aHigh * bLow + ((aLow * bLow) >>> 16);
  const carry = aLow * bHigh + (middle % 65536);
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(carry / 65536)) >>> 0;
}

/** Fisher and Yates. */
function shuffle(count: number, below: (count: number) => number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = below(i + 1);
    const swapped = order[i] as number;
    order[i] = order[j] as number;
    order[j] = swapped;
  }
  return order;
}

/** A bijective mix of 32 bits with low bias (C. Wellons, "Prospecting for Hash Functions", 2018): cheap enough to run inside a graph. */
export function mix32(x: number): number {
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
