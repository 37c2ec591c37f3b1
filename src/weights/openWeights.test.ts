import { existsSync, mkdirSync, mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { unzipSync, zipSync } from "fflate";
import { describe, expect, it } from "vitest";
import { encodeSafetensors } from "../base/safetensors.ts";
import { Tensor } from "../base/tensor.ts";
import { createStore } from "../node/store.ts";
import { decodeWeights, openWeights } from "./openWeights.ts";
import { described, known, reference, references } from "./reference.fixture.ts";
import { swapBytes } from "./strides.ts";

const store = createStore();
const folder = mkdtempSync(join(tmpdir(), "graft-weights-"));

describe("a weights file", () => {
  it.each([
    "zip.pth",
    "protocol4.pth",
    "legacy.pth",
    "whole.safetensors",
    "sharded",
    "sharded/model.safetensors.index.json",
    "stored.npz",
    "deflated.npz",
  ])("%s gives the tensors that PyTorch put in", async (name) => {
    const tensors = await openWeights(join(references, name), store);
    const found = Object.fromEntries([...tensors].map(([key, tensor]) => [key, described(tensor)]));
    expect(found).toEqual(known);
  });

  it("is known by its content, whatever its name", async () => {
    const path = join(folder, "weights.onnx");
    writeFileSync(path, reference("legacy.pth"));
    expect((await openWeights(path, store)).size).toBe(Object.keys(known).length);
  });

  it.each([
    ["nothing", new Uint8Array(0), /it is empty/],
    ["a Git LFS pointer", "version https://git-lfs.github.com/spec/v1\noid sha256:00", /Git LFS pointer/],
    ["a web page", "<!DOCTYPE html><html>404</html>", /web page, as a failed download leaves/],
    ["an ONNX model", Uint8Array.of(8, 7, 18, 7, 112, 121, 116, 111, 114, 99), /may be an ONNX model/],
    ["anything else", "GIF89a\0\0\0\0", /begins with the bytes 47 49 46 38 39 61 00 00.*Expected safetensors/],
    ["another archive", zipSync({ "a.txt": new Uint8Array(3) }), /zip archive of "a.txt"/],
    ["an archive that leads out", zipSync({ "../data.pkl": new Uint8Array(3) }), /"..\/data.pkl" leads out/],
    ["an index without its map", "{}", /no index of sharded safetensors: weight_map/],
    ["an index that leads out", '{"weight_map": {"a": "../a"}}', /name of a file beside the index/],
  ])("that is %s is refused by what it is", async (name, content, message) => {
    const path = join(folder, name);
    writeFileSync(path, content);
    await expect(openWeights(path, store)).rejects.toThrow(message);
    await expect(openWeights(path, store)).rejects.toThrow(path);
  });

  it("says which shard is missing, or lacks what the index promises", async () => {
    const index = (file: string) => JSON.stringify({ weight_map: { a: "1.safetensors", b: file } });
    const part = encodeSafetensors({ tensors: new Map([["a", Tensor.float32([1], [1])]]), metadata: {} });
    writeFileSync(join(folder, "1.safetensors"), Buffer.concat(part));
    writeFileSync(join(folder, "short.json"), index("2.safetensors"));
    await expect(openWeights(join(folder, "short.json"), store)).rejects.toThrow(/nothing found.*2\.safetensors/);
    writeFileSync(join(folder, "wrong.json"), index("1.safetensors"));
    await expect(openWeights(join(folder, "wrong.json"), store)).rejects.toThrow(/1\.safetensors" lacks "b"/);
  });

  it("is found in its folder where there is one, by its usual name or as the only one", async () => {
    const inside = (name: string) => join(folder, "models", name);
    mkdirSync(join(folder, "models"));
    await expect(openWeights(join(folder, "models"), store)).rejects.toThrow(/holds no weights file/);
    writeFileSync(inside("resnet.pth"), reference("zip.pth"));
    expect((await openWeights(join(folder, "models"), store)).size).toBe(Object.keys(known).length);
    writeFileSync(inside("other.pth"), reference("checkpoint.pth"));
    await expect(openWeights(join(folder, "models"), store)).rejects.toThrow(
      /several weights files \(other.pth, resnet.pth\)/,
    );
    writeFileSync(inside("model.safetensors"), reference("whole.safetensors"));
    expect((await openWeights(join(folder, "models"), store)).size).toBe(Object.keys(known).length);
  });
});

describe("a PyTorch file", () => {
  it("gives the state dict out of a training script's checkpoint", async () => {
    const tensors = await decodeWeights(reference("checkpoint.pth"), "checkpoint.pth");
    expect([...tensors.keys()]).toEqual([
      "0.weight",
      "0.bias",
      "1.weight",
      "1.bias",
      "1.running_mean",
      "1.running_var",
      "1.num_batches_tracked",
    ]);
    expect(tensors.get("0.weight")?.shape).toEqual([2, 3]);
  });

  it("shares the memory of tensors that share it", async () => {
    const tensors = await decodeWeights(reference("legacy.pth"), "legacy.pth");
    expect(tensors.get("tied")?.bytes.buffer).toBe(tensors.get("dense")?.bytes.buffer);
  });

  it("is read in the byte order that it states", async () => {
    const members = unzipSync(reference("zip.pth"));
    const [folderName = ""] = Object.keys(members)[0]?.split("/") ?? [];
    const widths = { double: 8, count: 8, half: 2, brain: 2, short: 2, signed: 1, unsigned: 1, flag: 1 };
    // Storages are numbered in the order of first use; "transposed", "part" and "tied" share one.
    const names = Object.keys(known).filter((name) => name !== "part" && name !== "tied");
    names.forEach((name, i) => {
      const width: number = Object.entries(widths).find(([key]) => key === name)?.[1] ?? 4;
      const key = `${folderName}/data/${i}`;
      members[key] = new Uint8Array(swapBytes(members[key] ?? new Uint8Array(), width));
    });
    members[`${folderName}/byteorder`] = new TextEncoder().encode("big");
    const tensors = await decodeWeights(zipSync(members), "big.pth");
    const found = Object.fromEntries([...tensors].map(([key, tensor]) => [key, described(tensor)]));
    expect(found).toEqual(known);
  });

  it.each([
    ["attack-system.pth", /wants to call "posix.system"/],
    ["attack-legacy.pth", /wants to call "posix.system"/],
    ["attack-eval.pth", /wants to call "builtins.eval"/],
    ["module.pth", /wants to call "torch.nn.modules.container.Sequential".*torch.save\(model.state_dict\(\)/],
  ])("that wants to run something, %s, is refused by its name", async (name, message) => {
    await expect(decodeWeights(reference(name), name)).rejects.toThrow(message);
    expect(existsSync("attacked")).toBe(false);
  });
});

describe("a Keras file", () => {
  const values: Readonly<Record<string, readonly number[]>> = JSON.parse(
    new TextDecoder().decode(reference("keras.json")),
  );
  const { kernel = [], gamma = [], odd = [] } = values;
  const numbers = (tensor: Tensor | undefined) => Array.from(tensor?.floats ?? []);

  it.each(["keras-weights.h5", "keras-model.h5"])("%s gives Keras' names and numbers", async (name) => {
    const tensors = await decodeWeights(reference(name), name);
    expect([...tensors.keys()].sort()).toEqual(["bn/gamma", "bn/moving_mean", "conv1/kernel"]);
    expect(tensors.get("conv1/kernel")?.shape).toEqual([3, 3, 2, 4]);
    expect(numbers(tensors.get("conv1/kernel"))).toEqual(kernel);
    expect(numbers(tensors.get("bn/gamma"))).toEqual(gamma);
    expect(numbers(tensors.get("bn/moving_mean"))).toEqual(gamma.map((value) => -value));
  });

  const keras3: Readonly<Record<string, { readonly shape: readonly number[]; readonly values: readonly number[] }>> =
    JSON.parse(new TextDecoder().decode(reference("keras3.json")));

  it.each(["keras3.keras", "keras3.weights.h5", "keras3-model.h5"])(
    "%s of Keras 3 gives its names and numbers",
    async (name) => {
      const tensors = await decodeWeights(reference(name), name);
      const found = [...tensors].map(([key, tensor]) => [key, { shape: tensor.shape, values: numbers(tensor) }]);
      expect(Object.fromEntries(found)).toEqual(keras3);
    },
  );

  it("of a model inside another gives the names of both", async () => {
    const tensors = await decodeWeights(reference("keras3-nested.keras"), "keras3-nested.keras");
    const inner = Object.keys(keras3).map((key) => `body/${key}`);
    expect([...tensors.keys()].sort()).toEqual([...inner, "head/bias", "head/kernel"].sort());
  });

  it("may be deflated, chunked, big-endian and of any numeric type", async () => {
    const tensors = await decodeWeights(reference("dtypes.h5"), "dtypes.h5");
    for (const name of ["squeezed", "deflated", "big_endian"]) expect(numbers(tensors.get(name))).toEqual(odd);
    expect(tensors.get("double")?.numbers).toEqual(odd);
    expect(tensors.get("count")?.data).toEqual(BigInt64Array.of(1n, 9007199254740994n));
    expect(tensors.get("flag")).toMatchObject({ dtype: "bool", shape: [2], numbers: [1, 0] });
    expect(tensors.get("scalar")).toMatchObject({ dtype: "float32", shape: [], numbers: [2.5] });
  });

  const published = join(import.meta.dirname, "../../../shared/data/backbones/mobilenetv1-0.25-keras.h5");
  it.skipIf(!existsSync(published))("MobileNetV1 0.25 as published has its 137 weights", async () => {
    const tensors = await openWeights(published, store);
    expect(tensors.size).toBe(137);
    expect(tensors.get("conv1/kernel")?.shape).toEqual([3, 3, 3, 8]);
    expect(tensors.get("conv_dw_1/depthwise_kernel")?.shape).toEqual([3, 3, 8, 1]);
    // Variances are positive, whatever the weights.
    expect(tensors.get("conv_pw_9_bn/moving_variance")?.floats.every((value) => value > 0)).toBe(true);
  });
});

describe("a damaged HDF5 file", () => {
  it("is explained in the library's words, once the report of another is forgotten", async () => {
    const whole = reference("dtypes.h5");
    const check = async (bytes: Uint8Array, message: RegExp) =>
      expect(decodeWeights(bytes, "damaged.h5")).rejects.toThrow(message);
    await check(whole.subarray(0, 3000), /"damaged.h5" is not a whole HDF5 file: truncated file/);
    const changed = whole.slice();
    changed[60] = 0xff;
    await check(changed, /checksum|version/);
    expect((await decodeWeights(whole, "whole.h5")).size).toBeGreaterThan(5);
  });
});
