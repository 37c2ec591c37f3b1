import fc from "fast-check";
import { expect, it } from "vitest";
import { sizeOf } from "../base/tensor.ts";
import { constantOf, type Value } from "../graph/value.ts";
import { add } from "./arithmetic.ts";
import { conv, convTranspose } from "./convolution.ts";
import { floatInput } from "./operators.fixture.ts";
import { averagePool, maxPool } from "./pooling.ts";
import { checkGradients } from "./randomGradients.fixture.ts";

/** One spatial axis: any that the runtime accepts. */
const axis = fc
  .record({
    kernel: fc.integer({ min: 1, max: 4 }),
    stride: fc.integer({ min: 1, max: 4 }),
    dilation: fc.integer({ min: 1, max: 3 }),
    padBegin: fc.nat(3),
    padEnd: fc.nat(3),
    extra: fc.nat(5),
    outputPadding: fc.nat(3),
  })
  .map(({ kernel, stride, dilation, padBegin, padEnd, extra, outputPadding }) => ({
    kernel,
    stride,
    dilation,
    // The runtime takes no pads as long as a pooling window.
    padBegin: Math.min(padBegin, kernel - 1),
    padEnd: Math.min(padEnd, kernel - 1),
    length: dilation * (kernel - 1) + 1 + extra,
    outputPadding: Math.min(outputPadding, stride - 1),
  }));

const drawn = fc.record({
  axes: fc.array(axis, { minLength: 1, maxLength: 2 }),
  count: fc.integer({ min: 1, max: 2 }),
  group: fc.integer({ min: 1, max: 3 }),
  inputsPerGroup: fc.integer({ min: 1, max: 2 }),
  outputsPerGroup: fc.integer({ min: 1, max: 2 }),
  ceil: fc.boolean(),
  countPads: fc.boolean(),
  seed: fc.nat(),
});
type Drawn = typeof drawn extends fc.Arbitrary<infer T> ? T : never;

it("Conv", async () => {
  await checkGradients(drawn, (drawing) => {
    const { group, inputsPerGroup, outputsPerGroup } = drawing;
    const attributes = { ...attributesOf(drawing), group };
    const filters = group * outputsPerGroup;
    return {
      shapes: [shapeOf(drawing, group * inputsPerGroup), [filters, inputsPerGroup, ...kernelOf(drawing)], [filters]],
      build: (x, w, b) => conv(x, w, b, attributes),
    };
  });
});

it("ConvTranspose", async () => {
  await checkGradients(drawn, (drawing) => {
    const { axes, group, inputsPerGroup, outputsPerGroup } = drawing;
    const channels = group * inputsPerGroup;
    const output_padding = axes.map(({ outputPadding }) => outputPadding);
    const attributes = { ...attributesOf(drawing), group, output_padding };
    return {
      shapes: [
        shapeOf(drawing, channels),
        [channels, outputsPerGroup, ...kernelOf(drawing)],
        [group * outputsPerGroup],
      ],
      build: (x, w, b) => convTranspose(x, w, b, attributes),
    };
  });
});

it("ConvTranspose refuses output padding of a whole stride, as the runtime does", () => {
  const [x, w] = [floatInput("x", [1, 2, 3]), floatInput("w", [2, 2, 2])];
  expect(() => convTranspose(x, w, { strides: [2], dilations: [3], output_padding: [2] })).toThrow(
    "ConvTranspose: output_padding [2] must be below the strides [2].",
  );
});

it("MaxPool", async () => {
  await checkGradients(drawn, (drawing) => {
    const shape = shapeOf(drawing, 2);
    return {
      shapes: [shape],
      range: { low: -0.02, high: 0.02 },
      build: (x) => maxPool(add(x, farApart(shape)), poolAttributesOf(drawing)),
    };
  });
});

it("AveragePool", async () => {
  await checkGradients(drawn, (drawing) => ({
    shapes: [shapeOf(drawing, 2)],
    build: (x) => averagePool(x, { ...poolAttributesOf(drawing), count_include_pad: drawing.countPads ? 1 : 0 }),
  }));
});

/** Different numbers in mixed order, 0.1 apart: no step of the test changes which is the largest. */
function farApart(shape: readonly number[]): Value {
  const keys = Array.from({ length: sizeOf(shape) }, (_, i) => (i * 7919) % 10007);
  const sorted = [...keys].sort((a, b) => a - b);
  const numbers = keys.map((key) => sorted.indexOf(key) / 10);
  return constantOf("float32", shape, numbers);
}

function attributesOf({ axes }: Drawn) {
  return {
    kernel_shape: axes.map(({ kernel }) => kernel),
    strides: axes.map(({ stride }) => stride),
    dilations: axes.map(({ dilation }) => dilation),
    pads: [...axes.map(({ padBegin }) => padBegin), ...axes.map(({ padEnd }) => padEnd)],
  };
}

function poolAttributesOf(drawing: Drawn) {
  return { ...attributesOf(drawing), ceil_mode: drawing.ceil ? 1 : 0 };
}

function shapeOf({ axes, count }: Drawn, channels: number): readonly number[] {
  return [count, channels, ...axes.map(({ length }) => length)];
}

function kernelOf({ axes }: Drawn): readonly number[] {
  return axes.map(({ kernel }) => kernel);
}
