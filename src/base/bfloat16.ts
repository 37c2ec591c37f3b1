/** bfloat16 numbers as float32, both little-endian: a bfloat16 is the upper half of a float32. */
export function widenBfloat16(raw: Uint8Array): Uint8Array {
  const widened = new Uint8Array(raw.length * 2);
  for (let i = 0; i + 1 < raw.length; i += 2) {
    widened[2 * i + 2] = raw[i] ?? 0;
    widened[2 * i + 3] = raw[i + 1] ?? 0;
  }
  return widened;
}
