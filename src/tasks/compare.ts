import { z } from "zod";
import { GraftError } from "../base/errors.ts";
import { compareAnswers } from "../metrics/comparison.ts";
import { majorityShare } from "../metrics/majority.ts";
import type { Platform } from "../platform/platform.ts";
import { checkClasses, commonImages } from "./commonImages.ts";
import { answersOnData, type JudgedRun, storedAnswers } from "./judgedRun.ts";
import { type Comparison, defineTask, type Task, type TaskEvent } from "./task.ts";

/** `graft compare`: whether one run is better than another, on images that all of them held out. */
export const compare: Task = defineTask({
  name: "compare",
  summary: "Tell whether one run is better than another, on the same images",
  input: z.object({
    runs: z
      .array(z.string())
      .min(2, "give two runs at least, such as: graft compare runs/a runs/b")
      .describe("run folders; the others are compared with the first"),
    data: z
      .string()
      .optional()
      .describe(
        "judge them on this labelled data set, in any form that train takes (default: images they all held out)",
      ),
    out: z.string().optional().describe("file for the figures, as JSON"),
  }),
  positionals: ["runs"],
  async *run({ runs: paths, data, out }, platform, signal) {
    const runs =
      data === undefined ? await allStored(paths, platform) : yield* answersOnData(paths, data, platform, signal);
    checkClasses(runs);
    const comparisons: Comparison[] = [];
    for (const part of new Set(runs.flatMap(({ parts }) => [...parts.keys()]))) {
      const comparison = yield* compared(runs, part);
      if (comparison === undefined) continue;
      comparisons.push(comparison);
      yield { type: "comparison", comparison };
    }
    if (comparisons.length === 0) {
      const advice = data === undefined ? " Judge them on other labelled images with --data." : "";
      throw new GraftError("data", `compare: there is no image that all runs answered and none learned from.${advice}`);
    }
    if (out === undefined) return;
    await platform.store.write(out, new TextEncoder().encode(`${JSON.stringify(comparisons, undefined, 2)}\n`));
    yield { type: "artefact", kind: "comparison", path: out };
  },
});

function allStored(paths: readonly string[], platform: Platform): Promise<readonly JudgedRun[]> {
  return Promise.all(paths.map((path) => storedAnswers(path, platform)));
}

const flattery =
  "validation images also decided when each training stopped, which flatters: test images, or new ones by --data, judge more fairly";

async function* compared(runs: readonly JudgedRun[], part: string): AsyncGenerator<TaskEvent, Comparison | undefined> {
  const common = commonImages(runs, part);
  if (common === undefined) return undefined;
  for (const text of common.warnings) yield { type: "warning", text };
  const { truth, answers } = common;
  if (truth.length === 0) return undefined;
  if (part === "validation") yield { type: "note", text: flattery };
  const standings = compareAnswers(answers.map((given) => given.map((answer, i) => Number(answer === truth[i]))));
  return {
    part,
    images: truth.length,
    majority: majorityShare(truth),
    runs: standings.map((standing, i) => ({ run: runs[i]?.path ?? "", ...standing })),
  };
}
