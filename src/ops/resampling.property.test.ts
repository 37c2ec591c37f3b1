import fc from "fast-check";
import { it } from "vitest";
import { constantOf } from "../graph/value.ts";
import { checkGradients } from "./randomGradients.fixture.ts";
import { resize } from "./resampling.ts";

const coordinates = ["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel", "half_pixel_symmetric"];
const nearest = ["round_prefer_floor", "round_prefer_ceil", "floor", "ceil"];

const drawn = fc.record({
  lengths: fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 2, maxLength: 2 }),
  sizes: fc.array(fc.integer({ min: 1, max: 13 }), { minLength: 2, maxLength: 2 }),
  /** Tenths, so that rounding takes something off the length. */
  scales: fc.array(fc.integer({ min: 3, max: 29 }), { minLength: 2, maxLength: 2 }),
  bySizes: fc.boolean(),
  coordinate_transformation_mode: fc.constantFrom(...coordinates),
  nearest_mode: fc.constantFrom(...nearest),
  antialias: fc.nat(1),
  exclude_outside: fc.nat(1),
  cubic_coeff_a: fc.constantFrom(-0.5, -0.75),
  channels: fc.integer({ min: 1, max: 3 }),
  seed: fc.nat(),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

it("Resize, nearest", async () => {
  await checkGradients(drawn, (drawing) => ({
    shapes: [[2, drawing.channels, ...drawing.lengths]],
    build: (x) => {
      const { coordinate_transformation_mode, nearest_mode } = drawing;
      return resize(x, undefined, ...target(drawing), { coordinate_transformation_mode, nearest_mode, axes: [2, 3] });
    },
  }));
});

it.each(["linear", "cubic"])("Resize, %s", async (mode) => {
  await checkGradients(drawn, (drawing) => ({
    shapes: [[2, drawing.channels, ...drawing.lengths]],
    build: (x) => {
      const { coordinate_transformation_mode, antialias, cubic_coeff_a } = drawing;
      // The runtime knows it for these alone.
      const exclude_outside = mode === "cubic" || antialias ? drawing.exclude_outside : 0;
      const how = { mode, coordinate_transformation_mode, antialias, exclude_outside, cubic_coeff_a, axes: [2, 3] };
      return resize(x, undefined, ...target(drawing), how);
    },
  }));
});

/** The operands "scales" and "sizes", of which one is given. */
function target({ bySizes, sizes, scales, lengths }: Drawn) {
  if (bySizes) return [undefined, constantOf("int64", [2], sizes)] as const;
  // At least one element is left.
  const factors = scales.map((tenths, i) => Math.max(tenths / 10, 1 / lengths[i]));
  return [constantOf("float32", [2], factors), undefined] as const;
}
