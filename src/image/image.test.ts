import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { input } from "../graph/value.ts";
import { evaluate } from "../ops/operators.fixture.ts";
import { augment, drawFeeds } from "./augment.ts";
import { affineOf, augmentationSchema, type Draw, drawAugmentation, type Geometry } from "./augmentation.ts";
import { prepare } from "./prepare.ts";

/** The picture of `test/reference/augmentation.py`. */
function picture(height: number, width: number): Uint8Array {
  const levels: number[] = [];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++)
      for (let c = 0; c < 3; c++) levels.push((x * 37 + y * 59 + c * 83 + x * y * 5) % 256);
  }
  return Uint8Array.from(levels);
}

const still: Geometry = {
  theta: 0,
  shiftX: 0,
  shiftY: 0,
  shear: 0,
  zoomX: 1,
  zoomY: 1,
  cropX: 0,
  cropY: 0,
  mirror: false,
  upsideDown: false,
};
const warps = z
  .object({
    height: z.number(),
    width: z.number(),
    cval: z.number(),
    cases: z.array(
      z.object({
        fillMode: z.enum(["nearest", "reflect", "wrap", "constant"]),
        parameters: z.record(z.string(), z.number()),
        flip: z.boolean(),
        values: z.array(z.number()),
      }),
    ),
  })
  .parse(JSON.parse(readFileSync("test/reference/augmentation.json", "utf8")));

describe("augmentation", () => {
  const hidden = [0, 0, 0, 0] as const;
  const { height, width, cval, cases } = warps;
  it.each(cases.map((one) => [one.fillMode, JSON.stringify(one.parameters), one] as const))(
    "warps as Keras: %s %s",
    async (_, __, one) => {
      const { theta = 0, tx = 0, ty = 0, shear = 0, zx = 1, zy = 1 } = one.parameters;
      const radians = Math.PI / 180;
      const geometry = {
        ...still,
        theta: theta * radians,
        shear: shear * radians,
        shiftY: tx,
        shiftX: ty,
        zoomY: zx,
        zoomX: zy,
        mirror: one.flip,
      };
      const spec = augmentationSchema.parse({ fillMode: one.fillMode, cval });
      const draw = { affine: affineOf(geometry, height, width), brightness: 1, channelShift: 0, hidden };
      const values = await run(spec, [draw], height, width);
      // Coordinates are float32 in the graph and double in scipy: at slopes up to 255 levels a pixel that is about 1e-3 levels.
      const worst = Math.max(...one.values.map((value, i) => Math.abs(value - (values[i] ?? Number.NaN))));
      expect(worst).toBeLessThan(0.02);
    },
  );

  it("leaves an image as it is when nothing is asked for", async () => {
    const spec = augmentationSchema.parse({});
    const values = await run(spec, [drawAugmentation(spec, stream(0, "augment"), 5, 7)], 5, 7);
    expect(Array.from(values, Math.round)).toEqual(Array.from(picture(5, 7)));
  });

  it("multiplies brightness, shifts channels within the image's extremes, and rescales last", async () => {
    const bright = augmentationSchema.parse({ brightnessRange: [2, 2], rescale: 1 / 255 });
    const doubled = await run(
      bright,
      [{ affine: affineOf(still, 5, 7), brightness: 2, channelShift: 0, hidden }],
      5,
      7,
    );
    picture(5, 7).forEach((level, i) => {
      expect(doubled[i]).toBeCloseTo(Math.min(255, 2 * level) / 255, 4);
    });
    const shift = augmentationSchema.parse({ channelShiftRange: 50 });
    const shifted = await run(
      shift,
      [{ affine: affineOf(still, 5, 7), brightness: 1, channelShift: 40, hidden }],
      5,
      7,
    );
    const most = Math.max(...picture(5, 7));
    picture(5, 7).forEach((level, i) => {
      expect(shifted[i]).toBeCloseTo(Math.min(most, level + 40), 2);
    });
  });

  it("hides a rectangle behind the image's mean colour, and nothing else", async () => {
    const spec = augmentationSchema.parse({ randomErasing: 1 });
    const box = [2, 1, 6, 4] as const;
    const values = await run(
      spec,
      [{ affine: affineOf(still, 5, 7), brightness: 1, channelShift: 0, hidden: box }],
      5,
      7,
    );
    const plain = picture(5, 7);
    const means = [0, 1, 2].map((c) => plain.filter((_, i) => i % 3 === c).reduce((a, b) => a + b, 0) / 35);
    plain.forEach((level, i) => {
      const x = Math.floor(i / 3) % 7;
      const y = Math.floor(i / 21);
      const isHidden = x >= 2 && x < 6 && y >= 1 && y < 4;
      expect(values[i]).toBeCloseTo(isHidden ? (means[i % 3] ?? 0) : level, 2);
    });
  });

  it("draws rectangles of 2 to 33 % of the image for the share that is asked for, and none otherwise", () => {
    const drawn = (randomErasing: number) =>
      Array.from({ length: 400 }, (_, i) => {
        const spec = augmentationSchema.parse({ randomErasing });
        const [left, top, right, bottom] = drawAugmentation(spec, stream(9, "augment", 0, i), 40, 60).hidden;
        expect(Math.min(left, top)).toBeGreaterThanOrEqual(0);
        expect(right).toBeLessThanOrEqual(60);
        expect(bottom).toBeLessThanOrEqual(40);
        return ((right - left) * (bottom - top)) / 2400;
      });
    expect(drawn(0).every((area) => area === 0)).toBe(true);
    const areas = drawn(0.5).filter((area) => area > 0);
    // Half of 400, four standard deviations either way.
    expect(Math.abs(areas.length - 200)).toBeLessThan(40);
    // Sides are whole pixels.
    expect(Math.min(...areas)).toBeGreaterThan(0.015);
    expect(Math.max(...areas)).toBeLessThan(0.35);
    expect(Math.max(...areas) - Math.min(...areas)).toBeGreaterThan(0.25);
  });

  it("draws each image by (seed, epoch, sample) alone, within its ranges", () => {
    const spec = augmentationSchema.parse({
      rotationRange: 20,
      zoomRange: 0.2,
      randomCrop: 2,
      horizontalFlip: true,
      brightnessRange: [0.5, 1.5],
    });
    const draw = (sample: number, epoch = 3) => drawAugmentation(spec, stream(9, "augment", epoch, sample), 32, 32);
    expect(draw(5)).toEqual(draw(5));
    expect(draw(5)).not.toEqual(draw(6));
    expect(draw(5)).not.toEqual(draw(5, 4));
    const brightness = Array.from({ length: 200 }, (_, i) => draw(i).brightness);
    expect(Math.min(...brightness)).toBeGreaterThanOrEqual(0.5);
    expect(Math.max(...brightness)).toBeLessThan(1.5);
    const mirrored = Array.from({ length: 400 }, (_, i) => draw(i).affine[0] ?? 0).filter((a) => a < 0).length;
    // Half of 400, four standard deviations either way.
    expect(Math.abs(mirrored - 200)).toBeLessThan(40);
  });
});

