import { settingsOf } from "../adapt/featureMethods.ts";
import type { Backbone } from "../backbones/onnxBackbone.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import type { Platform } from "../platform/platform.ts";
import { alignFeatures, type HeadOptions } from "../transfer/alignFeatures.ts";
import { withDomainStatistics } from "../transfer/domainStatistics.ts";
import type { DomainTrial } from "../transfer/domainTrial.ts";
import { scaleDomains } from "../transfer/scaling.ts";
import type { AdaptInput } from "./adaptInput.ts";
import { type FeatureBasis, featuresOf, gathered, type OpenedDomains } from "./openDomains.ts";
import type { TaskEvent } from "./task.ts";

/** AdaBN: each domain's features by the backbone with that domain's statistics, and the linear head that the source's give. */
export async function* adaptStatistics(
  { source, target, split: splitOf }: OpenedDomains,
  { backbone, draw }: FeatureBasis,
  input: Pick<AdaptInput, "seed" | "penalty"> & Pick<HeadOptions, "classCounts">,
  platform: Platform,
  signal: AbortSignal,
): AsyncGenerator<TaskEvent, DomainTrial> {
  const { classCounts } = input;
  const compute = { engine: platform.engine, signal };
  const [split, features] = [splitOf(input.seed), draw(input.seed)];
  async function* measured(images: PreparedImages, indices: readonly number[]): AsyncGenerator<TaskEvent, Backbone> {
    const work = withDomainStatistics(backbone, images, indices, input, compute);
    for (;;) {
      const next = await work.next();
      if (next.done) return next.value;
      yield { type: "progress", phase: "statistics", ...next.value };
    }
  }
  const everyTarget = target.samples.map((_, i) => i);
  const ofSource = yield* measured(source, split.train);
  const ofTarget = yield* measured(target, everyTarget);
  const means = { platform, signal };
  const rows = yield* featuresOf(ofSource, source, [...split.train, ...split.validation], means);
  const domains = await scaleDomains(
    {
      ...features,
      source: gathered(
        rows,
        split.train.map((_, row) => row),
      ),
      held: gathered(
        rows,
        split.validation.map((_, row) => split.train.length + row),
      ),
      target: yield* featuresOf(ofTarget, target, everyTarget, means),
    },
    compute,
  );
  const [setting] = settingsOf("source-only", domains.features);
  if (setting === undefined) throw new Error("source-only has one setting");
  const trial = await alignFeatures(
    domains,
    { method: "source-only", setting },
    { penalty: input.penalty, classCounts },
    compute,
  );
  return { ...trial, method: "adabn", backbone: ofTarget };
}
