import { z } from "zod";
import { openData } from "./dataset.ts";
import { cachedNames, comparedOn, rankBackbones } from "./rankBackbones.ts";
import { defineTask, type Task } from "./task.ts";
import { trainSchema } from "./trainInput.ts";

const { shape } = trainSchema;

/** `graft rank`: which pretrained network fits the images best, before anything is trained. */
export const rank: Task = defineTask({
  name: "rank",
  summary: "Compare pretrained networks on your images by their features, without training",
  input: z.object({
    data: z.string().describe("data set in any form that train takes"),
    backbones: z
      .array(z.string())
      .default([])
      .describe(
        "ONNX files, names of graft backbones, or NAME=WEIGHTS with a file of weights (default: all whose weights are in the cache)",
      ),
    limit: z
      .number()
      .int()
      .min(20)
      .max(4000)
      .default(comparedOn)
      .describe("images to compare on at most, drawn class by class; time grows with their cube"),
    size: shape.size.describe("side of the square that the networks see, in pixels (default: each one's own)"),
    seed: shape.seed.describe("decides which images are compared on, where there are more than --limit"),
    group: shape.group.describe(
      "manifest column or regular expression on the path: images of one group are drawn together",
    ),
    out: z.string().optional().describe("file for the table, as JSON"),
  }),
  positionals: ["data", "backbones"],
  async *run({ data, backbones, limit, size, seed, group, out }, platform, signal) {
    const wanted = backbones.length > 0 ? [...new Set(backbones)] : await cachedNames(platform);
    const source = yield* openData(data, platform, { group });
    const order = yield* rankBackbones(wanted, { source, limit, size, seed, platform, signal });
    yield { type: "ranking", entries: order };
    if (out === undefined) return;
    await platform.store.write(out, new TextEncoder().encode(`${JSON.stringify(order, undefined, 2)}\n`));
    yield { type: "artefact", kind: "ranking", path: out };
  },
});
