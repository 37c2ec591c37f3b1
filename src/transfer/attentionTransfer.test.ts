import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { input, type Value } from "../graph/value.ts";
import { buildLoss, type Loss } from "../nn/loss.ts";
import { Parameters, startBuild } from "../nn/scope.ts";
import { evaluate } from "../ops/operators.fixture.ts";
import { reduceSum } from "../ops/reductions.ts";
import { attention, attentionTransfer, type MapSize, pairStages, positions } from "./attentionTransfer.ts";

const grid = { height: 1, width: 2 };

/** A loss whose targets are one number a row, which it gives back. */
const given: Loss = {
  name: "given",
  target: (prediction) => ({ dtype: "float32", shape: [prediction.staticShape[0] ?? 0, 1] }),
  perSample: (target) => reduceSum(target, [1], { keepdims: 0 }),
};

/** The loss of each sample and the gradient of their sum for the student's maps. */
async function measured(maps: Tensor, target: Tensor, strength: number) {
  const student = input("maps", "float32", maps.shape);
  const build = startBuild(new Parameters());
  build.layerOutputs.set("stage", student);
  const prediction = input("prediction", "float32", [maps.shape[0] ?? 0, 2]);
  const loss = attentionTransfer(given, [{ layer: "stage", grid }], strength);
  const { fed, perSample } = buildLoss(loss, prediction, build);
  const [gradient] = differentiate(reduceSum(perSample, { keepdims: 0 }), [student]) as [Value];
  const result = await evaluate([student, fed], { perSample, gradient }, { maps, target });
  return { losses: result["perSample"]?.floats ?? new Float32Array(0), gradient: result["gradient"]?.floats };
}

describe("where a network looks", () => {
  it("is the sum of squares over the channels, averaged over windows, of length 1", async () => {
    // Two channels of 2×4: energies by place are 1+4, 0+1, 9+0, 4+4 and 0+1, 1+0, 1+1, 0+1.
    const maps = Tensor.float32([1, 2, 2, 4], [1, 0, 3, 2, 0, 1, 1, 0, 2, 1, 0, 2, 1, 0, 1, 1]);
    const x = input("x", "float32", maps.shape);
    const looks = await evaluate([x], { looks: attention(x, grid) }, { x: maps });
    const windows = [(5 + 1 + 1 + 1) / 4, (9 + 8 + 2 + 1) / 4];
    const length = Math.hypot(...windows);
    const expected = windows.map((mean) => mean / length);
    for (const [i, value] of (looks["looks"]?.floats ?? []).entries()) expect(value).toBeCloseTo(expected[i] ?? 0, 6);
  });
});

describe("attention transfer", () => {
  it("adds half its strength times the distance of both looks, times the sample's weight", async () => {
    // The student looks at (3, 4)/5, its channels squared; the teachers at (1, 0) and, with weight 2, at (0.6, 0.8).
    const maps = Tensor.float32([2, 1, 1, 2], [Math.sqrt(3), 2, Math.sqrt(3), 2]);
    const target = Tensor.float32([2, 3], [7, 1, 0, 5, 1.2, 1.6]);
    const { losses } = await measured(maps, target, 10);
    expect(losses[0]).toBeCloseTo(7 + 5 * Math.hypot(0.6 - 1, 0.8), 5);
    // Rounding of numbers near 1 is 6e-8, times 5 and the weight.
    expect(losses[1]).toBeCloseTo(5, 5);
    const weighted = await measured(maps, Tensor.float32([2, 3], [0, 2, 0, 0, 0, 3]), 10);
    expect(weighted.losses[0]).toBeCloseTo(2 * 5 * Math.hypot(0.6 - 1, 0.8), 5);
    expect(weighted.losses[1]).toBeCloseTo(3 * 5 * Math.hypot(0.6, 0.8 - 1), 5);
  });

  it("has the gradient of central differences", async () => {
    const random = stream(3, "maps");
    const shape = [2, 3, 2, 4];
    const maps = Float32Array.from({ length: 48 }, () => random.uniform(-1, 1));
    const target = Tensor.float32([2, 3], [0, 0.6, 0.8, 0, 0.8, -0.6]);
    const { gradient = new Float32Array(0) } = await measured(Tensor.float32(shape, maps), target, 2);
    const total = async (moved: Float32Array) =>
      (await measured(Tensor.float32(shape, moved), target, 2)).losses.reduce((sum, one) => sum + one, 0);
    // Along a random direction u of length near 7: ∇·u against (f(x + hu) − f(x − hu)) / 2h, with h where float32's rounding and h² are both small.
    const direction = maps.map(() => random.uniform(-1, 1));
    const h = 5e-3;
    const at = (step: number) => total(maps.map((value, i) => value + step * (direction[i] ?? 0)));
    const slope = ((await at(h)) - (await at(-h))) / (2 * h);
    const expected = gradient.reduce((sum, value, i) => sum + value * (direction[i] ?? 0), 0);
    expect(Math.abs(expected)).toBeGreaterThan(0.01);
    expect(slope).toBeCloseTo(expected, 3);
  });

  it("stays finite where the student sees nothing, both agree, or a sample has no weight", async () => {
    const maps = Tensor.float32([3, 1, 1, 2], [0, 0, 1, 0, 1, 1]);
    const { losses, gradient } = await measured(maps, Tensor.float32([3, 3], [0, 0.6, 0.8, 0, 1, 0, 0, 0, 0]), 2);
    expect([...losses].map((loss) => Math.round(loss * 1e6) / 1e6)).toEqual([1, 0, 0]);
    for (const value of gradient ?? [Number.NaN]) expect(Math.abs(value)).toBeLessThan(1e-3);
  });
});

