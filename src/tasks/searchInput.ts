import { z } from "zod";
import { searchedStrategies } from "./searchSpace.ts";
import { trainSchema } from "./trainInput.ts";

export const searchMethods = ["random", "halving"] as const;

const {
  budget,
  teacher,
  temperature,
  teacherShare,
  matchFeatures,
  source,
  weighting,
  targets,
  tune,
  taskWeighting,
  ...trained
} = trainSchema.shape;

/** Everything that `graft search` can be told: the options of `train`, which every trial shares unless they are searched, and its own. */
export const searchSchema = z.object({
  ...trained,
  strategy: z
    .enum(searchedStrategies)
    .optional()
    .describe("as for train (default: feature-extraction with a backbone, else scratch)"),
  trials: z
    .number()
    .int()
    .min(2)
    .max(10_000)
    .default(30)
    .describe("settings to try: the first are those of train, the others are drawn by the seed"),
  method: z
    .enum(searchMethods)
    .optional()
    .describe(
      "random trains every trial to its end; halving trains all for a few epochs, the best third of them for three times as many, and so on (default: halving where three trials or more learn by epochs)",
    ),
  space: z
    .string()
    .optional()
    .describe(
      'what is searched, such as "learningRate=1e-4..1e-2,head=linear|cosine", or a JSON file of the same (default: the strategy\'s own space, without the options given here)',
    ),
  out: z.string().optional().describe("folder of the search (default: runs/<name of the data>-search)"),
  resume: z.string().optional().describe("folder of an interrupted search, to be continued with its own settings"),
});

export type SearchInput = z.output<typeof searchSchema>;
