import { mkdtempSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { beforeAll, describe, expect, it } from "vitest";
import { writePhotos } from "../../test/photos.fixture.ts";
import { backbone, frozen } from "../backbones/backbone.ts";
import { imagenetNormalisation } from "../backbones/cards.ts";
import { openSource } from "../data/openSource.ts";
import { type PreparedImages, prepareImages } from "../data/preparedImages.ts";
import { splitSamples } from "../data/split.ts";
import { augmentationSchema } from "../image/augmentation.ts";
import { nodePlatform } from "../node/platform.ts";
import { optimizers } from "../optim/optimizers.ts";
import { fit } from "../train/fit.ts";
import { TrainingState } from "../train/state.ts";
import { type FineTuneOptions, fineTune } from "./fineTune.ts";
import type { Weights } from "./strategy.ts";

const side = 32;
const folder = mkdtempSync(join(tmpdir(), "graft-fine-tune-"));
const platform = { ...nodePlatform(), cacheDir: join(folder, "cache") };
const preparation = { resizeTo: side, cropTo: side, interpolation: "bilinear" } as const;
let images: PreparedImages;

beforeAll(async () => {
  await writePhotos(join(folder, "photos"), { red: [190, 80, 80], blue: [80, 80, 190] }, 12, side);
  const preparing = prepareImages(await openSource(join(folder, "photos"), platform), preparation, platform, undefined);
  let step = await preparing.next();
  while (!step.done) step = await preparing.next();
  images = step.value;
});

/** The weights before and after some epochs of an untrained ResNet-18. */
async function tuned(
  options: FineTuneOptions = {},
  epochs = 1,
): Promise<{ readonly before: Weights; readonly after: Weights }> {
  const network = backbone("resnet18", { includeTop: false, inputShape: [side, side, 3], pooling: "avg" });
  const split = splitSamples(images.samples, ["blue", "red"], { validation: 0.25, seed: 0 });
  const plan = fineTune(
    {
      backbone: frozen(network, { preparation, normalisation: imagenetNormalisation }),
      images,
      split,
      classes: 2,
      classWeights: undefined,
      augmentation: augmentationSchema.parse({}),
      mixing: { mixup: 0, cutmix: 0 },
      optimizer: (rates) => optimizers.adam(rates),
      learningRate: 1e-3,
      seed: 0,
      platform,
      signal: new AbortController().signal,
    },
    options,
  );
  if (plan.learning === undefined || typeof plan.initial !== "function") throw new Error("fine-tuning learns by steps");
  const solving = plan.initial();
  if (!("next" in solving)) throw new Error("fine-tuning solves its head first, and tells of it");
  let step = await solving.next();
  while (!step.done) step = await solving.next();
  const state = new TrainingState(step.value);
  const run = fit(
    {
      ...plan.learning,
      train: plan.data(split.train, true),
      validation: undefined,
      epochs,
      batchSize: 6,
      seed: 0,
      classWeights: undefined,
      measures: [],
      callbacks: [],
    },
    state,
    { engine: platform.engine, nowMs: () => 0 },
  );
  for await (const _event of run);
  await plan.dispose();
  return { before: step.value, after: state.snapshot(plan.network.parameters.list) };
}

/** The paths of what changed, by whole bytes. */
function moved({ before, after }: Awaited<ReturnType<typeof tuned>>): readonly string[] {
  const hash = (weights: Weights, path: string) => platform.digest(weights.get(path)?.bytes ?? new Uint8Array());
  return [...after.keys()].filter((path) => hash(before, path) !== hash(after, path));
}

describe("fine-tuning", () => {
  it("moves every weight and no statistics of batch normalisation", async () => {
    const result = await tuned();
    const paths = moved(result);
    expect(paths.filter((path) => /running_(mean|var)/.test(path))).toEqual([]);
    const learned = [...result.after.keys()].filter((path) => !/running_(mean|var)/.test(path));
    expect(paths).toEqual(learned);
    expect(learned.length).toBeGreaterThan(60);
  });

  it("leaves the stages before the last ones as they are", async () => {
    const paths = moved(await tuned({ stages: 1 }));
    expect(paths).toContain("head/kernel");
    expect(paths.some((path) => path.includes("layer4"))).toBe(true);
    expect(paths.filter((path) => /conv1\.weight$|layer[123]/.test(path) && !path.includes("layer4"))).toEqual([]);
  });

  it("leaves every kernel of the backbone as it is when only biases and scales learn", async () => {
    const result = await tuned({ parameters: "biases" });
    const paths = moved(result).filter((path) => !path.startsWith("head/"));
    expect(paths.length).toBeGreaterThan(30);
    for (const path of paths) expect(result.after.get(path)?.shape, path).toHaveLength(1);
  });

  it("stays closer to where it began when the pretrained weights pull", async () => {
    const distance = ({ before, after }: Awaited<ReturnType<typeof tuned>>) => {
      let squares = 0;
      for (const [path, tensor] of after) {
        if (path.startsWith("head/")) continue;
        const start = before.get(path)?.floats ?? [];
        for (const [i, value] of tensor.floats.entries()) squares += (value - (start[i] ?? 0)) ** 2;
      }
      return Math.sqrt(squares);
    };
    const free = distance(await tuned({ stages: 1 }));
    expect(free).toBeGreaterThan(0);
    expect(distance(await tuned({ stages: 1, l2sp: 100 }))).toBeLessThan(0.9 * free);
  });

  it("lets stages begin one after another, from the last", async () => {
    const unfreezing = { epochs: 1, stepsAnEpoch: 3 };
    const stagesMoved = async (epochs: number) => {
      const paths = moved(await tuned({ unfreezing }, epochs));
      return [1, 2, 3, 4].filter((stage) => paths.some((path) => path.includes(`layer${stage}/`)));
    };
    expect(await stagesMoved(1)).toEqual([4]);
    expect(await stagesMoved(2)).toEqual([3, 4]);
  });

  it("begins with the head that is best on frozen features", async () => {
    const { before } = await tuned({ stages: 1 });
    expect(before.get("head/kernel")?.floats.some((value) => value !== 0)).toBe(true);
  });
});