describe("pairs of stages", () => {
  const square = (side: number): MapSize => ({ height: side, width: side });

  it("go from the last backwards, where convolutions without padding make no stage of their own", () => {
    const student = [96, 94, 47, 45, 22, 20, 10].map(square);
    const resnet = [48, 24, 12, 6, 3].map(square);
    expect(pairStages(resnet, student)).toEqual([
      { teacher: 1, student: 1, grid: square(14) },
      { teacher: 2, student: 3, grid: square(12) },
      { teacher: 3, student: 5, grid: square(6) },
      { teacher: 4, student: 6, grid: square(3) },
    ]);
  });

  it("are none where a network has no maps", () => {
    expect(pairStages([], [square(4)])).toEqual([]);
    expect(pairStages([square(4)], [])).toEqual([]);
  });

  it("keep their order, fit into both maps and stay small", () => {
    const stages = fc
      .array(fc.record({ height: fc.integer({ min: 1, max: 120 }), width: fc.integer({ min: 1, max: 120 }) }), {
        maxLength: 6,
      })
      .map((sizes) => sizes.sort((a, b) => positions(b) - positions(a)));
    fc.assert(
      fc.property(stages, stages, (teacher, student) => {
        const pairs = pairStages(teacher, student);
        expect(pairStages(student, teacher)).toEqual(
          pairs.map(({ teacher: theirs, student: ours, grid: common }) => ({
            teacher: ours,
            student: theirs,
            grid: common,
          })),
        );
        for (const [i, pair] of pairs.entries()) {
          const both = [teacher[pair.teacher], student[pair.student]];
          for (const { height = 0, width = 0 } of both.map((size) => size ?? { height: 0, width: 0 })) {
            expect(pair.grid.height).toBeLessThanOrEqual(Math.min(14, height));
            expect(pair.grid.width).toBeLessThanOrEqual(Math.min(14, width));
          }
          expect(positions(pair.grid)).toBeGreaterThan(1);
          const next = pairs[i + 1];
          if (next === undefined) continue;
          expect(next.teacher).toBeGreaterThan(pair.teacher);
          expect(next.student).toBeGreaterThan(pair.student);
        }
        const [lastOfTeacher, lastOfStudent] = [teacher.at(-1), student.at(-1)];
        const compares =
          Math.min(lastOfTeacher?.height ?? 0, lastOfStudent?.height ?? 0) *
            Math.min(lastOfTeacher?.width ?? 0, lastOfStudent?.width ?? 0) >
          1;
        if (compares) expect(pairs.at(-1)).toMatchObject({ teacher: teacher.length - 1, student: student.length - 1 });
      }),
    );
  });
});
