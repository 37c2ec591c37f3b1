import type { TargetColumn } from "../data/targetColumns.ts";
import type { ClassificationBatch } from "../metrics/classificationBatch.ts";
import { reportWithIntervals } from "../metrics/classificationIntervals.ts";
import type { ClassificationReport } from "../metrics/classificationReport.ts";
import { type RegressionReport, regressionMetrics } from "../metrics/regression.ts";
import type { TaskEvent } from "./task.ts";

/** How good answers to one question are. */
export interface Verdict {
  readonly event: TaskEvent;
  readonly report: ClassificationReport | RegressionReport;
}

/** Collects the answers to one question beside the truth. */
export interface Tally {
  /** @param answer probabilities, or one number @param truth index of the class, or the number */
  add(answer: Float32Array, truth: number): void;
  /** Nothing when nothing was added. */
  verdict(title: string): Verdict | undefined;
}

export function tallyOf(column: TargetColumn): Tally {
  return column.kind === "classes" ? new ClassTally(column.labels) : numberTally();
}

/** Of classes: keeps every answer, as intervals need them. */
export class ClassTally implements Tally {
  readonly labels: readonly string[];
  readonly batches: ClassificationBatch[] = [];

  constructor(labels: readonly string[]) {
    this.labels = labels;
  }

  add(probabilities: Float32Array, truth: number): void {
    this.batches.push({ probabilities, labels: Int32Array.of(truth), classes: this.labels.length });
  }

  verdict(title: string): Verdict | undefined {
    const { labels, batches } = this;
    if (batches.length === 0) return undefined;
    const report = reportWithIntervals(batches, labels.length, { labels });
    return { event: { type: "report", title, labels, report }, report };
  }
}

function numberTally(): Tally {
  const metric = regressionMetrics();
  let state = metric.init();
  return {
    add(predictions, truth) {
      state = metric.add(state, { predictions, targets: Float32Array.of(truth), units: 1 });
    },
    verdict(title) {
      if (state.count === 0) return undefined;
      const report = metric.value(state);
      return { event: { type: "regression", title, report }, report };
    },
  };
}
