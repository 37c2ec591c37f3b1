import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { createEngine } from "../node/engine.ts";
import type { Model } from "../onnx/model.ts";
import { writeModel } from "../onnx/write.ts";
import { mul } from "../ops/arithmetic.ts";
import { reshape } from "../ops/layout.ts";
import { matmul } from "../ops/products.ts";
import { reduceSum } from "../ops/reductions.ts";
import { transpose } from "../ops/transpose.ts";
import { emit } from "./emit.ts";
import { hideShapes } from "./hideShapes.ts";
import { input } from "./value.ts";

const x = input("x", "float32", [6, 4]);
const w = input("w", "float32", [8, 3]);

/** Reshapes one after another, as lowered convolutions have them, and a constant shape that two of them share. */
function model(): Model {
  const wide = reshape(reshape(x, [2, 3, 4]), [3, 8]);
  const back = transpose(reshape(mul(wide, wide), [8, 3]), { perm: [1, 0] });
  const y = matmul(back, w);
  return emit({ name: "test", inputs: [x, w], outputs: { y, sum: reduceSum(y, { keepdims: 0 }) } });
}

describe("hiding shapes", () => {
  it("leaves no reshape whose lengths the runtime knows before it runs", () => {
    const { graph } = hideShapes(model());
    const reshapes = graph.nodes.filter(({ op, outputs }) => op === "Reshape" && outputs[0] !== "hidden/flat");
    expect(reshapes.length).toBeGreaterThan(2);
    for (const { inputs } of reshapes) expect(graph.initializers.has(inputs[1] ?? "")).toBe(false);
    for (const { shape } of graph.inputs) expect(shape?.[0]).toBeUndefined();
  });

  it("changes no value", async () => {
    const engine = createEngine();
    const feeds = {
      x: Tensor.float32(
        [6, 4],
        Float32Array.from({ length: 24 }, (_, i) => Math.sin(i)),
      ),
      w: Tensor.float32(
        [8, 3],
        Float32Array.from({ length: 24 }, (_, i) => Math.cos(i)),
      ),
    };
    const [plain, hidden] = await Promise.all(
      [model(), hideShapes(model())].map(async (one) => {
        const program = await engine.compile(writeModel(one));
        const result = await program.run(feeds);
        await program.dispose();
        return result;
      }),
    );
    expect(hidden?.["y"]?.floats).toEqual(plain?.["y"]?.floats);
    expect(hidden?.["sum"]?.floats).toEqual(plain?.["sum"]?.floats);
  });

  it("gives zero even where what is fed is not a number", async () => {
    const program = await createEngine().compile(writeModel(hideShapes(model())));
    const { y } = await program.run({
      x: Tensor.float32([6, 4], new Float32Array(24).fill(Number.NaN)),
      w: Tensor.float32([8, 3], new Float32Array(24)),
    });
    await program.dispose();
    expect(y?.shape).toEqual([3, 3]);
  });
});
