import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { input } from "../graph/value.ts";
import { prepare } from "../image/prepare.ts";
import { nodePlatform } from "../node/platform.ts";
import { writeModel } from "../onnx/write.ts";
import { openTeacher, withBorder } from "./teacher.ts";

describe("a teacher's border", () => {
  it("is what its preparation cuts off: the whole view is left, pixel by pixel", async () => {
    const preparation = { resizeTo: 32, cropTo: 28, interpolation: "bilinear" } as const;
    const view = Uint8Array.from({ length: 2 * 28 * 28 * 3 }, (_, i) => (i * 37) % 256);
    const pixels = Tensor.of("uint8", [2, 28, 28, 3], view);
    const image = input("image", "uint8", ["N", "H", "W", 3]);
    const prepared = prepare(image, preparation);
    const model = writeModel(emit({ name: "prepare", inputs: [image], outputs: { prepared } }));
    const program = await nodePlatform().engine.compile(model);
    const seen = await program.run({ image: withBorder(pixels, preparation) });
    await program.dispose();
    expect([...(seen["prepared"]?.bytes ?? [])]).toEqual([...view]);
  });

  it("is none where nothing is cut off", () => {
    const pixels = Tensor.of("uint8", [1, 2, 2, 3], new Uint8Array(12));
    expect(withBorder(pixels, { resizeTo: 8, cropTo: 8, interpolation: "bilinear" })).toBe(pixels);
  });
});

describe("a file as a teacher", () => {
  const image = input("image", "uint8", ["N", "H", "W", 3]);
  const openWith = (metadata: Readonly<Record<string, unknown>>) => {
    const entries = Object.entries(metadata).map(([key, value]) => [key, JSON.stringify(value)] as const);
    const path = join(mkdtempSync(join(tmpdir(), "graft-")), "model.onnx");
    writeFileSync(
      path,
      writeModel(emit({ name: "file", inputs: [image], outputs: { seen: image }, metadata: new Map(entries) })),
    );
    return openTeacher(path, ["ant", "bee"], nodePlatform());
  };

  it("must say what its outputs mean", async () => {
    await expect(openWith({})).rejects.toThrow("does not say which of its outputs is which class");
  });

  it("must answer one thing: a run of several targets is named as what it is", async () => {
    const preparation = { resizeTo: 16, cropTo: 16, interpolation: "bilinear" };
    const targets = [{ kind: "number", name: "weight" }];
    const opened = openWith({ "graft.targets": targets, "graft.preparation": preparation });
    await expect(opened).rejects.toThrow('answers "weight"; expected a classifier with labels of one kind');
  });
});
