const digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/** Bytes as text of 64 letters (RFC 4648, section 4). */
export function base64(bytes: Uint8Array): string {
  const parts: string[] = [];
  for (let at = 0; at < bytes.length; at += 3) {
    const [first = 0, second = 0, third = 0] = bytes.subarray(at, at + 3);
    const group = (first << 16) | (second << 8) | third;
    const text = [18, 12, 6, 0].map((shift) => digits.charAt((group >> shift) & 63)).join("");
    const left = bytes.length - at;
    parts.push(left >= 3 ? text : text.slice(0, left + 1).padEnd(4, "="));
  }
  return parts.join("");
}
