import { splitSamples, takeShots } from "../data/split.ts";
import type { Platform } from "../platform/platform.ts";
import { parseAugmentation } from "./augmentOption.ts";
import { openData, prepareData } from "./dataset.ts";
import { loadBackbone } from "./loadBackbone.ts";
import type { TaskEvent } from "./task.ts";
import type { TrainInput } from "./trainInput.ts";
import { balancingWeights, type Job, scratchPreparation } from "./trainPlan.ts";

/** Opens backbone and data set, prepares the images and splits them; says what was found. */
export async function* openJob(
  input: TrainInput,
  data: string,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, Job> {
  parseAugmentation(input.augment ?? "none");
  const backbone = yield* loadBackbone(input, platform, signal);
  for (const text of backbone?.warnings ?? []) yield { type: "warning", text };
  const source = yield* openData(data, platform, input.group);
  const { labels } = source;
  const preparation = backbone?.preparation ?? (await scratchPreparation(source, input.size, platform));
  const images = yield* prepareData(source, preparation, platform, { strict: input.strict, signal });
  const whole = splitSamples(images.samples, labels, input);
  const split = input.shots === undefined ? whole : takeShots(images.samples, labels, whole, input.shots, input.seed);
  for (const text of split.account) yield { type: "note", text };
  const classWeights = balancingWeights(
    split.train.map((i) => images.samples[i]?.label ?? 0),
    labels.length,
  );
  if (classWeights !== undefined) {
    const text = `classes are imbalanced, so each counts the same: weights ${shown(classWeights, labels)}`;
    yield { type: "note", text };
  }
  return { input, platform, signal, source, images, split, labels, preparation, classWeights, backbone };
}

function shown(weights: readonly number[], labels: readonly string[]): string {
  const pairs = weights.slice(0, 12).map((weight, i) => `${labels[i]} ${weight.toFixed(2)}`);
  return [...pairs, ...(weights.length > 12 ? ["…"] : [])].join(", ");
}
