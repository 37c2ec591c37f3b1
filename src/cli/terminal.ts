import { SingleBar } from "cli-progress";
import { formatFindings } from "../doctor/finding.ts";
import type { RegressionReport } from "../metrics/regression.ts";
import { formatConfusion, formatReport } from "../metrics/report.ts";
import { alignTable, truncate } from "../metrics/textTable.ts";
import type {
  BackboneEntry,
  NearImage,
  RankedClass,
  RankingEntry,
  TargetAnswer,
  TaskEvent,
  TrialEntry,
} from "../tasks/task.ts";
import { formatAdaptations } from "./adaptationTable.ts";
import { formatBenchmark } from "./benchmarkTable.ts";
import { formatComparison } from "./comparisonTable.ts";
import { duration } from "./duration.ts";
import { explanationText } from "./explanationText.ts";
import { formatOperatingPoints } from "./operatingTable.ts";
import { formatVerification } from "./verificationTable.ts";

/** Where events become text: results on standard output, everything else on standard error. */
export interface Sinks {
  readonly out: NodeJS.WritableStream;
  readonly err: NodeJS.WritableStream & { readonly isTTY?: boolean };
}

const rankingColumns = 30;
const trialsShown = 15;
const valueColumns = 24;

/** Draws a task's events for a person: bars on a terminal, plain lines elsewhere. */
export class Terminal {
  readonly #sinks: Sinks;
  #bar: SingleBar | undefined;
  #phase = "";
  #seen = 0;
  #startMs = 0;

  constructor(sinks: Sinks) {
    this.#sinks = sinks;
  }

  show(event: TaskEvent): void {
    switch (event.type) {
      case "step":
        return this.#step(event);
      case "progress":
        return this.#progress(event);
      case "epoch":
        this.close();
        return this.#line(epochLine(event.log, event.epochs));
      case "note":
        this.close();
        return this.#line(event.text);
      case "warning":
        this.close();
        return this.#line(`warning: ${event.text}`);
      case "stopped":
        return this.#line(`stopped after epoch ${event.epoch}: ${event.reason}`);
      case "interrupted":
        this.close();
        return this.#line(`interrupted in epoch ${event.epoch} after step ${event.step}`);
      case "artefact":
        this.close();
        return this.#line(`${event.kind}: ${event.path}`);
      case "report":
        this.close();
        return this.#result(
          `\n${event.title}\n\n${formatReport(event.report, event.labels)}\n\n${formatConfusion(event.report.confusion, event.labels)}\n`,
        );
      case "regression":
        this.close();
        return this.#result(`\n${event.title}\n\n${formatRegression(event.report)}\n`);
      case "log":
        return this.#result(JSON.stringify(event.record));
      case "prediction":
        this.close();
        return this.#result(`${event.file}: ${predictionText(event)}`);
      case "answers":
        this.close();
        return this.#result(`${event.file}: ${event.targets.map(answerText).join("; ")}`);
      case "explanation":
        this.close();
        return this.#result(explanationText(event));
      case "operating-points":
        this.close();
        return this.#result(formatOperatingPoints(event));
      case "backbones":
        return this.#result(formatBackbones(event.entries));
      case "comparison":
        this.close();
        return this.#result(formatComparison(event.comparison));
      case "ranking":
        this.close();
        return this.#result(formatRanking(event.entries));
      case "trials":
        this.close();
        return this.#result(formatTrials(event.entries));
      case "adaptations":
        this.close();
        return this.#result(formatAdaptations(event));
      case "verification":
        this.close();
        return this.#result(formatVerification(event.entries, event.tolerances));
      case "benchmark":
        this.close();
        return this.#result(formatBenchmark(event.input, event.forms, event.networks));
      case "finding":
        this.close();
        return this.#result(`\n${formatFindings([event])}`);
    }
  }

  /** Ends a bar that is being drawn. */
  close(): void {
    this.#bar?.stop();
    this.#bar = undefined;
    this.#phase = "";
  }

  #step(event: TaskEvent & { readonly type: "step" }): void {
    const phase = `epoch ${event.epoch}/${event.epochs}`;
    if (this.#phase !== phase) this.#seen = 0;
    this.#seen += event.samples;
    this.#advance(phase, event.step, event.steps, "steps", event.loss);
  }

  #progress({ phase, done, total, unit }: TaskEvent & { readonly type: "progress" }): void {
    const name = phaseNames[phase] ?? phase;
    if (unit !== "bytes") return this.#advance(name, done, total, unit ?? "images");
    this.#advance(name, Math.round(done / 1e6), Math.ceil(total / 1e6), "MB");
  }

  #advance(phase: string, done: number, total: number, unit: string, loss?: number): void {
    if (!this.#sinks.err.isTTY || total === 0) return;
    if (this.#phase !== phase) {
      this.close();
      this.#phase = phase;
      this.#startMs = Date.now();
      this.#bar = new SingleBar({
        stream: this.#sinks.err,
        format: `${phase.padEnd(12)} {bar} {value}/{total} ${unit}  {rate}{left}{loss}`,
        hideCursor: true,
        clearOnComplete: true,
        barsize: 24,
      });
      this.#bar.start(total, 0, { rate: "", left: "", loss: "" });
    }
    const seconds = Math.max(0.001, (Date.now() - this.#startMs) / 1000);
    const images = loss === undefined ? done : this.#seen;
    this.#bar?.update(done, {
      rate: `${Math.round(images / seconds)} ${loss === undefined ? unit : "images"}/s`,
      left: done === 0 ? "" : `  ${duration(((total - done) * seconds) / done)} left`,
      loss: loss === undefined ? "" : `  loss ${loss.toFixed(4)}`,
    });
  }

  #line(text: string): void {
    this.#sinks.err.write(`${text}\n`);
  }

  #result(text: string): void {
    this.#sinks.out.write(`${text}\n`);
  }
}

