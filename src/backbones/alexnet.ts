import type { Value } from "../graph/value.ts";
import { dropInTraining } from "../nn/denseLayers.ts";
import type { Scope } from "../nn/scope.ts";
import { relu } from "../ops/activations.ts";
import { adaptiveAveragePool } from "../ops/adaptivePooling.ts";
import { flatten } from "../ops/layout.ts";
import { maxPool } from "../ops/pooling.ts";
import { type Architecture, architecturesOf } from "./architecture.ts";
import { convolution, linear } from "./blocks.ts";

/** The network of Krizhevsky 2014 ("One weird trick", one column, no response normalisation), with torchvision's parameter names. */
export const alexnetArchitectures: readonly Architecture[] = architecturesOf({ alexnet: {} }, () => ({
  smallestSide: 63,
  body: alexnet,
  top,
}));

/** Feature maps [N, 256, H', W'] of images x [N, 3, H, W]; 6×6 at 224. */
function alexnet(scope: Scope, x: Value): Value {
  const layer = (index: number, of: Value, filters: number, kernel: number, options = {}) =>
    relu(convolution(scope.at("features").at(String(index)), of, { filters, kernel, bias: true, ...options }));
  let y = pool(layer(0, x, 64, 11, { stride: 4, padding: 2 }));
  y = pool(layer(3, y, 192, 5));
  y = layer(6, y, 384, 3);
  y = layer(8, y, 256, 3);
  return pool(layer(10, y, 256, 3));
}

function pool(x: Value): Value {
  return maxPool(x, { kernel_shape: [3, 3], strides: [2, 2] });
}

/** Two hidden layers of 4096 units over 6×6 maps; maps of other sizes are averaged to these. */
function top(scope: Scope, maps: Value, classes: number): Value {
  const classifier = scope.at("classifier");
  const hidden = (index: number, x: Value) =>
    relu(linear(classifier.at(String(index + 1)), dropInTraining(classifier.at(String(index)), x, 0.5), 4096));
  const vector = flatten(adaptiveAveragePool(maps, 6, 6));
  return linear(classifier.at("6"), hidden(3, hidden(0, vector)), classes);
}
