import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GraftError } from "../base/errors.ts";
import { decodeWeights } from "./openWeights.ts";
import { reference } from "./reference.fixture.ts";
import { readLegacyTorch } from "./torchFile.ts";

const files = [
  ["zip.pth", 500],
  ["legacy.pth", 800],
  ["checkpoint.pth", 300],
  ["attack-legacy.pth", 300],
  ["whole.safetensors", 500],
  ["stored.npz", 300],
  ["deflated.npz", 300],
  ["keras-weights.h5", 300],
  ["dtypes.h5", 300],
  ["keras3.keras", 60],
] as const;

/** A few bytes changed, and perhaps the end cut off. Small and extreme values are likelier than others: they make lengths and offsets. */
function damagedCopies(whole: Uint8Array): fc.Arbitrary<Uint8Array> {
  const byte = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 0x7f, 0x80, 0xff));
  const changes = fc.array(fc.tuple(fc.nat(whole.length - 1), byte), { minLength: 1, maxLength: 6 });
  const length = fc.oneof({ weight: 3, arbitrary: fc.constant(whole.length) }, fc.nat(whole.length));
  return fc.tuple(changes, length).map(([list, end]) => {
    const copy = whole.slice(0, end);
    for (const [at, value] of list) if (at < end) copy[at] = value;
    return copy;
  });
}

async function readsOrSaysWhy(bytes: Uint8Array): Promise<void> {
  const outcome = await decodeWeights(bytes, "damaged").catch((error: unknown) => error);
  if (outcome instanceof Map) {
    for (const tensor of outcome.values()) expect(tensor.data.length).toBe(tensor.size);
  } else {
    expect(outcome).toBeInstanceOf(GraftError);
    expect(outcome).toMatchObject({ message: expect.stringContaining('"damaged') });
  }
}

describe("damage anywhere gives tensors or one clear error", () => {
  it.each(files)("in %s", async (name, numRuns) => {
    await fc.assert(fc.asyncProperty(damagedCopies(reference(name)), readsOrSaysWhy), { numRuns });
  });

  it("in an order of instructions that no pickler writes", () => {
    const instructions = fc.constantFrom(
      ...Buffer.from("(t)]}dsuaelN012.RbQcq\x01h\x01\x85\x86\x87\x93\x94\x81\x88K\x05", "latin1"),
    );
    const pickles = fc.array(instructions, { maxLength: 60 }).map((codes) => Uint8Array.of(0x80, 2, ...codes, 0x2e));
    fc.assert(
      fc.property(pickles, (bytes) => {
        expect(() => readLegacyTorch(bytes, "damaged")).toThrow(GraftError);
      }),
      { numRuns: 1000 },
    );
  });
});
