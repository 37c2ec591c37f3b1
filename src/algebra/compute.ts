import { GraftError } from "../base/errors.ts";
import type { Engine } from "../platform/platform.ts";

/** What long computations run on, and by whom they are stopped. */
export interface Compute {
  readonly engine: Engine;
  readonly signal?: AbortSignal | undefined;
}

/** @throws `interrupted` once the signal has come */
export function throwIfStopped({ signal }: { readonly signal?: AbortSignal | undefined }): void {
  if (signal?.aborted) throw new GraftError("interrupted", "the computation was stopped; nothing was kept.");
}
