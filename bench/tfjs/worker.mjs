// TensorFlow.js' side of the benchmark: its plain CPU back end, the only one on npm alone that trains a convolution.
// Reads one job a line from standard input, times one run of it, answers with milliseconds.
import { createInterface } from "node:readline";
import * as tf from "@tensorflow/tfjs";

await tf.setBackend("cpu");

/** A full training step of the Keras example's two convolutions on `count` images of 32×32. */
function kerasCnn(count) {
  const conv = (filters, more = {}) =>
    tf.layers.conv2d({ filters, kernelSize: 3, padding: "same", activation: "relu", ...more });
  const model = tf.sequential({
    layers: [
      conv(32, { inputShape: [32, 32, 3] }),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      conv(64),
      tf.layers.maxPooling2d({ poolSize: 2 }),
      tf.layers.globalAveragePooling2d({}),
      tf.layers.dense({ units: 10, activation: "softmax" }),
    ],
  });
  model.compile({ optimizer: tf.train.momentum(0.01, 0.9), loss: "sparseCategoricalCrossentropy" });
  const x = tf.randomUniform([count, 32, 32, 3], -1, 1);
  const y = tf.range(0, count, 1, "float32").mod(10);
  return () => model.trainOnBatch(x, y);
}

const jobs = new Map();
for await (const line of createInterface({ input: process.stdin })) {
  const [, , count] = JSON.parse(line);
  const job = jobs.get(line) ?? kerasCnn(Number(count));
  jobs.set(line, job);
  const start = performance.now();
  await job();
  console.log(JSON.stringify(performance.now() - start));
}
