import { z } from "zod";

/** Parameters that are trained in their own way, chosen by path; the first group that fits counts. */
export const groupSchema = z.strictObject({
  /** Matched against `backbone/conv1/weight`. */
  paths: z.instanceof(RegExp),
  /** In place of the optimiser's; a schedule scales both alike. */
  learningRate: z.number().min(0).optional(),
  weightDecay: z.number().min(0).optional(),
  frozen: z.boolean().default(false),
  /** Steps of a fit that they sit out before they learn (gradual unfreezing; Howard & Ruder 2018, §3.3); until then they cost no backward pass. */
  frozenSteps: z.number().int().min(0).default(0),
});

export type ParameterGroup = z.output<typeof groupSchema>;
/** A group as it is written, without what has a default. */
export type ParameterOverrides = z.input<typeof groupSchema>;

/** How many steps a parameter sits out at first. */
export function frozenStepsOf(groups: readonly ParameterGroup[], path: string): number {
  return groupOf(groups, path)?.frozenSteps ?? 0;
}

export function groupOf(groups: readonly ParameterGroup[], path: string): ParameterGroup | undefined {
  return groups.find(({ paths }) => new RegExp(paths.source, paths.flags.replace(/[gy]/g, "")).test(path));
}
