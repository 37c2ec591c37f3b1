/** How far a longer work is. */
export interface Progress {
  readonly done: number;
  readonly total: number;
}

/** Computing in steps: whoever asked may show how far it is, or ask for no more. */
export type Steps<T> = Generator<Progress, T>;

/** Goes through all steps at once. */
export function finish<T>(work: Steps<T>): T {
  for (;;) {
    const next = work.next();
    if (next.done) return next.value;
  }
}
