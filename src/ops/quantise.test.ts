import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { emit } from "../graph/emit.ts";
import { nodesOf } from "../graph/traverse.ts";
import { constant, input, type Value } from "../graph/value.ts";
import { createEngine } from "../node/engine.ts";
import { writeModel } from "../onnx/write.ts";
import { relu } from "./activations.ts";
import { add } from "./arithmetic.ts";
import { conv } from "./convolution.ts";
import { flatten } from "./layout.ts";
import { globalAveragePool } from "./pooling.ts";
import { gemm } from "./products.ts";
import { quantisationPlan, quantise } from "./quantise.ts";

const engine = createEngine({ threads: 1 });
const shape = [1, 4, 6, 6];

function noise(name: string, of: readonly number[], scale = 1): Tensor {
  const random = stream(3, name);
  const size = of.reduce((product, length) => product * length, 1);
  return Tensor.float32(
    of,
    Array.from({ length: size }, () => scale * random.uniform(-1, 1)),
  );
}

const x = input("x", "float32", shape);
const filter = constant(noise("filter", [4, 4, 3, 3], 0.3));
// The last filter is a hundredth of the others: with one scale for all it would be noise.
for (const i of Array.from({ length: 36 }, (_, k) => 108 + k)) {
  if (filter.source.kind === "constant") filter.source.tensor.floats[i] = (filter.source.tensor.floats[i] ?? 0) / 100;
}
const shift = constant(noise("shift", [4], 0.1));
const first = relu(conv(x, filter, shift, { pads: [1, 1, 1, 1] }));
const second = add(conv(first, constant(noise("second", [4, 4, 1, 1], 0.5)), undefined, {}), x);
const logits = gemm(flatten(globalAveragePool(second)), constant(noise("head", [3, 4])), constant(noise("bias", [3])), {
  transB: 1,
});

async function run(outputs: Record<string, Value>, feed: Tensor): Promise<Record<string, Tensor>> {
  const program = await engine.compile(writeModel(emit({ name: "quantised", inputs: [x], outputs })));
  try {
    return await program.run({ x: feed });
  } finally {
    await program.dispose();
  }
}

/** The plan with what it observes and what its weights are, on one feed. */
async function measured(feed: Tensor) {
  const plan = quantisationPlan([logits]);
  const observed = await run(Object.fromEntries(plan.observed.map((value, i) => [`v${i}`, value])), feed);
  const ranges = new Map(
    plan.observed.map((value, i) => {
      const floats = observed[`v${i}`]?.floats ?? new Float32Array(0);
      return [value, { min: Math.min(...floats), max: Math.max(...floats) }] as const;
    }),
  );
  const weights = new Map(
    [...plan.kernels.values()]
      .flatMap((kernel) => [kernel.weights, kernel.bias])
      .flatMap((value) => (value?.source.kind === "constant" ? [[value, value.source.tensor] as const] : [])),
  );
  return { plan, ranges, weights };
}

describe("quantise", () => {
  it("plans kernels, what flows between them, and leaves logits in float", () => {
    const { kernels, observed } = quantisationPlan([logits]);
    expect([...kernels.keys()].map(({ operator }) => operator.name)).toEqual([
      "Conv",
      "Conv",
      "Add",
      "GlobalAveragePool",
      "Gemm",
    ]);
    // The relu's output stands for that of the convolution before it.
    expect(observed).toContain(first);
    expect(observed).toContain(x);
    expect(observed).not.toContain(logits);
  });

  it("answers as the float graph does, within the steps of 8 bits", async () => {
    const feed = noise("feed", shape);
    const { plan, ranges, weights } = await measured(feed);
    const [bytes] = quantise([logits], plan, { ranges, weights, weightRange: "full" });
    const expected = (await run({ logits }, feed))["logits"]?.floats ?? new Float32Array(0);
    const found = (await run({ logits: bytes as Value }, feed))["logits"]?.floats ?? new Float32Array(0);
    const largest = Math.max(...expected.map(Math.abs));
    expect(found).toHaveLength(expected.length);
    for (const [i, value] of found.entries()) expect(Math.abs(value - (expected[i] ?? 0)) / largest).toBeLessThan(0.03);
  });

  it.each([
    ["full", 127],
    ["reduced", 63],
  ] as const)("stores each filter by its own largest weight, range %s", async (weightRange, largest) => {
    const { plan, ranges, weights } = await measured(noise("feed", shape));
    const outputs = quantise([logits], plan, { ranges, weights, weightRange });
    const stored = nodesOf(outputs)
      .flatMap(({ inputs }) => inputs)
      .find((value) => value?.source.kind === "constant" && value.dtype === "int8" && value.rank === 4);
    const bytes = stored?.source.kind === "constant" ? [...stored.source.tensor.numbers] : [];
    for (let i = 0; i < 4; i++) {
      expect(Math.max(...bytes.slice(i * 36, (i + 1) * 36).map(Math.abs))).toBe(largest);
    }
  });
});
