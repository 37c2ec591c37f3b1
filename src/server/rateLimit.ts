import { HttpError } from "./httpError.ts";

/** Clients remembered at most; those that were away longest are forgotten first. */
const clientsRemembered = 10_000;

/** A bucket of tokens for each client: `perSecond` come back, and as many, at least one, can be saved up. */
export class RateLimit {
  readonly #perSecond: number;
  readonly #buckets = new Map<string, { tokens: number; atMs: number }>();

  constructor(perSecond: number) {
    this.#perSecond = perSecond;
  }

  /** Throws `tooManyRequests`. */
  take(client: string, nowMs: number): void {
    if (this.#perSecond === 0) return;
    const full = Math.max(1, this.#perSecond);
    const { tokens, atMs } = this.#buckets.get(client) ?? { tokens: full, atMs: nowMs };
    const left = Math.min(full, tokens + ((nowMs - atMs) / 1000) * this.#perSecond);
    const isAllowed = left >= 1;
    this.#remember(client, { tokens: isAllowed ? left - 1 : left, atMs: nowMs });
    if (isAllowed) return;
    const retryAfterSeconds = Math.ceil((1 - left) / this.#perSecond);
    throw new HttpError("tooManyRequests", `over ${this.#perSecond} requests a second; wait ${retryAfterSeconds} s.`, {
      retryAfterSeconds,
    });
  }

  #remember(client: string, bucket: { tokens: number; atMs: number }): void {
    this.#buckets.delete(client);
    this.#buckets.set(client, bucket);
    const [oldest] = this.#buckets.keys();
    if (this.#buckets.size > clientsRemembered && oldest !== undefined) this.#buckets.delete(oldest);
  }
}
