import fc from "fast-check";
import { expect, it } from "vitest";
import { rankBy, rankedByAll } from "./rankedSamples.ts";

const floats = fc.array(fc.oneof(fc.float({ noNaN: true }), fc.constantFrom(0, -0, 0.5, 1)), { maxLength: 60 });

it("orders floats of any sign and size as a comparison sort does, equal ones as they came", () => {
  fc.assert(
    fc.property(floats, floats, (first, second) => {
      const count = Math.min(first.length, second.length);
      const columns = [first.slice(0, count), second.slice(0, count)].map((column) => Float32Array.from(column));
      const probabilities = Float32Array.from({ length: 2 * count }, (_, i) => columns[i % 2][Math.floor(i / 2)]);
      const batch = { probabilities, labels: new Int32Array(count), classes: 2 };
      const [by, kept] = [rankBy(batch), rankedByAll(batch)];
      for (const [c, column] of columns.entries()) {
        const sorted = [...column.keys()].sort((a, b) => compare(column[a], column[b]) || a - b);
        expect([...by(c).places]).toEqual(sorted);
        expect([...by(c).scores]).toEqual(sorted.map((i) => column[i]));
        expect(kept(c)).toEqual(by(c));
      }
    }),
  );
});

/** −0 goes before 0, which a score of 0 cannot tell from it: they stay neighbours. */
function compare(a: number, b: number): number {
  if (a < b) return -1;
  if (a > b) return 1;
  return Number(Object.is(b, -0)) - Number(Object.is(a, -0));
}
