import { zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { GraftError } from "../base/errors.ts";
import { readLegacyTorch, readTorchZip } from "./torchFile.ts";

/** The bytes of pickle instructions: numbers as they are, text as its characters. */
function pickle(...parts: readonly (number | string)[]): Uint8Array {
  const bytes = parts.flatMap((part) => (typeof part === "number" ? [part] : [...Buffer.from(part, "latin1")]));
  return Uint8Array.of(0x80, 2, ...bytes, 0x2e);
}

/** A short text as BINUNICODE. */
const text = (value: string) => `X${String.fromCharCode(value.length)}\0\0\0${value}`;
const tuple = (...items: readonly string[]) => `(${items.join("")}t`;
const integer = (value: number) => `J${String.fromCharCode(...new Uint8Array(Int32Array.of(value).buffer))}`;
const storage = (length: number, type = "FloatStorage", key = "0") =>
  `${tuple(text("storage"), `ctorch\n${type}\n`, text(key), text("cpu"), integer(length))}Q`;
const tensor = (of: string, offset: number, shape: readonly number[], strides: readonly number[]) =>
  `ctorch._utils\n_rebuild_tensor_v2\n${tuple(of, integer(offset), tuple(...shape.map(integer)), tuple(...strides.map(integer)), "\x89", "}")}R`;
const dictionary = (...items: readonly string[]) => `}(${items.join("")}u`;

/** A file of `torch.save` with one storage of `length` float32s 0, 1, 2, … */
function zipFile(main: Uint8Array, length = 6): Uint8Array {
  const data = new Uint8Array(Float32Array.from({ length }, (_, i) => i).buffer);
  return zipSync({ "archive/data.pkl": main, "archive/data/0": data }, { level: 0 });
}

const read = (...parts: readonly (number | string)[]) => readTorchZip(zipFile(pickle(...parts)), "x.pth");
const one = (value: string) => read(dictionary(text("a"), value));

describe("a tensor of a PyTorch file", () => {
  it("is the part of its storage that offset and strides say", () => {
    expect(one(tensor(storage(6), 1, [2, 2], [1, 2])).get("a")?.numbers).toEqual([1, 3, 2, 4]);
    expect(one(tensor(storage(6), 2, [2, 2], [2, 1])).get("a")?.numbers).toEqual([2, 3, 4, 5]);
    expect(one(tensor(storage(6), 5, [], [])).get("a")).toMatchObject({ shape: [], numbers: [5] });
    expect(one(tensor(storage(6), 0, [3, 1, 2], [2, 99, 1])).get("a")?.numbers).toEqual([0, 1, 2, 3, 4, 5]);
  });

  it.each([
    ["reaches past its storage", tensor(storage(6), 2, [5], [1]), /a tensor of \[5\] past the end of storage "0"/],
    ["reaches past it in strides", tensor(storage(6), 0, [2, 2], [4, 2]), /past the end/],
    ["repeats its numbers", tensor(storage(6), 0, [1000, 1000, 1000], [0, 0, 0]), /"a" repeats its numbers/],
    ["has a negative stride", tensor(storage(6), 5, [2], [-1]), /without a valid shape/],
    ["has fewer strides than axes", tensor(storage(6), 0, [2, 3], [1]), /without a valid shape/],
    ["has more axes than any", tensor(storage(6), 0, Array(65).fill(1), Array(65).fill(1)), /without a valid shape/],
    [
      "has a storage shorter than it says",
      tensor(storage(7), 0, [7], [1]),
      /storage "0" of "a" has 24 bytes, expected 28/,
    ],
    [
      "has a storage that is not there",
      tensor(storage(6, "FloatStorage", "9"), 0, [2], [1]),
      /storage "9" .* has 0 bytes/,
    ],
    [
      "has a storage outside the archive",
      tensor(storage(6, "FloatStorage", "../0"), 0, [2], [1]),
      /storage "..\/0" .* 0 bytes/,
    ],
    ["has no storage", tensor("N", 0, [2], [1]), /a tensor without a storage/],
    ["has a storage of no type", tensor(storage(6, "Size"), 0, [2], [1]), /that is no storage/],
  ])("that %s is refused", (_, value, message) => {
    expect(() => one(value)).toThrow(GraftError);
    expect(() => one(value)).toThrow(message);
  });

  it("cannot be copied out of a small file many times over", () => {
    const transposed = tensor(storage(6), 0, [2, 3], [1, 2]);
    const many = Array.from({ length: 400 }, (_, i) => text(`n${i}`) + transposed);
    expect(() => read(dictionary(...many))).not.toThrow();
    const large = pickle(
      dictionary(...many.map((item) => item.replace(transposed, tensor(storage(60_000), 0, [200, 300], [1, 200])))),
    );
    expect(() => readTorchZip(zipFile(large, 60_000), "x.pth")).toThrow(/many times larger than the file/);
  });
});

describe("a pickle", () => {
  it.each([
    ["os.system", "cos\nsystem\n"],
    ["builtins.getattr", "cbuiltins\ngetattr\n"],
    ["torch.hub.load", "ctorch.hub\nload\n"],
    ["collections.OrderedDict.fromkeys", "ccollections\nOrderedDict.fromkeys\n"],
    ["subprocess.Popen", `${text("subprocess")}${text("Popen")}\x93`],
    ["torch.FloatStorage.__init__", "ctorch\nFloatStorage.__init__\n"],
    ["torch.constructor", "ctorch\nconstructor\n"],
  ])("that wants %s is refused by its name", (name, code) => {
    expect(() => read(code)).toThrow(`wants to call "${name}"`);
    expect(() => readLegacyTorch(pickle(code), "x.pth")).toThrow(`wants to call "${name}"`);
  });

  it.each([
    ["loads a module by a number", "\x82\x01", /instruction 0x82/],
    ["calls by name and class", "(ios\nsystem\n", /instruction 0x69/],
    ["uses a persistent name as text", "Pmodule\n", /instruction 0x50/],
    ["calls what is data", "})R", /call of what is no function/],
    ["calls a function that stands in data", `${text("call")})R`, /call of what is no function/],
    ["is of a protocol that nobody writes", "\x80\x09", /pickle protocol 9/],
    ["names an object outside that is no storage", `${text("module")}Q`, /that is no storage/],
    ["has an integer of a kilobyte", `\x8a\xff${"\x01".repeat(255)}`, /an integer of 255 bytes/],
    ["claims four gigabytes of text", "X\xff\xff\xff\xff", /it ends early/],
    ["appends to a dictionary", "}Na", /append to what is no list/],
    ["has a key without its value", "}(Nu", /item of no dictionary/],
    ["recalls what it never kept", "h\x07", /memo 7 is empty/],
    ["is empty", "", /without its operand/],
    ["holds a number", "K\x05", /it holds no dictionary/],
    ["holds an empty dictionary", "}", /it holds nothing, expected tensors by name/],
    [
      "holds other things",
      dictionary(text("epoch"), "K\x05"),
      /it holds "epoch", expected tensors by name, or those below "state_dict"/,
    ],
  ])("that %s is refused", (_, code, message) => {
    expect(() => read(code)).toThrow(GraftError);
    expect(() => read(code)).toThrow(message);
  });

  it("may hold itself, or be deeper than the stack", () => {
    expect(() => read("}q\x01", text("model"), "h\x01s")).toThrow(/it holds "model", expected/);
    expect(() => read("}", "]".repeat(50_000), "\x85".repeat(50_000), "Ns")).toThrow(GraftError);
  });

  it("gives a state dict below the usual keys, one below another", () => {
    const inner = dictionary(text("a"), tensor(storage(6), 0, [2], [1]));
    for (const key of ["state_dict", "model", "model_state", "model_state_dict"]) {
      expect([...read(dictionary(text(key), inner)).keys()]).toEqual(["a"]);
      expect([...read(dictionary(text("model"), dictionary(text(key), inner))).keys()]).toEqual(["a"]);
    }
  });
});
