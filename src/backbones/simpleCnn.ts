import { conv2d } from "../nn/convolutionLayers.ts";
import { dense, dropout, flatten } from "../nn/denseLayers.ts";
import type { Layer } from "../nn/layer.ts";
import { rescaling } from "../nn/normalisationLayers.ts";
import { globalAveragePooling2d, maxPooling2d } from "../nn/poolingLayers.ts";

/**
 * The small CNN of Keras' own examples, for training from scratch on images of `size` pixels, 0–255:
 * below 32 pixels that of `mnist_convnet`, else that of `cifar10_cnn`, deepened by blocks until the maps are 8 pixels or less.
 */
export function simpleCnn(size: number, classes: number): readonly Layer[] {
  const head = [dense(classes, { activation: "softmax" })];
  if (size < 32) {
    return [
      rescaling(1 / 255),
      conv2d(32, 3, { activation: "relu" }),
      maxPooling2d(2),
      conv2d(64, 3, { activation: "relu" }),
      maxPooling2d(2),
      flatten(),
      dense(64, { activation: "relu" }),
      dropout(0.5),
      ...head,
    ];
  }
  const blocks = Math.max(2, Math.floor(Math.log2(size / 8)));
  const layers = [rescaling(1 / 255)];
  for (let block = 0; block < blocks; block++) {
    const filters = Math.min(32 * 2 ** block, 256);
    layers.push(
      conv2d(filters, 3, { padding: "same", activation: "relu" }),
      conv2d(filters, 3, { activation: "relu" }),
      maxPooling2d(2),
      dropout(0.25),
    );
  }
  const pooled = size <= 64 ? flatten() : globalAveragePooling2d();
  return [...layers, pooled, dense(512, { activation: "relu" }), dropout(0.5), ...head];
}
