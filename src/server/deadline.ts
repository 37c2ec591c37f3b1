import { HttpError, type Refusal } from "./httpError.ts";

/** The time that a request has left, from when it came. */
export class Deadline {
  readonly #endMs: number;
  readonly #limitMs: number;

  constructor(limitMs: number) {
    this.#limitMs = limitMs;
    this.#endMs = performance.now() + limitMs;
  }

  get isOver(): boolean {
    return performance.now() >= this.#endMs;
  }

  /** What `work` gives, or a refusal when it takes too long; the work itself goes on. */
  async within<T>(work: Promise<T>, code: Refusal & ("timeout" | "slowBody")): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(this.#refusal(code)), Math.max(0, this.#endMs - performance.now()));
    });
    try {
      return await Promise.race([work, late]);
    } finally {
      clearTimeout(timer);
    }
  }

  #refusal(code: "timeout" | "slowBody"): HttpError {
    const limit = `${this.#limitMs} ms`;
    if (code === "slowBody") return new HttpError(code, `the body did not arrive within ${limit}.`);
    return new HttpError(code, `no answer within ${limit}: the server is busy; try again.`, { retryAfterSeconds: 1 });
  }
}
