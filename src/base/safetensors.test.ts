import { describe, expect, it } from "vitest";
import { GraftError } from "./errors.ts";
import { decodeSafetensors, encodeSafetensors } from "./safetensors.ts";
import { Tensor } from "./tensor.ts";

/** A file of this header, as text or as what JSON makes of it, over `size` bytes 0, 1, 2, … */
function file(header: string | object, size: number, claimed?: bigint): Uint8Array {
  const text = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + size);
  new DataView(bytes.buffer).setBigUint64(0, claimed ?? BigInt(text.length), true);
  bytes.set(text, 8);
  for (let i = 0; i < size; i++) bytes[8 + text.length + i] = i;
  return bytes;
}

const entry = (from: number, to: number, shape: readonly number[] = [to - from]) => ({
  dtype: "U8",
  shape,
  data_offsets: [from, to],
});

describe("a safetensors file", () => {
  it("gives back what was written, as views of its bytes", () => {
    const tensors = new Map([
      ["b", Tensor.float32([2], [1, 2])],
      ["a", Tensor.int64([3])],
    ]);
    const bytes = new Uint8Array(Buffer.concat(encodeSafetensors({ tensors, metadata: { format: "pt" } })));
    const read = decodeSafetensors(bytes, "x");
    expect(read.metadata).toEqual({ format: "pt" });
    expect([...read.tensors].map(([name, { numbers }]) => [name, numbers])).toEqual([
      ["b", [1, 2]],
      ["a", [3]],
    ]);
    expect(read.tensors.get("a")?.bytes.buffer).toBe(bytes.buffer);
  });

  it("may name its tensors in any order, also by numbers, and hold empty ones", () => {
    const { tensors } = decodeSafetensors(
      file({ b: entry(2, 4), empty: entry(2, 2, [0, 7]), "1": entry(0, 2) }, 4),
      "x",
    );
    expect(tensors.get("1")?.numbers).toEqual([0, 1]);
    expect(tensors.get("b")?.numbers).toEqual([2, 3]);
    expect(tensors.get("empty")?.shape).toEqual([0, 7]);
  });

  it("has bfloat16 widened to float32", () => {
    const bytes = file({ a: { dtype: "BF16", shape: [2], data_offsets: [0, 4] } }, 4);
    // 1.5 is 0x3fc0, −2 is 0xc000 in bfloat16.
    bytes.set([0xc0, 0x3f, 0x00, 0xc0], bytes.length - 4);
    expect(decodeSafetensors(bytes, "x").tensors.get("a")).toMatchObject({ dtype: "float32", numbers: [1.5, -2] });
  });

  it.each([
    ["is too short for a length", new Uint8Array(7), /7 bytes are too few/],
    ["claims a header of 2⁶³ bytes", file({}, 0, 2n ** 63n), /its header claims 9223372036854775808 bytes/],
    ["claims a header one byte too long", file({}, 0, 3n), /its header claims 3 bytes/],
    ["has a header that is no JSON", file("{", 0), /its header is not JSON/],
    ["has a header that is a list", file("[]", 0), /its header is not an object/],
    [
      "gives a tensor twice",
      file(`{"a":${JSON.stringify(entry(0, 2))},"a":${JSON.stringify(entry(0, 2))}}`, 2),
      /gives "a" twice/,
    ],
    [
      "gives it twice in two spellings",
      file(`{"a":${JSON.stringify(entry(0, 1))},"\\u0061":${JSON.stringify(entry(1, 2))}}`, 2),
      /gives "a" twice/,
    ],
    [
      "gives a shape twice",
      file('{"a":{"dtype":"U8","shape":[1],"shape":[2],"data_offsets":[0,2]}}', 2),
      /gives "shape" twice/,
    ],
    ["overlaps tensors", file({ a: entry(0, 3), b: entry(2, 4) }, 4), /offsets of "b" overlap/],
    ["gives two names the same bytes", file({ a: entry(0, 2), b: entry(0, 2) }, 2), /offsets of "b" overlap/],
    ["leaves a gap", file({ a: entry(0, 1), b: entry(2, 4) }, 4), /offsets of "b".*gap/],
    ["runs past the end", file({ a: entry(0, 9) }, 4), /run past the end/],
    ["has its offsets reversed", file({ a: { dtype: "U8", shape: [2], data_offsets: [2, 0] } }, 2), /"a" has -2 bytes/],
    ["leaves bytes over", file({ a: entry(0, 2) }, 4), /2 bytes belong to no tensor/],
    ["states another size than its shape", file({ a: entry(0, 4, [3]) }, 4), /"a" has 4 bytes for U8 \[3\]/],
    [
      "multiplies lengths beyond all numbers",
      file({ a: entry(0, 4, Array(50).fill(2 ** 30)) }, 4),
      /"a" has 4 bytes for U8/,
    ],
    ["has a negative length", file({ a: entry(0, 4, [-4]) }, 4), /"a" has no valid shape/],
    [
      "has a fraction of an offset",
      file({ a: { ...entry(0, 2), data_offsets: [0, 1.5] } }, 2),
      /"a" has no valid offsets/,
    ],
    ["has an unknown type", file({ a: { ...entry(0, 2), dtype: "F8_E4M3" } }, 2), /"a" has the unknown type "F8_E4M3"/],
    [
      "takes a type from the prototype",
      file({ a: { ...entry(0, 2), dtype: "toString" } }, 2),
      /unknown type "toString"/,
    ],
    ["has no entry for a tensor", file({ a: null }, 0), /"a" has the unknown type undefined/],
    ["has metadata that are none", file({ __metadata__: null }, 0), /its metadata are not an object/],
  ])("that %s is refused by its name", (_, bytes, message) => {
    const read = () => decodeSafetensors(bytes, "bad.safetensors");
    expect(read).toThrow(GraftError);
    expect(read).toThrow(message);
    expect(read).toThrow('"bad.safetensors"');
  });
});
