import type { Value } from "../graph/value.ts";
import type { Range } from "./operators.fixture.ts";

/** One case of one operator: all float inputs are checked. */
export interface GradientRow {
  readonly operator: string;
  readonly title: string;
  readonly shapes: readonly (readonly number[])[];
  readonly range?: Range;
  readonly build: (...inputs: readonly Value[]) => Value;
}

export const row = (
  operator: string,
  title: string,
  shapes: GradientRow["shapes"],
  build: GradientRow["build"],
  range?: Range,
): GradientRow => ({
  operator,
  title,
  shapes,
  build,
  ...(range === undefined ? {} : { range }),
});
