import { didYouMean, GraftError } from "../base/errors.ts";
import type { RawImage, Sample, Source } from "../data/source.ts";
import type { TargetColumn, TargetWish } from "../data/targetColumns.ts";
import { countedSamples } from "../metrics/classificationBatch.ts";
import { operatingPoints, type WantedPoint } from "../metrics/operatingPoints.ts";
import { valuesOf } from "./imageAnswers.ts";
import { encodePredictions } from "./predictions.ts";
import type { ServedModel } from "./servedModel.ts";
import { ClassTally, tallyOf, type Verdict } from "./tally.ts";
import { verdictsByTarget } from "./targetVerdicts.ts";
import type { OperatingTable, TaskEvent } from "./task.ts";
import { TrustTally } from "./trustTally.ts";

/** Compares a model's answers with the truth, image by image. */
export interface Judge {
  add(sample: Sample, image: RawImage): Promise<void>;
  /** `figures` as a file keeps them. */
  verdict(title: string): {
    readonly events: readonly TaskEvent[];
    readonly figures: Readonly<Record<string, unknown>>;
  };
  /** From which probability on each class may be believed, where it is asked for one label. */
  operatingPoints?(wanted: WantedPoint): OperatingTable;
  /** Every image's answer as CSV, where it is asked for one label. */
  predictions?(split: string): readonly Uint8Array[];
}

/** The columns that a model can be measured by; of several targets those that the manifest has. */
export function wishesOf({ answers }: ServedModel): readonly TargetWish[] | undefined {
  if (answers.kind === "classes") return undefined;
  return answers.targets.map(({ name, kind }) => ({ name, kind, isOptional: true }));
}

/** Throws `data` when the source knows classes that the model lacks. */
export function judgeOf(model: ServedModel, source: Source, path: string): Judge {
  const { answers } = model;
  return answers.kind === "classes" ? classJudge(model, source) : targetsJudge(model, answers.targets, source, path);
}

function classJudge(model: ServedModel, source: Source): Judge {
  const { labels } = model;
  const toModel = source.labels.map((label) => model.classOf(label));
  const tally = new ClassTally(labels);
  const kept = new TrustTally(model);
  const images: string[] = [];
  return {
    async add(sample, image) {
      const outputs = await model.outputs(image);
      const truth = toModel[sample.label] ?? 0;
      tally.add(valuesOf(outputs, "probabilities"), truth);
      kept.add(outputs, labels[truth] ?? "");
      images.push(sample.id);
    },
    verdict(title) {
      const verdict = tally.verdict(title) ?? nothingMeasured(title);
      const { events, figures } = kept.verdict();
      return { events: [verdict.event, ...events], figures: { ...verdict.report, ...figures } };
    },
    operatingPoints(wanted) {
      const points = operatingPoints(countedSamples(tally.batches), wanted);
      return { wanted, labels, points };
    },
    predictions(split) {
      const answers = countedSamples(tally.batches);
      return encodePredictions(labels, [{ split, images, answers, unknown: kept.scores }]);
    },
  };
}

function targetsJudge(model: ServedModel, known: readonly TargetColumn[], source: Source, path: string): Judge {
  const columns = source.targets ?? [];
  const measured = columns.map((column) => {
    const target = known.find(({ name }) => name === column.name);
    if (target === undefined) {
      const names = known.map(({ name }) => name);
      throw new GraftError(
        "data",
        `the column "${column.name}" is unknown to "${path}" (${names.join(", ")}).${didYouMean(column.name, names)} Rename it.`,
      );
    }
    const toModel =
      column.kind === "classes" && target.kind === "classes"
        ? placesOf(column.labels, target.labels, `"${target.name}" of "${path}"`)
        : undefined;
    return { target, toModel, tally: tallyOf(target) };
  });
  return {
    async add({ targets = [] }, image) {
      const answers = await model.outputs(image);
      for (const [t, { target, toModel, tally }] of measured.entries()) {
        const truth = targets[t];
        const answer = answers.get(target.name);
        if (truth !== undefined && answer !== undefined) tally.add(answer, toModel?.[truth] ?? truth);
      }
    },
    verdict(title) {
      const tallies = new Map(measured.map(({ target, tally }) => [target.name, tally]));
      return verdictsByTarget(
        title,
        known.map(({ name }) => ({ name, tally: tallies.get(name) })),
      );
    },
  };
}

function nothingMeasured(title: string): Verdict {
  throw new GraftError("data", `"${title}": none of its images could be measured.`);
}

/** Where each label stands among a model's. */
function placesOf(labels: readonly string[], known: readonly string[], whose: string): readonly number[] {
  return labels.map((label) => {
    const place = known.indexOf(label);
    if (place >= 0) return place;
    throw new GraftError(
      "data",
      `the class "${label}" of the data is unknown to ${whose} (${known.join(", ")}).${didYouMean(label, known)}`,
    );
  });
}
