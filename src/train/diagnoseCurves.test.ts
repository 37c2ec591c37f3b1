import { describe, expect, it } from "vitest";
import { diagnoseCurves } from "./diagnoseCurves.ts";

const validated = { count: 200, majority: 0.5 };
const log = (epoch: number, accuracy: number, held: number, loss: number) => ({
  epoch,
  accuracy,
  val_accuracy: held,
  val_loss: loss,
});

describe("diagnoseCurves", () => {
  it("tells over-fitting by a gap beyond chance, at the epoch that is kept", () => {
    const history = [log(1, 0.7, 0.69, 0.8), log(2, 0.95, 0.8, 0.6), log(3, 1, 0.7, 0.9)];
    expect(diagnoseCurves(history, validated)).toMatchObject({ kind: "over-fitting", gap: expect.closeTo(0.15, 9) });
    // The same gap on ten images is within chance.
    expect(diagnoseCurves(history, { count: 10, majority: 0.5 })?.kind).toBe("balanced");
  });

  it("tells under-fitting, and whether more epochs would help", () => {
    const falling = [1, 0.9, 0.8, 0.7, 0.6].map((loss, i) => log(i + 1, 0.6 + 0.03 * i, 0.7, loss));
    expect(diagnoseCurves(falling, validated)).toMatchObject({ kind: "under-fitting", isImproving: true });
    expect(diagnoseCurves(falling.slice(0, 2), validated)).toMatchObject({ isImproving: true });
    expect(diagnoseCurves(falling.slice(0, 1), validated)).toMatchObject({ isImproving: false });
    const flat = [0.7, 0.69, 0.69, 0.69, 0.69].map((loss, i) => log(i + 1, 0.7, 0.7, loss));
    expect(diagnoseCurves(flat, validated)).toMatchObject({ kind: "under-fitting", isImproving: false });
  });

  it("says when the most frequent class alone would do as well", () => {
    expect(diagnoseCurves([log(1, 0.75, 0.74, 0.6)], { count: 200, majority: 0.74 })?.kind).toBe(
      "no-better-than-majority",
    );
  });

  it("is content with a good fit, and silent without figures", () => {
    expect(diagnoseCurves([log(1, 0.97, 0.96, 0.1)], validated)?.kind).toBe("balanced");
    expect(diagnoseCurves([], validated)).toBe(undefined);
    expect(diagnoseCurves([{ epoch: 1, loss: 1 }], validated)).toBe(undefined);
    expect(diagnoseCurves([log(1, 1, 1, 0.1)], { count: 0, majority: 0 })).toBe(undefined);
  });
});
