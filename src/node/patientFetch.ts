import { setTimeout as sleep } from "node:timers/promises";
import { GraftError, messageOf } from "../base/errors.ts";

/** How long to bear with a server. */
export interface Patience {
  /** How often a request is made in all. */
  readonly attempts: number;
  /** Before the second attempt; doubled before each further one. */
  readonly waitMs: number;
  /** A server that sends nothing for so long is given up. */
  readonly quietMs: number;
}

export const usualPatience: Patience = { attempts: 5, waitMs: 1000, quietMs: 30_000 };
/** The longest wait that a server may ask for with `Retry-After`. */
const longestWaitMs = 60_000;

/** Something that another attempt may cure. */
export class PassingFault extends Error {
  readonly waitMs: number;

  constructor(message: string, waitMs = 0, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.waitMs = waitMs;
  }
}

/** Works until there is no passing fault, or attempts end. Throws `network` with the last fault, in words of `what`. */
export async function withPatience<T>(
  what: string,
  { attempts, waitMs }: Patience,
  signal: AbortSignal | undefined,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (thrown) {
      if (signal?.aborted)
        throw new GraftError("interrupted", `stopped while ${what}; it goes on from there next time.`);
      if (!(thrown instanceof PassingFault)) throw thrown;
      if (attempt >= attempts) {
        throw new GraftError("network", `${thrown.message} while ${what} (${attempts} attempts).`, { cause: thrown });
      }
      await sleep(
        Math.max(thrown.waitMs, waitMs * 2 ** (attempt - 1)),
        undefined,
        signal === undefined ? {} : { signal },
      ).catch(() => undefined);
    }
  }
}

/** Failures of a machine without a network, or of a wrong address, which waiting does not cure. */
const absent = new Set(["ENOTFOUND", "ECONNREFUSED", "EAI_AGAIN", "ENETUNREACH", "EHOSTUNREACH", "ERR_INVALID_URL"]);

/** One request. Throws `network` when there is nobody at the address; `PassingFault` when the server breaks off, is quiet for too long, is busy (429) or fails (5xx). */
export async function fetchOnce(url: string, init: RequestInit, quiet: QuietTimer): Promise<Response> {
  let response: Response;
  try {
    response = await fetch(url, { ...init, signal: quiet.signal });
  } catch (thrown) {
    if (absent.has(codeOf(thrown))) {
      throw new GraftError("network", `"${address(url)}" cannot be reached (${reasonOf(thrown)}).`, { cause: thrown });
    }
    throw quiet.fault(thrown);
  }
  quiet.heard();
  if (response.status !== 429 && response.status < 500) return response;
  await response.body?.cancel();
  const seconds = Number(response.headers.get("retry-after") ?? 0);
  const waitMs = Number.isFinite(seconds) ? Math.min(1000 * seconds, longestWaitMs) : 0;
  throw new PassingFault(`"${address(url)}" answered ${response.status} ${response.statusText}`.trimEnd(), waitMs);
}

/** Ends a request when nothing was heard for a time, or when the user stops the work. Whoever makes it closes it. */
export class QuietTimer {
  readonly #controller = new AbortController();
  readonly #quietMs: number;
  readonly #address: string;
  readonly #user: AbortSignal | undefined;
  readonly #stop = () => this.#controller.abort();
  #timer: NodeJS.Timeout;
  #isQuiet = false;

  constructor(url: string, quietMs: number, user: AbortSignal | undefined) {
    this.#address = address(url);
    this.#quietMs = quietMs;
    this.#user = user;
    if (user?.aborted) this.#stop();
    user?.addEventListener("abort", this.#stop);
    this.#timer = setTimeout(() => {
      this.#isQuiet = true;
      this.#stop();
    }, quietMs);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  heard(): void {
    this.#timer.refresh();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#user?.removeEventListener("abort", this.#stop);
  }

  /** What a failed request means. */
  fault(thrown: unknown): PassingFault {
    if (this.#isQuiet) return new PassingFault(`"${this.#address}" sent nothing for ${this.#quietMs / 1000} s`);
    return new PassingFault(`"${this.#address}" broke off (${reasonOf(thrown)})`, 0, {
      cause: thrown,
    });
  }
}

/** Without the query, which is for machines. */
function address(url: string): string {
  return url.replace(/\?.*$/, "");
}

function codeOf(thrown: unknown): string {
  const cause = thrown instanceof Error ? thrown.cause : undefined;
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}

/** The system's own words, which `fetch` hides in the cause. */
function reasonOf(thrown: unknown): string {
  return thrown instanceof Error && thrown.cause !== undefined ? reasonOf(thrown.cause) : messageOf(thrown);
}
