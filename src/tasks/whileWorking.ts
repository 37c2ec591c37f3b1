import type { TaskEvent } from "./task.ts";

/** Yields what `work` tells while it goes on, and returns what it gives; throws what it throws. */
export async function* whileWorking<T>(
  work: (tell: (event: TaskEvent) => void) => Promise<T>,
): AsyncGenerator<TaskEvent, T> {
  const told: TaskEvent[] = [];
  let wake = () => {};
  let isDone = false;
  const result = work((event) => {
    told.push(event);
    wake();
  }).finally(() => {
    isDone = true;
    wake();
  });
  // Its failure is thrown below, when everything told before it is out.
  result.catch(() => undefined);
  while (!isDone || told.length > 0) {
    const event = told.shift();
    if (event !== undefined) yield event;
    else
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
  }
  return result;
}