const phaseNames: Readonly<Record<string, string>> = {
  images: "reading",
  features: "features",
  compare: "comparing",
  adapt: "adapting",
  evaluate: "measuring",
  download: "downloading",
};

function epochLine(log: Readonly<Record<string, number>>, epochs: number): string {
  const hidden = new Set(["epoch", "learning_rate", "duration_ms"]);
  // The losses of single tasks stand in the history; a line has no room for them.
  const isPart = (name: string) => name.endsWith("_loss") && name !== "val_loss";
  const values = Object.entries(log).flatMap(([name, value]) =>
    hidden.has(name) || isPart(name) ? [] : [`${name} ${value.toFixed(4)}`],
  );
  const seconds = (log["duration_ms"] ?? 0) / 1000;
  return `epoch ${log["epoch"]}/${epochs}  ${values.join("  ")}  ${seconds.toFixed(seconds < 10 ? 2 : 0)} s`;
}

function predictionText(prediction: TaskEvent & { readonly type: "prediction" }): string {
  return [answerLine(prediction), ...nearestLines(prediction.nearest ?? [])].join("\n");
}

function answerLine({ classes, set, unknown }: TaskEvent & { readonly type: "prediction" }): string {
  const named = rankedClasses(classes);
  if (unknown?.isUnknown === true) return `unknown, unlike the training photos (nearest: ${named})`;
  return `${named}${setText(set)}`;
}

function nearestLines(nearest: readonly NearImage[]): readonly string[] {
  if (nearest.length === 0) return [];
  const rows = nearest.map(({ file, label, distance }) => [`  ${file}`, label, distance.toFixed(3)]);
  return alignTable([["  nearest training images", "label", "1 − cosine"], ...rows]).split("\n");
}

function rankedClasses(classes: readonly RankedClass[]): string {
  return classes.map(({ label, probability }) => `${label} ${(100 * probability).toFixed(1)} %`).join(", ");
}

function answerText(answer: TargetAnswer): string {
  const { name } = answer;
  if (answer.kind === "number") return `${name} ${significant(answer.value)}`;
  return `${name} ${rankedClasses(answer.classes)}${setText(answer.set, " –")}`;
}

/** Told where it holds more than the first class. */
function setText(set: readonly string[] | undefined, before = ";"): string {
  return set === undefined || set.length === 1 ? "" : `${before} one of ${set.join(", ")}`;
}

function formatRegression({ mae, rmse, r2, count }: RegressionReport): string {
  return alignTable([
    ["MAE", significant(mae)],
    ["RMSE", significant(rmse)],
    ...(r2 === undefined ? [] : [["R²", r2.toFixed(3)]]),
    ["images", String(count)],
  ]);
}

/** Four digits, without an exponent where it fits. */
function significant(value: number): string {
  return String(Number(value.toPrecision(4)));
}

/** One line for each set of weights. A size that is not known exactly, because the file is not here, is marked. */
function formatBackbones(entries: readonly BackboneEntry[]): string {
  const rows = entries.map(({ name, top1, size, licence, cached, isRemote }) => {
    const megabytes = size === undefined ? "" : `${cached === undefined ? "~" : ""}${Math.round(size / 1e6)} MB`;
    const place = isRemote ? "no" : "by file";
    return [name, top1?.toFixed(1) ?? "", megabytes, licence, cached === undefined ? place : "yes"];
  });
  return alignTable([["name", "top-1 %", "size", "licence", "cached"], ...rows]);
}

/** A row and a bar for each backbone; the bars go from the worst to the best. */
function formatRanking(entries: readonly RankingEntry[]): string {
  const scores = entries.map(({ logMe }) => logMe);
  const [best, worst] = [Math.max(...scores), Math.min(...scores)];
  const bar = (score: number) =>
    "█".repeat(1 + Math.round(((rankingColumns - 1) * (score - worst)) / (best - worst || 1)));
  const rows = entries.map(({ backbone, width, logMe, hScore, neighbours, images, seconds }) => [
    backbone,
    String(width),
    String(images),
    duration(seconds),
    hScore.toFixed(2),
    neighbours === undefined ? "" : (100 * neighbours).toFixed(1),
    logMe.toFixed(4),
    bar(logMe).padEnd(rankingColumns),
  ]);
  const titles = ["backbone", "features", "images", "time", "H-score", "k-NN %", "LogME", "".padEnd(rankingColumns)];
  return alignTable([titles, ...rows]);
}

/** The best trials, a column for each option that was searched, and the first trial wherever it stands: it is what training does without a search. */
function formatTrials(entries: readonly TrialEntry[]): string {
  const options = [...new Set(entries.flatMap(({ values }) => Object.keys(values)))];
  const ranked = entries.map((entry, i) => ({ ...entry, rank: i + 1 }));
  const rows = ranked
    .filter(({ rank, trial }) => rank <= trialsShown || trial === 1)
    .map(({ rank, trial, values, epochs, accuracy, interval, seconds, isFinished }) => [
      String(rank),
      String(trial),
      ...options.map((name) => truncate(String(values[name] ?? (trial === 1 ? "as it was" : "–")), valueColumns)),
      epochs === undefined ? "solved" : `${epochs}${isFinished ? "" : " dropped"}`,
      (100 * accuracy).toFixed(1),
      interval.map((end) => (100 * end).toFixed(1)).join("–"),
      duration(seconds, 1),
    ]);
  const titles = ["rank", "trial", ...options, "epochs", "right %", "95 % interval", "time"];
  const hidden = entries.length - rows.length;
  const more = hidden > 0 ? `\n… and ${hidden} more` : "";
  return `\n${alignTable([titles, ...rows])}${more}\n`;
}
