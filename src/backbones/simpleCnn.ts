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
  const hidden = dense(size < 32 ? 64 : 512, { activation: "relu" });
  return [...simpleConvolutions(size), hidden, dropout(0.5), dense(classes, { activation: "softmax" })];
}

/** What is in front of the hidden layer of such a CNN: from images of `size` pixels to one row of numbers each. */
export function simpleConvolutions(size: number): readonly Layer[] {
  if (size < 32) {
    return [
      rescaling(1 / 255),
      conv2d(32, 3, { activation: "relu" }),
      maxPooling2d(2),
      conv2d(64, 3, { activation: "relu" }),
      maxPooling2d(2),
      flatten(),
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
  return [...layers, size <= 64 ? flatten() : globalAveragePooling2d()];
}
