import { encodeModelFile } from "../artefact/modelFile.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import { didYouMean, GraftError } from "../base/errors.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import { type Split, splitSamples } from "../data/split.ts";
import { isIdentity } from "../image/augmentation.ts";
import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import type { Network } from "../nn/network.ts";
import { optimizers } from "../optim/optimizers.ts";
import { constantSchedule } from "../optim/schedules.ts";
import type { Platform } from "../platform/platform.ts";
import { earlyStopping } from "../train/callbacks.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../train/checkpoint.ts";
import type { TrainingData } from "../train/data.ts";
import { type FitPlan, fit } from "../train/fit.ts";
import { freshProgress } from "../train/progress.ts";
import { initialTensors, TrainingState } from "../train/state.ts";
import { drawsPerImage, FeatureCache } from "../transfer/featureCache.ts";
import { Augmenter, augmented, pixelData } from "../transfer/pixelData.ts";
import { parseAugmentation } from "./augmentOption.ts";
import { openData, prepareData } from "./dataset.ts";
import { loadBackbone } from "./loadBackbone.ts";
import { reportOn } from "./reportOn.ts";
import { RunFolder } from "./runFolder.ts";
import { defineTask, parseInput, type Task, type TaskEvent } from "./task.ts";
import { type TrainInput, trainSchema } from "./trainInput.ts";
import { balancingWeights, scratchPreparation, trainedNetwork } from "./trainPlan.ts";

/** Epochs without a better validation loss before training ends. */
const patience = 5;
const checkpointMs = 500;

/** `graft train`: a folder of photos becomes a run folder with a model in it. */
export const train: Task = defineTask({
  name: "train",
  summary: "Train a classifier on a folder of photos",
  input: trainSchema,
  positionals: ["data"],
  async *run(asked, platform, signal, given) {
    const input = asked.resume === undefined ? asked : await resumedInput(asked.resume, given, platform);
    const { data } = input;
    if (data === undefined) throw new GraftError("usage", "train: give the data set, such as: graft train photos/");
    const augmentation = parseAugmentation(input.augment);
    const backbone = yield* loadBackbone(input, platform, signal);
    for (const text of backbone?.warnings ?? []) yield { type: "warning", text };
    const source = yield* openData(data, platform, input.group);
    const preparation = backbone?.preparation ?? (await scratchPreparation(source, input.size, platform));
    const images = yield* prepareData(source, preparation, platform, { strict: input.strict, signal });
    const split = splitSamples(images.samples, source.labels, input);
    for (const text of split.account) yield { type: "note", text };
    const isAugmented = !isIdentity(augmentation);
    if (isAugmented && backbone !== undefined) {
      yield {
        type: "note",
        text: `augmentation: ${drawsPerImage} variants of each image, their features computed in the first ${drawsPerImage} epochs and kept`,
      };
    }
    const augmenter = isAugmented ? new Augmenter(augmentation, input.seed, preparation.cropTo, platform) : undefined;
    const network = trainedNetwork(backbone, preparation.cropTo, source.labels.length);
    const features = backbone && (await FeatureCache.open(backbone, images, platform));
    try {
      if (features !== undefined) {
        const asTheyAre = [...(isAugmented ? [] : split.train), ...split.validation, ...split.test];
        for await (const progress of features.compute(asTheyAre, signal))
          yield { type: "progress", phase: "features", ...progress };
      }
      const load = (indices: readonly number[], isTraining: boolean): TrainingData => {
        if (features !== undefined) {
          return isAugmented && isTraining
            ? features.augmented(indices, augmentation, input.seed)
            : features.data(indices);
        }
        return augmenter !== undefined && isTraining
          ? augmented(images, indices, augmenter)
          : pixelData(images, indices);
      };
      yield* trainAndSave({ input, platform, signal, images, split, labels: source.labels, backbone, network, load });
    } finally {
      await features?.dispose();
      await augmenter?.dispose();
    }
  },
});

interface Job {
  readonly input: TrainInput;
  readonly platform: Platform;
  readonly signal: AbortSignal;
  readonly images: PreparedImages;
  readonly split: Split;
  readonly labels: readonly string[];
  readonly backbone: Backbone | undefined;
  readonly network: Network;
  readonly load: (indices: readonly number[], isTraining: boolean) => TrainingData;
}

async function* trainAndSave(job: Job): AsyncGenerator<TaskEvent> {
  const { input, platform, signal, network, split, labels } = job;
  const classWeights = balancingWeights(
    split.train.map((i) => job.images.samples[i]?.label ?? 0),
    labels.length,
  );
  if (classWeights !== undefined)
    yield {
      type: "note",
      text: `classes are imbalanced, so each counts the same: weights ${shown(classWeights, labels)}`,
    };
  const plan: FitPlan = {
    recipe: {
      network,
      loss: sparseCategoricalCrossentropy(),
      optimizer: optimizers[input.optimizer]({ learningRate: input.learningRate }),
      trainable: network.parameters.trainable,
    },
    train: job.load(split.train, true),
    validation: job.load(split.validation, false),
    epochs: input.epochs,
    batchSize: input.batchSize,
    seed: input.seed,
    schedule: constantSchedule(),
    classWeights,
    measures: ["accuracy"],
    callbacks: [earlyStopping({ patience })],
  };
  const folder = yield* openRun(job, classWeights);
  const { state, progress } = await startingPoint(plan, folder, platform);
  if (input.resume !== undefined) {
    yield { type: "note", text: `resuming in epoch ${progress.epoch + 1}, after ${progress.batch} of its steps` };
  }
  const events = fit(
    plan,
    state,
    {
      engine: platform.engine,
      store: platform.store,
      nowMs: () => platform.nowMs(),
      signal,
      checkpointMs,
      async saveCheckpoint(current, now, callbacks) {
        await platform.store.write(folder.checkpoint, encodeCheckpoint(current, now, callbacks));
        await folder.writeHistory(current.history);
      },
    },
    progress,
  );
  for await (const event of events) {
    yield event;
    if (event.type === "interrupted") {
      yield { type: "note", text: `saved. Continue with: graft train --resume ${folder.path}` };
      return;
    }
  }
  yield* saveResults(job, folder, state);
}

