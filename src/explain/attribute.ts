import { eigenCam } from "./eigenCam.ts";
import { gradCam } from "./gradCam.ts";
import { gradCamPlusPlus } from "./gradCamPlusPlus.ts";
import type { HeatMap } from "./heatMap.ts";
import { integratedGradients } from "./integratedGradients.ts";
import type { Layer } from "./layers.ts";
import { occlusion } from "./occlusion.ts";
import type { Probe } from "./probe.ts";
import { smoothGrad } from "./smoothGrad.ts";

type LayerMethod = (image: Float32Array, classIndex: number, layer: Layer, probe: Probe) => Promise<HeatMap>;

/** Ways to explain that look at a layer's feature maps, and ways that look at the pixels alone. */
export const layerMethods = {
  gradcam: async (image, classIndex, layer, probe) => gradCam(await probe.differentiatedMaps(image, classIndex, layer)),
  "gradcam++": async (image, classIndex, layer, probe) =>
    gradCamPlusPlus(await probe.differentiatedMaps(image, classIndex, layer)),
  eigencam: async (image, _, layer, probe) => eigenCam(await probe.maps(image, layer)),
} as const satisfies Readonly<Record<string, LayerMethod>>;

type PixelMethod = (image: Float32Array, classIndex: number, probe: Probe) => Promise<HeatMap>;

export const pixelMethods = {
  "integrated-gradients": async (image, classIndex, probe) => {
    const levels = await integratedGradients(image, (images) => probe.gradients(images, classIndex));
    return overChannels(levels, probe.network.side, (r, g, b) => r + g + b);
  },
  // The sign of a gradient says brighter or darker, not for or against (Smilkov et al. 2017, §3.1).
  smoothgrad: async (image, classIndex, probe) => {
    const levels = await smoothGrad(image, (images) => probe.gradients(images, classIndex));
    return overChannels(levels, probe.network.side, (r, g, b) => Math.max(Math.abs(r), Math.abs(g), Math.abs(b)));
  },
  occlusion: (image, classIndex, probe) =>
    occlusion(image, probe.network.side, async (images) =>
      (await probe.answers(images)).map(({ scores }) => scores[classIndex] ?? 0),
    ),
} as const satisfies Readonly<Record<string, PixelMethod>>;

export type LayerMethodName = keyof typeof layerMethods;
export type PixelMethodName = keyof typeof pixelMethods;
export type MethodName = LayerMethodName | PixelMethodName;

export const methodNames = [
  "gradcam",
  "gradcam++",
  "eigencam",
  "integrated-gradients",
  "smoothgrad",
  "occlusion",
] as const satisfies readonly MethodName[];

/** A method, with the layer that it looks into where it needs one. */
export type Attribution =
  | { readonly method: LayerMethodName; readonly layer: Layer }
  | { readonly method: PixelMethodName };

export function needsLayer(method: MethodName): method is LayerMethodName {
  return method in layerMethods;
}

/** What in a prepared image [side, side, 3] makes the network say a class: a map of the layer's cells, or of the pixels. */
export async function attribute(
  image: Float32Array,
  classIndex: number,
  attribution: Attribution,
  probe: Probe,
): Promise<HeatMap> {
  if (!("layer" in attribution)) return pixelMethods[attribution.method](image, classIndex, probe);
  return layerMethods[attribution.method](image, classIndex, attribution.layer, probe);
}

function overChannels(levels: Float64Array, side: number, join: (r: number, g: number, b: number) => number): HeatMap {
  const values = Float64Array.from({ length: side * side }, (_, at) =>
    join(levels[3 * at] ?? 0, levels[3 * at + 1] ?? 0, levels[3 * at + 2] ?? 0),
  );
  return { width: side, height: side, values };
}
