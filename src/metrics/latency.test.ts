import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { latencyOf } from "./latency.ts";

describe("latencyOf", () => {
  it("takes the nearest rank, whatever the order", () => {
    const durations = Array.from({ length: 200 }, (_, i) => 200 - i);
    expect(latencyOf(durations)).toEqual({ count: 200, p50Ms: 100, p99Ms: 198 });
    expect(latencyOf([7, 3])).toEqual({ count: 2, p50Ms: 3, p99Ms: 7 });
    expect(latencyOf([5])).toEqual({ count: 1, p50Ms: 5, p99Ms: 5 });
  });

  it("has the share it names at or below it, and less without it", () => {
    fc.assert(
      fc.property(fc.array(fc.double({ min: 0, max: 1e4, noNaN: true }), { minLength: 1 }), (durations) => {
        const { p50Ms, p99Ms } = latencyOf(durations);
        for (const [value, share] of [
          [p50Ms, 0.5],
          [p99Ms, 0.99],
        ] as const) {
          expect(durations.filter((one) => one <= value).length / durations.length).toBeGreaterThanOrEqual(share);
          expect(durations.filter((one) => one < value).length / durations.length).toBeLessThan(share);
        }
      }),
    );
  });
});
