import { describe, expect, it } from "vitest";
import { classCounts, resampledPlaces } from "./partialTransfer.ts";

describe("classes that the target lacks", () => {
  it("count by what the answers on the target say, in units of the largest", () => {
    // Means ½, ⅜ and ⅛.
    const counts = classCounts(Float32Array.of(0.75, 0.25, 0, 0.25, 0.5, 0.25), 3);
    expect(counts).toEqual([1, 0.75, 0.25]);
  });

  it("are seldom among as many images as there were, the others evenly", () => {
    const labels = [0, 1, 2, 0, 1, 2, 0, 1];
    const places = resampledPlaces(labels, [1, 0.5, 0]);
    expect(places).toHaveLength(labels.length);
    const ofClass = (wanted: number) => places.filter((place) => labels[place] === wanted).length;
    // 3 images at 1 and 3 at ½ are 4.5: of eight, 5⅓ and 2⅔.
    expect([ofClass(0), ofClass(1), ofClass(2)]).toEqual([5, 3, 0]);
    expect(resampledPlaces(labels, [1, 1, 1])).toEqual([...labels.keys()]);
  });
});
