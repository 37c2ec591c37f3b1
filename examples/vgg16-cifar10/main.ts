import { GraftError } from "../../src/base/errors.ts";
import { dense, dropout } from "../../src/nn/denseLayers.ts";
import { sparseCategoricalCrossentropy } from "../../src/nn/losses.ts";
import { sequentialNetwork } from "../../src/nn/network.ts";
import { nodePlatform } from "../../src/node/platform.ts";
import { adam } from "../../src/optim/optimizers.ts";
import { constantSchedule } from "../../src/optim/schedules.ts";
import { loadBackbone } from "../../src/tasks/loadBackbone.ts";
import { Evaluator } from "../../src/train/evaluator.ts";
import { fit } from "../../src/train/fit.ts";
import { measures } from "../../src/train/measures.ts";
import { initialTensors, TrainingState } from "../../src/train/state.ts";
import { FeatureCache } from "../../src/transfer/featureCache.ts";
import { cifarImages } from "../cifarImages.ts";

const [path = "cifar10.tar.gz", wanted = "vgg16", sizeText = "32"] = process.argv.slice(2);
const size = Number(sizeText);
const seed = 0;
const epochs = 10;
const batchSize = 128;

const platform = nodePlatform();
const backbone = await loaded().catch((error: unknown) => {
  if (!(error instanceof GraftError)) throw error;
  console.error(`${error.message}\nWithout a network, name a backbone's ONNX file and a size instead.`);
  process.exit(1);
});
// Images of CIFAR-10 are whole as they are: nothing is cut off, and larger inputs are enlarged images.
const preparation = { ...backbone.preparation, resizeTo: size, cropTo: size };
const { images, training, testing } = await cifarImages(path, preparation, platform);

const startMs = performance.now();
const features = await FeatureCache.open({ ...backbone, preparation }, images, platform);
for await (const { done, total } of features.compute([...training, ...testing], undefined)) {
  if (done % 8000 < 16 || done === total) console.log(`features ${done}/${total}  ${seconds(startMs)} s`);
}
const featuresSeconds = seconds(startMs);

// At 32×32 VGG16's maps are single pixels, so that its features are the flattened maps.
const network = sequentialNetwork(
  [dense(1024, { activation: "relu" }), dropout(0.5), dense(10, { activation: "softmax" })],
  [features.width],
);
const loss = sparseCategoricalCrossentropy();
const state = new TrainingState(initialTensors(network.parameters, seed));
const run = fit(
  {
    recipe: { network, loss, optimizer: adam({ learningRate: 1e-3 }), trainable: network.parameters.trainable },
    train: features.data(training),
    validation: undefined,
    epochs,
    batchSize,
    seed,
    schedule: constantSchedule(),
    classWeights: undefined,
    measures: [measures.accuracy],
    callbacks: [],
  },
  state,
  { engine: platform.engine, nowMs: () => performance.now() },
);
const headMs = performance.now();
for await (const event of run) if (event.type === "epoch") console.log(JSON.stringify(event.log));

const evaluator = new Evaluator(network, platform.engine);
const measured = await evaluator.evaluate(features.data(testing), state, {
  loss,
  measures: [measures.accuracy],
  batchSize: 500,
});
await evaluator.dispose();
await features.dispose();
console.log(`features in ${featuresSeconds} s, ${epochs} epochs of the head in ${seconds(headMs)} s`);
console.log(`test accuracy ${(100 * (measured["accuracy"] ?? 0)).toFixed(2)} %`);

async function loaded() {
  const loading = loadBackbone({ backbone: wanted, weights: undefined, size }, platform, new AbortController().signal);
  let step = await loading.next();
  while (!step.done) {
    if (step.value.type === "warning" || step.value.type === "note") console.log(step.value.text);
    step = await loading.next();
  }
  if (step.value === undefined) throw new GraftError("usage", "name a backbone, such as vgg16");
  for (const text of step.value.warnings) console.log(text);
  return step.value;
}

function seconds(sinceMs: number): string {
  return ((performance.now() - sinceMs) / 1000).toFixed(0);
}
