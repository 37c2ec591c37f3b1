import { openSource } from "../../src/data/openSource.ts";
import { prepareImages } from "../../src/data/preparedImages.ts";
import { adam, backbone, dense, nodePlatform, sequential } from "../../src/index.ts";
import { loadPixels } from "../../src/transfer/pixelData.ts";
import { openWeights } from "../../src/weights/openWeights.ts";
import type { Attempt, Mistake } from "./recipes.ts";

const side = 96;
const name = "squeezenet1_1";

/** Raw pixels, and pixels from 0 to 1, in front of SqueezeNet, whose weights want ImageNet's mean and deviation. */
export async function pretrainedMistakes(weightsPath: string, photos: string): Promise<readonly Mistake[]> {
  const platform = nodePlatform();
  const tensors = await openWeights(weightsPath, platform.store);
  const weights = new Map([...tensors].map(([key, tensor]) => [key.replaceAll(".", "/"), tensor]));
  const pretrained = backbone(name, { includeTop: false, pooling: "avg", inputShape: [side, side, 3], weights });
  const { train, test } = await levelsOf(photos);
  const of = (prepare: (level: number, channel: number) => number): Attempt => {
    const prepared = ({ x, y, classes }: Levels) => ({
      x: Float32Array.from(x, (level, i) => prepare(level, i % 3)),
      y,
      classes,
    });
    const model = sequential([pretrained.layer, dense(train.classes, { activation: "softmax" })], {
      inputShape: [side, side, 3],
    });
    model.compile({
      optimizer: adam({ learningRate: 0.01 }),
      loss: "sparseCategoricalCrossentropy",
      metrics: ["accuracy"],
    });
    model.setWeights(pretrained.weights);
    model.setTrainable((path) => path.startsWith("dense"));
    return { model, train: prepared(train), test: prepared(test), options: { epochs: 8 } };
  };
  const mean = [0.485, 0.456, 0.406];
  const deviation = [0.229, 0.224, 0.225];
  const asWanted = () => of((level, channel) => (level / 255 - (mean[channel] ?? 0)) / (deviation[channel] ?? 1));
  return [
    { title: "Raw 0–255 into SqueezeNet", broken: () => of((level) => level), repaired: asWanted },
    {
      title: "Pixels from −1 to 1, MobileNet's, into SqueezeNet",
      broken: () => of((level) => level / 127.5 - 1),
      repaired: asWanted,
    },
    { title: "Divided by 255 twice", broken: () => of((level) => level / 255 / 255), repaired: asWanted },
  ];
}

interface Levels {
  readonly x: Uint8Array;
  readonly y: Int32Array;
  readonly classes: number;
}

async function levelsOf(photos: string): Promise<{ readonly train: Levels; readonly test: Levels }> {
  const platform = nodePlatform();
  const source = await openSource(photos, platform);
  const preparing = prepareImages(
    source,
    { resizeTo: side, cropTo: side, interpolation: "bilinear" },
    platform,
    undefined,
  );
  let step = await preparing.next();
  while (!step.done) step = await preparing.next();
  const images = step.value;
  const part = async (split: string): Promise<Levels> => {
    const indices = [...images.samples.keys()].filter((i) => images.samples[i]?.split === split);
    const { bytes } = await loadPixels(images, indices);
    return {
      x: bytes,
      y: Int32Array.from(indices, (i) => images.samples[i]?.label ?? 0),
      classes: source.labels.length,
    };
  };
  return { train: await part("train"), test: await part("validation") };
}
