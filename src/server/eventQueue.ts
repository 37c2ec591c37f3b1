import type { TaskEvent } from "../tasks/task.ts";

/** Events that come at any time, as the stream that a task yields. */
export class EventQueue {
  readonly #events: TaskEvent[] = [];
  #wake: () => void = () => undefined;
  #isClosed = false;

  push(event: TaskEvent): void {
    this.#events.push(event);
    this.#wake();
  }

  /** Ends the stream after what was pushed. */
  close(): void {
    this.#isClosed = true;
    this.#wake();
  }

  async *stream(): AsyncGenerator<TaskEvent> {
    for (;;) {
      yield* this.#events.splice(0);
      if (this.#events.length > 0) continue;
      if (this.#isClosed) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
