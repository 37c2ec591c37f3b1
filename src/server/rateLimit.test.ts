import { describe, expect, it } from "vitest";
import { RateLimit } from "./rateLimit.ts";

describe("RateLimit", () => {
  it("lets a second's worth through at once, then one for each that comes back, each client by itself", () => {
    const limit = new RateLimit(2);
    const allowed = (client: string, nowMs: number) => {
      try {
        limit.take(client, nowMs);
        return true;
      } catch {
        return false;
      }
    };
    expect([0, 0, 0].map((at) => allowed("a", at))).toEqual([true, true, false]);
    expect(allowed("b", 0)).toBe(true);
    expect([499, 501, 502].map((at) => allowed("a", at))).toEqual([false, true, false]);
    // No more is saved up than a second's worth.
    expect([60_000, 60_000, 60_000].map((at) => allowed("a", at))).toEqual([true, true, false]);
  });

  it("says when to come back", () => {
    const limit = new RateLimit(0.5);
    limit.take("a", 0);
    expect(() => limit.take("a", 0)).toThrow(
      expect.objectContaining({ code: "tooManyRequests", retryAfterSeconds: 2 }),
    );
  });

  it("of zero lets everything through", () => {
    const limit = new RateLimit(0);
    for (let i = 0; i < 1000; i++) limit.take("a", 0);
  });
});
