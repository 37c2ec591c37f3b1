import { z } from "zod";

/** What a run took on the machine where it was made. */
export const runCostSchema = z.object({
  seconds: z.number(),
  /** Of the process; absent where it is not known. */
  peakMemoryBytes: z.number().optional(),
  /** Then only what came after the interruption counts. */
  isResumed: z.boolean(),
});

export type RunCost = z.input<typeof runCostSchema>;
