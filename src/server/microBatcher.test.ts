import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { MicroBatcher } from "./microBatcher.ts";

const doubled = async (inputs: readonly number[]) => inputs.map((value) => 2 * value);

describe("MicroBatcher", () => {
  it("answers each item with its own answer, in batches of at most the size", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer(), { maxLength: 40 }),
        fc.integer({ min: 1, max: 8 }),
        async (items, size) => {
          const sizes: number[] = [];
          const batcher = new MicroBatcher(doubled, { size, waitMs: 0, onBatch: (count) => sizes.push(count) });
          expect(await Promise.all(items.map((item) => batcher.add(item)))).toEqual(await doubled(items));
          expect(sizes.every((count) => count >= 1 && count <= size)).toBe(true);
          expect(sizes.reduce((sum, count) => sum + count, 0)).toBe(items.length);
        },
      ),
    );
  });

  it("gathers what comes while a batch runs into the next one", async () => {
    const sizes: number[] = [];
    let release = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    const run = async (inputs: readonly number[]) => {
      await gate;
      return inputs;
    };
    const batcher = new MicroBatcher(run, { size: 4, waitMs: 0, onBatch: (count) => sizes.push(count) });
    const first = Promise.all([1, 2, 3, 4].map((item) => batcher.add(item)));
    const others = Promise.all([5, 6, 7].map((item) => batcher.add(item)));
    release();
    expect([await first, await others]).toEqual([
      [1, 2, 3, 4],
      [5, 6, 7],
    ]);
    expect(sizes).toEqual([4, 3]);
  });

  it("fails every item of a batch that fails, and goes on with the next", async () => {
    const run = async (inputs: readonly number[]) => {
      if (inputs.includes(0)) throw new Error("zero");
      return inputs;
    };
    const batcher = new MicroBatcher(run, { size: 2, waitMs: 0 });
    const results = await Promise.allSettled([0, 1, 2].map((item) => batcher.add(item)));
    expect(results.map(({ status }) => status)).toEqual(["rejected", "rejected", "fulfilled"]);
  });
});
