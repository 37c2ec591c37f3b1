import { describe, expect, it } from "vitest";
import { directionalDerivatives } from "./directionalDerivatives.fixture.ts";
import { gradientRows } from "./gradients.fixture.ts";
import { operators } from "./registry.ts";

describe("gradients agree with central differences in a random direction", () => {
  it.each(gradientRows.map((row) => [`${row.operator}: ${row.title}`, row] as const))("%s", async (_, row) => {
    const { analytic, numeric, scale } = await directionalDerivatives(row);
    // Central differences err by O(step²) of the third derivative and by float32 rounding of the loss over the step.
    expect(Math.abs(analytic - numeric)).toBeLessThan(4e-3 * Math.max(1, scale));
  });

  it("covers every operator that has a gradient", () => {
    const differentiable = [...operators.values()]
      .filter(({ rule }) => rule?.vjp !== undefined)
      .map(({ name }) => name);
    const covered = new Set(gradientRows.map(({ operator }) => operator));
    expect(differentiable.filter((name) => !covered.has(name))).toEqual([]);
  });
});
