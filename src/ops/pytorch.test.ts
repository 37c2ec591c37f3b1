import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { z } from "zod";
import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { type AttributeValue, apply } from "../graph/operator.ts";
import { constant, input, scalar, type Value } from "../graph/value.ts";
import { mul } from "./arithmetic.ts";
import { composites } from "./composites.fixture.ts";
import { evaluate } from "./operators.fixture.ts";
import { reduceSum } from "./reductions.ts";
import { operators } from "./registry.ts";

const tensor = z.object({ shape: z.array(z.number()), data: z.array(z.number()) });
const attribute = z.union([z.number(), z.string(), z.array(z.number())]);
const schema = z.array(
  z.object({
    op: z.string(),
    title: z.string(),
    attributes: z.record(z.string(), attribute),
    inputs: z.array(tensor),
    output: tensor,
    cotangent: tensor,
    gradients: z.array(tensor.nullable()),
    runningMean: tensor.optional(),
    runningVar: tensor.optional(),
  }),
);
const cases = ["operators", "vision"].flatMap((name) =>
  schema.parse(JSON.parse(readFileSync(`test/reference/${name}.json`, "utf8"))),
);

/** Attributes of the fixture that the newest operator set takes as inputs, after the data. */
const asInputs: Readonly<Record<string, readonly string[]>> = {
  Clip: ["min", "max"],
  Reshape: ["shape"],
  Slice: ["starts", "ends", "axes", "steps"],
  Pad: ["pads"],
  ReduceSum: ["axes"],
  ReduceMean: ["axes"],
  ReduceProd: ["axes"],
  ReduceLogSumExp: ["axes"],
  ReduceL2: ["axes"],
  TopK: ["k"],
  Resize: ["roi", "scales", "sizes"],
};

describe("values and gradients agree with PyTorch", () => {
  it.each(cases.map((one) => [`${one.op}: ${one.title}`, one] as const))("%s", async (_, one) => {
    const inputs = one.inputs.map(({ shape }, i) => input(`x${i}`, "float32", shape));
    const outputs = build(one, inputs);
    const [output] = outputs;
    if (output === undefined) throw new Error("no output");
    const weights = constant(Tensor.float32(one.cotangent.shape, one.cotangent.data));
    const gradients = differentiate(reduceSum(mul(output, weights), { keepdims: 0 }), inputs);
    const wanted: Record<string, Value> = { output };
    gradients.forEach((gradient, i) => {
      if (one.gradients[i]) wanted[`gradient ${i}`] = gradient;
    });
    if (one.runningMean) Object.assign(wanted, { runningMean: outputs[1], runningVar: outputs[2] });
    const feeds = Object.fromEntries(one.inputs.map(({ shape, data }, i) => [`x${i}`, Tensor.float32(shape, data)]));
    const results = await evaluate(inputs, wanted, feeds);
    expectClose(results["output"], one.output);
    one.gradients.forEach((expected, i) => {
      if (expected) expectClose(results[`gradient ${i}`], expected);
    });
    if (one.runningMean && one.runningVar) {
      expectClose(results["runningMean"], one.runningMean);
      expectClose(results["runningVar"], one.runningVar);
    }
  });
});

function build(one: (typeof cases)[number], inputs: readonly Value[]): readonly Value[] {
  const composite = composites[one.op];
  if (composite !== undefined) return [composite(inputs, one.attributes)];
  const operator = operators.get(one.op);
  if (operator === undefined) throw new Error(`no rule for ${one.op}`);
  const moved = asInputs[one.op] ?? [];
  const extra = moved.map((name) => asConstant(name, one.attributes[name]));
  const attributes: Record<string, AttributeValue> = {};
  for (const [name, value] of Object.entries(one.attributes)) if (!moved.includes(name)) attributes[name] = value;
  return apply(operator, [...inputs, ...extra], attributes).outputs;
}

function asConstant(name: string, value: z.output<typeof attribute> | undefined): Value | undefined {
  if (name === "scales" && Array.isArray(value)) return constant(Tensor.float32([value.length], value));
  if (Array.isArray(value)) return constant(Tensor.int64(value));
  return typeof value === "number" ? scalar(value) : undefined;
}

/** float32 sums of some hundred terms in another order: a few parts in a million of the largest entry. */
function expectClose(actual: Tensor | undefined, expected: z.output<typeof tensor>): void {
  expect(actual?.shape).toEqual(expected.shape);
  const scale = Math.max(1, ...expected.data.map(Math.abs));
  const values = actual?.floats ?? new Float32Array();
  const worst = Math.max(0, ...expected.data.map((value, i) => Math.abs(value - (values[i] ?? Number.NaN))));
  expect(worst).toBeLessThan(1e-5 * scale);
}
