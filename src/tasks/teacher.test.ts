import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { input } from "../graph/value.ts";
import { prepare } from "../image/prepare.ts";
import { nodePlatform } from "../node/platform.ts";
import { writeModel } from "../onnx/write.ts";
import { withBorder } from "./teacher.ts";

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
