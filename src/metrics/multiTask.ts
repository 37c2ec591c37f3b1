import { didYouMean, GraftError } from "../base/errors.ts";
import type { Metric } from "./metric.ts";

type ByTask<T> = Readonly<Record<string, T>>;

/**
 * One metric a task, for models that answer several questions of an image. A batch holds what is known: a task that is missing from it
 * adds nothing there, and a single sample without a label has weight 0 in the batch of its task. Throws `usage` for an unknown task.
 */
export function multiTask<Batch, State, Value>(
  metrics: ByTask<Metric<Batch, State, Value>>,
): Metric<ByTask<Batch>, ByTask<State>, ByTask<Value>> {
  const tasks = Object.entries(metrics);
  return {
    name: "tasks",
    init: () => Object.fromEntries(tasks.map(([task, metric]) => [task, metric.init()])),
    add(state, batches) {
      checkTasks(Object.keys(batches), Object.keys(metrics));
      const added = tasks.flatMap(([task, metric]) =>
        Object.hasOwn(batches, task) ? [[task, metric.add(state[task], batches[task])] as const] : [],
      );
      return { ...state, ...Object.fromEntries(added) };
    },
    merge: (a, b) => Object.fromEntries(tasks.map(([task, metric]) => [task, metric.merge(a[task], b[task])])),
    value: (state) => Object.fromEntries(tasks.map(([task, metric]) => [task, metric.value(state[task])])),
  };
}

function checkTasks(given: readonly string[], known: readonly string[]): void {
  const unknown = given.find((task) => !known.includes(task));
  if (unknown === undefined) return;
  throw new GraftError(
    "usage",
    `multiTask: found the task "${unknown}"; expected one of ${known.join(", ")}.${didYouMean(unknown, known)}`,
  );
}