const resizes = z
  .array(
    z.object({
      height: z.number(),
      width: z.number(),
      side: z.number(),
      interpolation: z.enum(["bilinear", "bicubic"]),
      values: z.array(z.number()),
    }),
  )
  .parse(JSON.parse(readFileSync("test/reference/resizing.json", "utf8")));

describe("preparation", () => {
  it.each(resizes.map((one) => [one.interpolation, one.height, one.width, one] as const))(
    "resizes as Pillow: %s from %s×%s",
    async (_, height, width, one) => {
      const image = input("image", "uint8", ["N", "H", "W", 3]);
      const pixels = prepare(image, { resizeTo: one.side, cropTo: one.side, interpolation: one.interpolation });
      const result = await evaluate(
        [image],
        { pixels },
        { image: Tensor.of("uint8", [1, height, width, 3], picture(height, width)) },
      );
      expect(result["pixels"]?.shape).toEqual([1, one.side, one.side, 3]);
      const worst = Math.max(...one.values.map((value, i) => Math.abs(value - Number(result["pixels"]?.data[i]))));
      // Both round to 8 bits after each axis: one level may fall the other way.
      expect(worst).toBeLessThanOrEqual(1);
    },
  );
});

async function run(
  spec: ReturnType<typeof augmentationSchema.parse>,
  draws: readonly Draw[],
  height: number,
  width: number,
): Promise<Float32Array> {
  const { inputs, output } = augment(spec, height, width);
  const feeds: Record<string, Tensor> = {
    image: Tensor.of("uint8", [1, height, width, 3], picture(height, width)),
    ...drawFeeds(draws),
  };
  const { augmented } = await evaluate(inputs, { augmented: output }, feeds);
  return augmented?.floats ?? new Float32Array();
}