/** Saves model, labels and figures. */
async function* saveResults(job: Job, folder: RunFolder, state: TrainingState): AsyncGenerator<TaskEvent> {
  const { platform, network, labels, split } = job;
  const weights = state.snapshot(network.parameters.list);
  const preparation = job.backbone?.preparation ?? {
    resizeTo: job.images.side,
    cropTo: job.images.side,
    interpolation: "bilinear" as const,
  };
  const bytes = encodeModelFile({
    // Not the folder's: runs of one seed must not differ by where they lie.
    name: "classifier",
    labels,
    preparation,
    backbone: job.backbone,
    network,
    weights,
  });
  const parts = { validation: split.validation, ...(split.test.length > 0 ? { test: split.test } : {}) };
  const metrics: Record<string, unknown> = {};
  for (const [name, indices] of Object.entries(parts)) {
    const report = await reportOn(job.load(indices, false), network, state, platform.engine, labels);
    metrics[name] = report;
    yield { type: "report", title: name, labels, report };
  }
  await folder.writeJson("metrics.json", metrics);
  await folder.writeText("labels.txt", labels.map((label) => `${label}\n`).join(""));
  await platform.store.write(folder.file("model.onnx"), bytes);
  yield { type: "artefact", kind: "model", path: folder.file("model.onnx") };
}

/** Claims a new run folder and writes its configuration, or returns to the one that is resumed. */
async function* openRun(job: Job, classWeights: readonly number[] | undefined): AsyncGenerator<TaskEvent, RunFolder> {
  const { input, platform, split, images, labels } = job;
  const ids = (indices: readonly number[]) => indices.map((i) => images.samples[i]?.id ?? "");
  const content = platform.digest(new TextEncoder().encode(JSON.stringify([images.keys, ids(split.train), labels])));
  if (input.resume !== undefined) {
    const folder = new RunFolder(input.resume, platform);
    const stored = (await folder.readJson("splits.json")) as { readonly content?: unknown };
    if (stored.content !== content) {
      throw new GraftError(
        "data",
        `"${input.resume}" cannot be resumed: the images or their labels have changed since it began. Start a new run.`,
      );
    }
    return folder;
  }
  const { store } = platform;
  const name = store.baseName(input.data ?? "run").replace(/\.(tar\.gz|tgz|tar|csv|npz)$/i, "");
  const folder = await RunFolder.claim(input.out ?? store.join("runs", name), platform);
  const absolute = {
    data: input.data && store.absolute(input.data),
    backbone: await absoluteFile(input.backbone, store),
    weights: await absoluteFile(input.weights, store),
  };
  await folder.writeJson("splits.json", {
    content,
    account: split.account,
    train: ids(split.train),
    validation: ids(split.validation),
    test: ids(split.test),
  });
  await folder.writeJson("config.json", {
    train: { ...input, ...absolute, out: folder.path },
    labels,
    classWeights: classWeights ?? null,
    earlyStopping: { monitor: "val_loss", patience, restoreBestWeights: true },
    loss: "sparseCategoricalCrossentropy",
  });
  yield { type: "artefact", kind: "run", path: folder.path };
  return folder;
}

/** Files are remembered by their whole path; names and addresses as they are. */
async function absoluteFile(path: string | undefined, store: Platform["store"]): Promise<string | undefined> {
  return path !== undefined && (await store.info(path)) !== undefined ? store.absolute(path) : path;
}

async function startingPoint(plan: FitPlan, folder: RunFolder, platform: Platform) {
  const { store } = platform;
  if ((await store.info(folder.checkpoint)) === undefined) {
    return {
      state: new TrainingState(initialTensors(plan.recipe.network.parameters, plan.seed)),
      progress: freshProgress(),
    };
  }
  return decodeCheckpoint(await store.read(folder.checkpoint), folder.checkpoint, plan.callbacks);
}

/** The settings of an earlier run. */
async function resumedInput(path: string, given: ReadonlySet<string>, platform: Platform): Promise<TrainInput> {
  const { store } = platform;
  const others = [...given].filter((name) => name !== "resume");
  if (others.length > 0) {
    throw new GraftError(
      "usage",
      `--resume continues a run with the settings it began with; leave out ${others.map((name) => `"${name}"`).join(", ")}, or start a new run.`,
    );
  }
  if ((await store.info(path)) === undefined) {
    const parent = store.join(path, "..");
    const siblings = (await store.info(parent)) === undefined ? [] : (await store.list(parent)).map(({ name }) => name);
    throw new GraftError("input", `--resume: "${path}" does not exist.${didYouMean(store.baseName(path), siblings)}`);
  }
  const stored = (await new RunFolder(path, platform).readJson("config.json")) as { readonly train?: unknown };
  return { ...parseInput(trainSchema, stored.train, "config.json"), resume: path };
}

function shown(weights: readonly number[], labels: readonly string[]): string {
  const pairs = weights.slice(0, 12).map((weight, i) => `${labels[i]} ${weight.toFixed(2)}`);
  return [...pairs, ...(weights.length > 12 ? ["…"] : [])].join(", ");
}
