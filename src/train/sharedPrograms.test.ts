import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { input } from "../graph/value.ts";
import { nodePlatform } from "../node/platform.ts";
import { writeModel } from "../onnx/write.ts";
import { mul } from "../ops/arithmetic.ts";
import type { CompileOptions, Engine } from "../platform/platform.ts";
import { SharedPrograms } from "./sharedPrograms.ts";

const platform = nodePlatform();

function times(factor: number): Uint8Array {
  const x = input("x", "float32", [2]);
  return writeModel(emit({ name: "times", inputs: [x], outputs: { y: mul(x, factor) } }));
}

/** The real engine, which counts what is compiled and freed. */
function counting() {
  const counts = { compiled: 0, freed: 0 };
  const engine: Engine = {
    device: () => platform.engine.device(),
    async compile(model: Uint8Array, options?: CompileOptions) {
      counts.compiled++;
      const program = await platform.engine.compile(model, options);
      return {
        inputNames: program.inputNames,
        outputNames: program.outputNames,
        run: (feeds, into) => program.run(feeds, into),
        dispose() {
          counts.freed++;
          return program.dispose();
        },
      };
    },
  };
  return { counts, shared: new SharedPrograms({ engine, digest: platform.digest }) };
}

const x = Tensor.float32([2], [1, 3]);

describe("shared programs", () => {
  it("compile equal models once, also after a user has disposed of one", async () => {
    const { counts, shared } = counting();
    const first = await shared.compile(times(2));
    const second = await shared.compile(times(2));
    await first.dispose();
    await first.dispose();
    expect([...((await second.run({ x }))["y"]?.floats ?? [])]).toEqual([2, 6]);
    await second.dispose();
    const third = await shared.compile(times(2));
    expect(counts).toEqual({ compiled: 1, freed: 0 });
    const other = await shared.compile(times(3));
    expect([...((await other.run({ x }))["y"]?.floats ?? [])]).toEqual([3, 9]);
    await third.dispose();
    await other.dispose();
    await shared.dispose();
    expect(counts).toEqual({ compiled: 2, freed: 2 });
  });

  it("free the ones that were not used for longest, and never one in use", async () => {
    const { counts, shared } = counting();
    const kept = await shared.compile(times(100));
    for (let factor = 1; factor <= 20; factor++) await (await shared.compile(times(factor))).dispose();
    expect(counts.compiled).toBe(21);
    expect(counts.freed).toBeGreaterThan(0);
    expect([...((await kept.run({ x }))["y"]?.floats ?? [])]).toEqual([100, 300]);
    // The latest is still there, the first is not.
    await shared.compile(times(20));
    expect(counts.compiled).toBe(21);
    await shared.compile(times(1));
    expect(counts.compiled).toBe(22);
  });
});
