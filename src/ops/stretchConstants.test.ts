import { describe, expect, it } from "vitest";
import { Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { nodesOf } from "../graph/traverse.ts";
import { constantOf, input, type Value } from "../graph/value.ts";
import { createEngine } from "../node/engine.ts";
import { writeModel } from "../onnx/write.ts";
import { add, mul } from "./arithmetic.ts";
import { stretchConstants } from "./stretchConstants.ts";

const x = input("x", "float32", ["N", 3, 4, 5]);
const perChannel = (...values: readonly number[]) => constantOf("float32", [1, values.length, 1, 1], values);

async function run(y: Value): Promise<Float32Array> {
  const program = await createEngine({ threads: 1 }).compile(
    writeModel(emit({ name: "y", inputs: [x], outputs: { y } })),
  );
  const feed = Tensor.float32(
    [2, 3, 4, 5],
    Array.from({ length: 120 }, (_, i) => Math.sin(i)),
  );
  const { y: found } = await program.run({ x: feed });
  await program.dispose();
  return found?.floats ?? new Float32Array(0);
}

const shapesIn = (values: readonly Value[]) =>
  nodesOf(values).flatMap(({ inputs }) =>
    inputs.flatMap((value) => (value?.source.kind === "constant" ? [value.shape] : [])),
  );

describe("stretchConstants", () => {
  it("writes constants over channels out by rows, and the same numbers come out", async () => {
    const y = add(mul(x, perChannel(0.5, -2, 3)), perChannel(1, 0.1, -7));
    const [stretched] = stretchConstants([y]);
    expect(shapesIn([stretched ?? y])).toEqual([
      [1, 3, 1, 5],
      [1, 3, 1, 5],
    ]);
    expect(await run(stretched ?? y)).toEqual(await run(y));
  });

  it("leaves what is the same for all channels, and what is no image", () => {
    for (const y of [mul(x, 2), mul(x, perChannel(2)), add(x, constantOf("float32", [3, 1, 1], [1, 2, 3]))]) {
      expect(stretchConstants([y])).toEqual([y]);
    }
  });
});
