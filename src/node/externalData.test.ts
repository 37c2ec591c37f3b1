import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, toBinary } from "@bufbuild/protobuf";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { siblingsOf } from "../backbones/backboneFile.ts";
import { ModelProtoSchema } from "../onnx/onnx_pb.ts";
import { readModel, readModelWithSiblings } from "../onnx/read.ts";
import { writeModel } from "../onnx/write.ts";
import { createStore } from "./store.ts";

let folder = "";
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "graft-external-"));
  await mkdir(join(folder, "model", "parts"), { recursive: true });
  await writeFile(join(folder, "outside.bin"), new Uint8Array(64));
  await writeFile(join(folder, "model", "parts", "weights.bin"), new Uint8Array(Float32Array.of(9, 1, 2, 3).buffer));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

type Place = Readonly<Record<string, string>>;

/** The bytes of a model whose weights, float32 `dims`, lie at these places. */
function modelAt(places: readonly Place[], dims: readonly bigint[] = [3n]): Uint8Array {
  const initializer = places.map((place, i) => ({
    name: `w${i}`,
    dataType: 1,
    dims: [...dims],
    dataLocation: 1,
    externalData: Object.entries(place).map(([key, value]) => ({ key, value })),
  }));
  const proto = create(ModelProtoSchema, { irVersion: 8n, opsetImport: [{ version: 17n }], graph: { initializer } });
  return toBinary(ModelProtoSchema, proto);
}

function read(bytes: Uint8Array) {
  return readModelWithSiblings(bytes, "big.onnx", siblingsOf(join(folder, "model", "big.onnx"), createStore()));
}

const inside = { location: "parts/weights.bin", offset: "4", length: "12" };

describe("a model with its weights in another file", () => {
  it("is read with it, and written as one file", async () => {
    const model = await read(modelAt([inside, inside]));
    const again = readModel(writeModel(model));
    for (const { graph } of [model, again]) {
      expect([...graph.initializers].map(([name, tensor]) => [name, tensor.numbers])).toEqual([
        ["w0", [1, 2, 3]],
        ["w1", [1, 2, 3]],
      ]);
    }
  });

  it("says that the other file is needed when only the model is given", () => {
    expect(() => readModel(modelAt([inside]), "big.onnx")).toThrow(
      /"big.onnx", initializer "w0": its data lie in another file.*Load the model by its path/,
    );
  });

  it("never reads outside its folder", async () => {
    await symlink(join(folder, "outside.bin"), join(folder, "model", "link.bin"));
    await symlink(folder, join(folder, "model", "up"));
    const absolute = join(folder, "outside.bin");
    for (const location of [
      "../outside.bin",
      "parts/../../outside.bin",
      "..\\outside.bin",
      absolute,
      "C:\\x",
      "",
      "a\0b",
    ]) {
      await expect(read(modelAt([{ location }]))).rejects.toThrow(/"w0": its data lie at .*expected a path inside/);
    }
    for (const location of ["link.bin", "up/outside.bin", "none.bin", "parts"]) {
      await expect(read(modelAt([{ location }]))).rejects.toThrow(
        /keeps weights in ".*", which does not lie in its folder/,
      );
    }
  });

  it("checks place and length before it reads", async () => {
    const wrong = async (place: Place, message: RegExp, dims?: readonly bigint[]) =>
      expect(read(modelAt([{ ...inside, ...place }], dims))).rejects.toThrow(message);
    await wrong({ length: "8" }, /names 8 bytes of "parts\/weights.bin", expected 12/);
    await wrong({ offset: "8" }, /wants bytes 8 to 20 of "parts\/weights.bin", which has 16. Is it whole\?/);
    await wrong({ offset: "-4" }, /the offset of its external data is "-4"/);
    await wrong({ offset: "1e3" }, /expected a number of bytes/);
    await wrong({ length: String(4 * 2 ** 40), offset: "0" }, /which has 16/, [BigInt(2 ** 40)]);
    await wrong({}, /impossible shape \[-3\]/, [-3n]);
    const overlapping = [inside, { ...inside, offset: "0" }];
    await expect(read(modelAt(overlapping))).rejects.toThrow(/its tensors overlap in "parts\/weights.bin"/);
  });
});
