import { mkdtempSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { nodePlatform } from "../node/platform.ts";
import { searchSchema } from "./searchInput.ts";
import { planSearch } from "./searchPlan.ts";
import { parseInput } from "./task.ts";

const platform = nodePlatform();
const folder = mkdtempSync(join(tmpdir(), "graft-"));

/** As the command line hands it over. */
function planned(given: Readonly<Record<string, unknown>>) {
  const whole = { data: "photos", backbone: "tiny.onnx", ...given };
  return planSearch(parseInput(searchSchema, whole, "search"), new Set(Object.keys(whole)), platform);
}

describe("a plan of a search", () => {
  it("takes the strategy's own space, without the options that are given", async () => {
    const { space, input, trials, rungs } = await planned({ head: "mlp", learningRate: 0.01, trials: 9 });
    expect([...space.keys()]).toEqual(["penalty", "batchSize"]);
    expect(input).toMatchObject({ strategy: "feature-extraction", head: "mlp", learningRate: 0.01 });
    // Batch sizes of 64 and 128, and the settings as they were.
    expect(trials).toHaveLength(3);
    expect(rungs).toEqual([
      { trials: 3, epochs: 10 },
      { trials: 1, epochs: 30 },
    ]);
  });

  it("is from scratch without a backbone, and races every trial", async () => {
    const { circumstances, rungs } = await planned({ backbone: undefined, trials: 10 });
    expect(circumstances.strategy).toBe("scratch");
    expect(rungs[0]).toEqual({ trials: 10, epochs: 3 });
  });

  it("has one rung for random search, for heads that are solved, and where epochs are searched", async () => {
    const epochs = { trials: 10, epochs: 30 };
    expect((await planned({ method: "random", head: "mlp", trials: 10 })).rungs).toHaveLength(1);
    expect((await planned({ space: "epochs=3..30,head=mlp|cosine", trials: 10 })).rungs).toEqual([
      { ...epochs, trials: 9 },
    ]);
    expect((await planned({ method: "halving", space: "penalty=1e-3..1" })).rungs).toEqual([{ ...epochs, trials: 0 }]);
  });

  it("reads the space from a file", async () => {
    const file = join(folder, "space.json");
    writeFileSync(file, JSON.stringify({ head: ["prototype", "knn"] }));
    const { trials } = await planned({ space: file });
    expect(trials.map(({ values }) => values.head).sort()).toEqual(["knn", "prototype", undefined]);
  });

  it.each([
    [
      "an option both fixed and searched",
      { space: "penalty=1..2", penalty: 1 },
      /"penalty" is both fixed and searched/,
    ],
    ["neither file nor space", { space: "spaec.json" }, /"spaec.json" is neither a file nor a space/],
    ["too few trials", { method: "halving", trials: 2, head: "mlp" }, /needs 3 trials at least .* here are 2/],
    ["too few epochs", { method: "halving", head: "mlp", epochs: 5 }, /nothing to halve in 5 epochs/],
    ["epochs twice", { method: "halving", space: "epochs=3..9,head=mlp|cosine" }, /leave epochs out of the space/],
    ["another strategy", { strategy: "auto" }, /"strategy"/],
    ["a strategy without its backbone", { strategy: "fine-tune", backbone: undefined }, /needs a pretrained network/],
  ])("refuses %s", async (_, given, message) => {
    await expect(async () => planned(given)).rejects.toThrow(message);
    await expect(async () => planned(given)).rejects.toMatchObject({ code: "usage" });
  });
});
