import { describe, expect, it } from "vitest";
import { tuningOf } from "./multiTaskInput.ts";
import { trainSchema } from "./trainInput.ts";
import { settingsOf, strategyOf } from "./trainPlan.ts";

const inputOf = (more: Record<string, unknown>) =>
  trainSchema.parse({ data: "labels.csv", backbone: "b.onnx", ...more });

describe("the options of multi-task", () => {
  it("make it the strategy when they name targets", () => {
    expect(strategyOf(inputOf({ targets: "kind" }))).toBe("multi-task");
    expect(strategyOf(inputOf({}))).toBe("auto");
  });

  it("tune heads alone, or the backbone too, each with what suits it", () => {
    const heads = inputOf({ targets: "kind" });
    expect(tuningOf(heads)).toEqual({ kind: "heads", head: "linear" });
    expect(settingsOf(heads, "multi-task").augment).toBe("none");
    for (const tuned of [inputOf({ targets: "kind", tune: "all" }), inputOf({ targets: "kind", stages: 2 })]) {
      expect(strategyOf(tuned)).toBe("multi-task");
      expect(tuningOf(tuned).kind).toBe("all");
      expect(settingsOf(tuned, "multi-task")).toEqual({ ...settingsOf(tuned, "fine-tune"), strategy: "multi-task" });
    }
  });

  it.each([
    [
      "another strategy",
      { targets: "kind", strategy: "fine-tune" },
      /--targets is for --strategy multi-task, not fine-tune/,
    ],
    ["another strategy by default", { taskWeighting: "uncertainty" }, /--task-weighting is for --strategy multi-task/],
    ["no columns", { strategy: "multi-task" }, /name them with --targets/],
    ["a head of one label", { targets: "kind", head: "knn" }, /--head knn knows classes of one label only/],
    ["weights where nothing is shared", { targets: "kind*2" }, /share nothing.*--head mlp.*--tune all/],
    ["learned weights where nothing is shared", { targets: "kind", taskWeighting: "uncertainty" }, /share nothing/],
    [
      "learned weights beside given ones",
      { targets: "kind*2", head: "mlp", taskWeighting: "uncertainty" },
      /leave out the weight "\*2" of "kind"/,
    ],
    ["stages of a backbone that stays", { targets: "kind", tune: "heads", stages: 1 }, /--stages: --tune heads leaves/],
    [
      "a pull on a backbone that stays",
      { targets: "kind", l2sp: 0.1 },
      /--l2sp: the backbone stays as it is without --tune all/,
    ],
    ["a hidden layer behind a backbone that learns", { targets: "kind", tune: "all", head: "mlp" }, /heads are linear/],
    ["mixed images", { targets: "kind", mixup: 0.2 }, /--mixup is for/],
    [
      "what one label says of feature maps",
      { targets: "kind", tune: "all", delta: 0.1 },
      /--delta judges feature maps/,
    ],
    [
      "a backbone yet to be chosen",
      { targets: "kind", backbone: "auto" },
      /--backbone auto ranks networks by one label/,
    ],
    ["the images of a source", { targets: "kind", source: "more" }, /--source is for --strategy instance-transfer/],
    ["shots", { targets: "kind", shots: 2 }, /--shots counts images of one label/],
  ] as const)("refuse %s", (_, more, message) => {
    expect(() => strategyOf(inputOf(more))).toThrow(message);
  });
});
