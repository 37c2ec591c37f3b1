import { describe, expect, it } from "vitest";
import type { SeedResult } from "./acrossSeeds.ts";
import { chooseTrial } from "./chooseTrial.ts";

/** A way whose every target image adds about so much to InfoMax. */
function way(method: string, infoMax: number, agreement: number): SeedResult {
  const informed = Float64Array.from({ length: 100 }, (_, i) => infoMax + (i % 2 === 0 ? 0.05 : -0.05));
  const scores = { sourceRisk: 0, entropy: 0, infoMax, dev: 0, density: 0, agreement };
  return { method, setting: "", seconds: 0, scores, informed, answers: [] };
}

const all = { targetClasses: "all" } as const;

describe("the choice without labels", () => {
  it("is the most InfoMax among those that the others agree with", () => {
    const odd = way("ot", 2.2, 0.7);
    const trials = [way("source-only", 1.8, 0.9), way("sa", 2, 0.95), way("gfk", 1.9, 0.96), way("tca", 1.7, 0.8), odd];
    const { best, reasons } = chooseTrial(trials, "auto", all);
    expect(best.method).toBe("sa");
    expect(reasons[0]).toBe(
      "ot: the most InfoMax, but it agrees less with all methods together than most do: passed over",
    );
    // Who asks for it gets it.
    expect(chooseTrial([...trials.slice(0, 1), odd], "ot", all).best.method).toBe("ot");
  });

  it("is source-only where no other that agrees is measurably better", () => {
    const trials = [way("source-only", 1.8, 0.9), way("sa", 1.805, 0.95), way("ot", 2.2, 0.7)];
    const { best, reasons } = chooseTrial(trials, "auto", all);
    expect(best.method).toBe("source-only");
    expect(reasons.at(-1)).toBe("source-only is kept: no method is measurably better");
  });
});
