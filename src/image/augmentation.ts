import { z } from "zod";
import type { Stream } from "../base/random.ts";

const range = z.tuple([z.number(), z.number()]);

/** The parameters of Keras' `ImageDataGenerator`, with their meaning and defaults, and beyond them `randomCrop` and `randomErasing`. */
export const augmentationSchema = z.strictObject({
  rotationRange: z.number().min(0).max(180).default(0).describe("degrees either way"),
  widthShiftRange: z.number().min(0).default(0).describe("fraction of the width below 1, else pixels"),
  heightShiftRange: z.number().min(0).default(0).describe("fraction of the height below 1, else pixels"),
  shearRange: z.number().min(0).max(80).default(0).describe("shear angle in degrees either way"),
  zoomRange: z
    .union([z.number().min(0).lt(1), range.refine(([low, high]) => low > 0 && high >= low, "expected 0 < low ≤ high")])
    .default(0)
    .describe("z for [1−z, 1+z], or [low, high]; below 1 enlarges"),
  channelShiftRange: z.number().min(0).default(0).describe("levels of 255 added to all channels, either way"),
  brightnessRange: range
    .refine(([low, high]) => low >= 0 && high >= low, "expected 0 ≤ low ≤ high")
    .optional()
    .describe("[low, high] factors"),
  horizontalFlip: z.boolean().default(false).describe("mirror half of the images"),
  verticalFlip: z.boolean().default(false).describe("turn half of the images upside down"),
  randomCrop: z.number().int().min(0).default(0).describe("pad by so many pixels, cut back at random"),
  randomErasing: z
    .number()
    .min(0)
    .max(1)
    .default(0)
    .describe("share of the images in which a rectangle of 2 to 33 % is hidden behind the image's mean colour"),
  fillMode: z
    .enum(["nearest", "reflect", "wrap", "constant"])
    .default("nearest")
    .describe("what lies outside the image"),
  cval: z.number().default(0).describe('the level outside, for fillMode "constant"'),
  rescale: z.number().positive().optional().describe("factor applied last"),
});

export type Augmentation = z.output<typeof augmentationSchema>;

/** What one image gets: where each output pixel looks, and how levels change. */
export interface Draw {
  /** [a, b, c, d, e, f]: output pixel (x, y) shows input pixel (a·x + b·y + c, d·x + e·y + f). */
  readonly affine: readonly number[];
  readonly brightness: number;
  readonly channelShift: number;
  /** [left, top, right, bottom] in pixels of what is hidden; right and bottom lie outside. Empty without. */
  readonly hidden: readonly [number, number, number, number];
}

/** The geometry of one image, angles in radians, shifts in pixels. */
export interface Geometry {
  readonly theta: number;
  readonly shiftX: number;
  readonly shiftY: number;
  readonly shear: number;
  readonly zoomX: number;
  readonly zoomY: number;
  readonly cropX: number;
  readonly cropY: number;
  readonly mirror: boolean;
  readonly upsideDown: boolean;
}

/** Draws the parameters of one image: a function of the stream alone, whatever the other images are. */
export function drawAugmentation(spec: Augmentation, random: Stream, height: number, width: number): Draw {
  const within = (limit: number) => (limit === 0 ? 0 : random.uniform(-limit, limit));
  const crop = () => (spec.randomCrop === 0 ? 0 : random.below(2 * spec.randomCrop + 1) - spec.randomCrop);
  const radians = Math.PI / 180;
  const [low, high] = typeof spec.zoomRange === "number" ? [1 - spec.zoomRange, 1 + spec.zoomRange] : spec.zoomRange;
  const zoom = () => (low === 1 && high === 1 ? 1 : random.uniform(low, high));
  const geometry: Geometry = {
    theta: within(spec.rotationRange) * radians,
    shiftY: pixels(within(spec.heightShiftRange), spec.heightShiftRange, height),
    shiftX: pixels(within(spec.widthShiftRange), spec.widthShiftRange, width),
    shear: within(spec.shearRange) * radians,
    zoomY: zoom(),
    zoomX: zoom(),
    cropY: crop(),
    cropX: crop(),
    mirror: spec.horizontalFlip && random.uniform() < 0.5,
    upsideDown: spec.verticalFlip && random.uniform() < 0.5,
  };
  return {
    affine: affineOf(geometry, height, width),
    channelShift: within(spec.channelShiftRange),
    brightness: spec.brightnessRange === undefined ? 1 : random.uniform(...spec.brightnessRange),
    hidden: random.uniform() < spec.randomErasing ? drawHidden(random, height, width) : nothing,
  };
}

