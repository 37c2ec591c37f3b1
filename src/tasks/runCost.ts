import { z } from "zod";
import type { Platform } from "../platform/platform.ts";

/** What a run took on the machine where it was made. */
export const runCostSchema = z.object({
  seconds: z.number(),
  /** Of the process; absent where it is not known. */
  peakMemoryBytes: z.number().optional(),
  /** Then only what came after the interruption counts. */
  isResumed: z.boolean(),
});

export type RunCost = z.input<typeof runCostSchema>;

/** Of this process since it began; of a run that was resumed the part since then. */
export function costOf(platform: Platform, startMs: number, isResumed: boolean): RunCost {
  return {
    seconds: (platform.nowMs() - startMs) / 1000,
    peakMemoryBytes: platform.peakMemoryBytes(),
    isResumed,
  };
}
