import fc from "fast-check";
import { expect } from "vitest";
import { directionalDerivatives } from "./directionalDerivatives.fixture.ts";
import type { GradientRow } from "./gradientRow.fixture.ts";

export type RandomCase = Omit<GradientRow, "operator" | "title">;

/** Compares the generated gradient with central differences in random cases; one takes some 20 ms, most of it in compiling two graphs. */
export async function checkGradients<T extends { readonly seed: number }>(
  drawn: fc.Arbitrary<T>,
  caseOf: (drawing: T) => RandomCase,
  numRuns = 60,
): Promise<void> {
  await fc.assert(
    fc.asyncProperty(drawn, async (drawing) => {
      const title = String(drawing.seed);
      const { analytic, numeric, scale } = await directionalDerivatives({ operator: "", title, ...caseOf(drawing) });
      expect(Math.abs(analytic - numeric)).toBeLessThan(4e-3 * Math.max(1, scale));
    }),
    { numRuns },
  );
}