const nothing = [0, 0, 0, 0] as const;
/** Of Zhong et al. 2020, §4.1: share of the area, and height over width. */
const hiddenArea = [0.02, 0.33] as const;
const hiddenAspect = 0.3;

/** A rectangle of random area and aspect, tried anew until it fits (Zhong et al. 2020, algorithm 1); nothing after ten that did not. */
function drawHidden(random: Stream, height: number, width: number): Draw["hidden"] {
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = random.uniform(...hiddenArea) * height * width;
    const aspect = Math.exp(random.uniform(Math.log(hiddenAspect), -Math.log(hiddenAspect)));
    const tall = Math.round(Math.sqrt(area * aspect));
    const wide = Math.round(Math.sqrt(area / aspect));
    if (tall < 1 || wide < 1 || tall >= height || wide >= width) continue;
    const top = random.below(height - tall + 1);
    const left = random.below(width - wide + 1);
    return [left, top, left + wide, top + tall];
  }
  return nothing;
}

/** Keras' composition, crop · rotation · shift · shear · zoom about the centre and then the flips, in (x, y) order. */
export function affineOf(geometry: Geometry, height: number, width: number): readonly number[] {
  const { theta, shear } = geometry;
  const steps: readonly Affine[] = [
    translation(geometry.cropX, geometry.cropY),
    [Math.cos(theta), Math.sin(theta), 0, -Math.sin(theta), Math.cos(theta), 0],
    translation(geometry.shiftX, geometry.shiftY),
    [Math.cos(shear), 0, 0, -Math.sin(shear), 1, 0],
    [geometry.zoomX, 0, 0, 0, geometry.zoomY, 0],
    [geometry.mirror ? -1 : 1, 0, 0, 0, geometry.upsideDown ? -1 : 1, 0],
  ];
  const centreX = (width - 1) / 2;
  const centreY = (height - 1) / 2;
  let matrix = translation(centreX, centreY);
  for (const step of steps) matrix = compose(matrix, step);
  return compose(matrix, translation(-centreX, -centreY));
}

/** Whether the augmentation changes anything. */
export function isIdentity(spec: Augmentation): boolean {
  const { fillMode: _fillMode, cval: _cval, brightnessRange, rescale, zoomRange, ...rest } = spec;
  const zoomless = typeof zoomRange === "number" ? zoomRange === 0 : zoomRange[0] === 1 && zoomRange[1] === 1;
  return (
    zoomless && brightnessRange === undefined && rescale === undefined && Object.values(rest).every((value) => !value)
  );
}

type Affine = readonly number[];

function translation(x: number, y: number): Affine {
  return [1, 0, x, 0, 1, y];
}

/** First `b`, then `a`. */
function compose(a: Affine, b: Affine): Affine {
  return [
    a[0] * b[0] + a[1] * b[3],
    a[0] * b[1] + a[1] * b[4],
    a[0] * b[2] + a[1] * b[5] + a[2],
    a[3] * b[0] + a[4] * b[3],
    a[3] * b[1] + a[4] * b[4],
    a[3] * b[2] + a[4] * b[5] + a[5],
  ];
}

function pixels(drawn: number, limit: number, length: number): number {
  return limit < 1 ? drawn * length : drawn;
}
