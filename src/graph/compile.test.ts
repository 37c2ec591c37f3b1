import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { createEngine } from "../node/engine.ts";
import { writeModelParts } from "../onnx/write.ts";
import { add } from "../ops/arithmetic.ts";
import { compileGraph } from "./compile.ts";
import { emit } from "./emit.ts";
import { constant, input } from "./value.ts";

const length = 50_000;

/** x plus 0, 1, 2, …, which lie at an odd place of a larger memory, as in a file. */
function counting() {
  const memory = new Uint8Array(4 * length + 3);
  const numbers = Float32Array.from({ length }, (_, i) => i);
  memory.set(new Uint8Array(numbers.buffer), 3);
  const weights = constant(new Tensor("float32", [length], memory.subarray(3)), "weights");
  const x = input("x", "float32", [length]);
  return { memory, emission: { name: "counting", inputs: [x], outputs: { y: add(x, weights) } } };
}

describe("a graph with large constants", () => {
  for (const runtime of ["native", "wasm"] as const) {
    it(`compiles without a copy of them in the model, and keeps none of their memory: ${runtime}`, async () => {
      const { memory, emission } = counting();
      expect(writeModelParts(emit(emission)).bytes.length).toBeLessThan(1000);
      const program = await compileGraph(emission, createEngine({ runtime }));
      memory.fill(0);
      const { y } = await program.run({ x: Tensor.of("float32", [length], new Float32Array(length).fill(1)) });
      await program.dispose();
      expect(y?.floats).toEqual(Float32Array.from({ length }, (_, i) => i + 1));
    });
  }

  it("does not compile without them", async () => {
    const { bytes } = writeModelParts(emit(counting().emission));
    await expect(createEngine().compile(bytes)).rejects.toMatchObject({ code: "model" });
  });

  it("leaves the model as it was", () => {
    const model = emit(counting().emission);
    const { externalData } = writeModelParts(model);
    expect([...externalData.keys()]).toEqual(["weights/0"]);
    expect(writeModelParts(model).externalData).toEqual(externalData);
  });
});
