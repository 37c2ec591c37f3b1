import { describe, expect, it } from "vitest";
import { stream } from "../base/random.ts";
import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { emit } from "../graph/emit.ts";
import { leavesOf, nodesOf } from "../graph/traverse.ts";
import { input, type Value } from "../graph/value.ts";
import { createEngine } from "../node/engine.ts";
import { writeModel } from "../onnx/write.ts";
import { blockSizeOf } from "../train/blockSize.ts";
import { leakyRelu, relu } from "./activations.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { toBlockedLayout } from "./blockedLayout.ts";
import { conv } from "./convolution.ts";
import { foldBatchNorm } from "./foldBatchNorm.ts";
import { reshape } from "./layout.ts";
import { lowerTraining } from "./lowerTraining.ts";
import { batchNormalization } from "./normalisation.ts";
import { globalAveragePool, maxPool } from "./pooling.ts";
import { reduceMean, reduceSum } from "./reductions.ts";

const engine = createEngine();

const weights = (name: string, ...shape: number[]) => input(name, "float32", shape);
const three = { pads: [1, 1, 1, 1] };

/** Graphs of what lies in networks, large enough to be worth blocking. */
const networks: Readonly<Record<string, () => Value>> = {
  "a first layer, a pooling and a projection": () => {
    const x = weights("x", 2, 3, 64, 64);
    const first = relu(conv(x, weights("w1", 32, 3, 7, 7), weights("b1", 32), { pads: [3, 3, 3, 3], strides: [2, 2] }));
    return conv(
      maxPool(first, { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
      weights("w2", 64, 32, 1, 1),
      { strides: [2, 2] },
    );
  },
  "a residual block": () => {
    const x = relu(conv(weights("x", 2, 16, 40, 40), weights("w0", 32, 16, 3, 3), three));
    const first = relu(conv(x, weights("w1", 32, 32, 3, 3), weights("b1", 32), three));
    return relu(add(conv(first, weights("w2", 32, 32, 3, 3), weights("b2", 32), three), x));
  },
  "a residual block that shrinks": () => {
    const x = relu(conv(weights("x", 2, 16, 80, 80), weights("w0", 16, 16, 3, 3), three));
    const first = relu(conv(x, weights("w1", 32, 16, 3, 3), { ...three, strides: [2, 2] }));
    const short = conv(x, weights("ws", 32, 16, 1, 1), { strides: [2, 2] });
    return relu(add(short, conv(first, weights("w2", 32, 32, 3, 3), three)));
  },
  "depthwise and dilated convolutions": () => {
    const x = conv(weights("x", 2, 32, 40, 40), weights("w0", 32, 32, 1, 1), weights("b0", 32));
    const deep = relu(conv(x, weights("w1", 32, 1, 3, 3), { ...three, group: 32 }));
    return conv(deep, weights("w2", 32, 32, 3, 3), { pads: [2, 2, 2, 2], dilations: [2, 2] });
  },
  "a depthwise convolution that shrinks and leaves a rest": () => {
    const x = conv(weights("x", 2, 32, 80, 80), weights("w0", 32, 32, 1, 1));
    const deep = relu(conv(x, weights("w1", 32, 1, 5, 3), { pads: [2, 0, 1, 1], strides: [2, 2], group: 32 }));
    return conv(deep, weights("w2", 32, 32, 3, 3));
  },
  "uneven pads": () => {
    const x = conv(weights("x", 2, 32, 40, 40), weights("w0", 32, 32, 1, 1));
    return conv(x, weights("w1", 32, 32, 3, 3), { pads: [0, 0, 1, 1] });
  },
  "statistics per channel between convolutions": () => {
    const x = conv(weights("x", 2, 16, 40, 40), weights("w0", 32, 16, 3, 3), three);
    const centred = sub(x, reduceMean(x, [0, 2, 3], { keepdims: 1 }));
    return conv(relu(mul(centred, weights("scale", 1, 32, 1, 1))), weights("w1", 32, 32, 3, 3), three);
  },
  "deep convolutions on small maps": () => {
    const x = relu(conv(weights("x", 4, 16, 32, 32), weights("w0", 64, 16, 3, 3), { ...three, strides: [4, 4] }));
    const first = conv(x, weights("w1", 64, 64, 3, 3), weights("b1", 64), { pads: [0, 1, 2, 1] });
    return conv(relu(first), weights("w2", 96, 64, 1, 1), weights("b2", 96));
  },
  "comparisons between convolutions": () => {
    const x = conv(weights("x", 2, 16, 40, 40), weights("w0", 32, 16, 3, 3), three);
    return conv(leakyRelu(x), weights("w1", 32, 32, 3, 3), three);
  },
  "a result that is used twice": () => {
    const x = conv(weights("x", 2, 16, 40, 40), weights("w0", 32, 16, 3, 3), three);
    return add(relu(x), mul(x, 0.5));
  },
};

describe("the blocked layout", async () => {
  const block = await blockSizeOf(engine);

  it.skipIf(block === undefined).each(Object.entries(networks))(
    "gives the same values and gradients for %s",
    async (_, build) => {
      const y = build();
      const parameters = leavesOf([y]).filter(({ source }) => source.kind === "input");
      const loss = reduceSum(mul(y, weights("probe", ...y.staticShape)), { keepdims: 0 });
      const outputs = [y, ...differentiate(loss, parameters)];
      const blocked = lowerTraining(outputs, block ?? 0);
      const own = (values: readonly Value[]) =>
        nodesOf(values).filter(({ operator }) => operator.name === "Conv" && operator.domain === "").length;
      expect(own(blocked)).toBeLessThan(own(outputs));
      const [expected, actual] = [await run(outputs), await run(blocked)];
      for (const [i, values] of actual.entries()) expect(relativeDistance(values, expected[i])).toBeLessThan(1e-5);
    },
  );

  it.skipIf(block === undefined)(
    "makes a residual block two nodes without a pass of their own for sum and relu",
    () => {
      const build = networks["a residual block"];
      const names = nodesOf(toBlockedLayout([build()], block ?? 0)).map(({ operator }) => operator.name);
      expect(names.filter((name) => name === "Conv")).toHaveLength(3);
      expect(names).not.toContain("Relu");
      expect(names).not.toContain("Add");
    },
  );

  it("leaves a graph without large convolutions as it is", () => {
    const y = relu(conv(weights("x", 1, 16, 8, 8), weights("w", 16, 16, 3, 3), three));
    expect(toBlockedLayout([y], 16)).toEqual([y]);
  });
});

describe("folding batch normalisation", () => {
  it("keeps values and the gradients of filter, bias, scale and shift", async () => {
    const x = weights("x", 2, 3, 9, 9);
    const w = weights("w", 4, 3, 3, 3);
    const b = weights("b", 4);
    const [scale, shift, mean] = [weights("scale", 4), weights("shift", 4), weights("mean", 4)];
    const variance = reshape(mul(mean, mean), [4]);
    const y = globalAveragePool(relu(batchNormalization(conv(x, w, b, three), scale, shift, mean, variance, {})));
    const [folded] = foldBatchNorm([y]);
    expect(nodesOf([folded]).map(({ operator }) => operator.name)).not.toContain("BatchNormalization");
    const parameters = [x, w, b, scale, shift, mean];
    const withGradients = (value: Value) => [value, ...differentiate(reduceSum(mul(value, value)), parameters)];
    const [expected, actual] = [await run(withGradients(y)), await run(withGradients(folded))];
    for (const [i, values] of actual.entries()) expect(relativeDistance(values, expected[i])).toBeLessThan(1e-4);
  });

  it("leaves a normalisation alone whose input something else sees, or that measures its statistics", () => {
    const x = conv(weights("x", 2, 3, 9, 9), weights("w", 4, 3, 3, 3));
    const operands = [weights("scale", 4), weights("shift", 4), weights("mean", 4), weights("variance", 4)] as const;
    const seen = add(batchNormalization(x, ...operands, {}), x);
    expect(foldBatchNorm([seen])).toEqual([seen]);
    const measured = batchNormalization(x, ...operands, { training_mode: 1 });
    expect(foldBatchNorm([measured])).toEqual([measured]);
  });
});

async function run(outputs: readonly Value[]): Promise<readonly Float32Array[]> {
  const inputs = leavesOf(outputs).filter(({ source }) => source.kind === "input");
  const named = Object.fromEntries(outputs.map((value, i) => [`output${i}`, value]));
  const program = await engine.compile(writeModel(emit({ name: "test", inputs, outputs: named })));
  const feeds = Object.fromEntries(
    inputs.map(({ source, staticShape }) => {
      const name = source.kind === "input" ? source.name : "";
      const random = stream(1, name);
      const values = Array.from({ length: staticShape.reduce((a, b) => a * b, 1) }, () => random.uniform(-1, 1));
      return [name, Tensor.float32(staticShape, values)];
    }),
  );
  const results = await program.run(feeds);
  await program.dispose();
  return outputs.map((_, i) => results[`output${i}`].floats);
}

/** The largest difference over the largest value. */
function relativeDistance(a: Float32Array, b: Float32Array): number {
  expect(a.length).toBe(b.length);
  let [difference, largest] = [0, 1e-6];
  a.forEach((value, i) => {
    difference = Math.max(difference, Math.abs(value - b[i]));
    largest = Math.max(largest, Math.abs(b[i]));
  });
  return Number.isNaN(difference) ? Number.POSITIVE_INFINITY : difference / largest;
}
