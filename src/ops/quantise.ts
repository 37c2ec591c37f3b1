import { Tensor } from "../base/tensor.ts";
import { copyOf, countUses, rewrite } from "../graph/rewrite.ts";
import { leavesOf, nodesOf } from "../graph/traverse.ts";
import { constant, constantOf, type Node, type Value } from "../graph/value.ts";
import { clip, relu } from "./activations.ts";
import { add } from "./arithmetic.ts";
import { conv } from "./convolution.ts";
import { globalAveragePool } from "./pooling.ts";
import { gemm, matmul } from "./products.ts";
import { dequantizeLinear, quantizeLinear } from "./quantisation.ts";

/**
 * Largest stored weight. Processors without VNNI sum pairs of products of uint8 and int8 in 16 bits, which 8-bit weights overflow without a
 * word: those must do with 7 bits (onnxruntime's "Quantize ONNX models", on reduced range).
 */
export const weightSteps = { full: 127, reduced: 63 } as const;
const levels = 255;

/** The smallest and largest number that a value takes. */
export interface ValueRange {
  readonly min: number;
  readonly max: number;
}

/** What of a graph is computed in 8 bits. */
export interface QuantisationPlan {
  /** Convolutions, matrix products, sums and means whose operands are stored in 8 bits, with their weights where they have any. */
  readonly kernels: ReadonlyMap<Node, Kernel>;
  /** Values to be stored in 8 bits, whose ranges must be known. */
  readonly observed: readonly Value[];
}

interface Kernel {
  readonly weights: Value | undefined;
  readonly bias: Value | undefined;
  /** Of the weights: each place along it has a scale of its own. */
  readonly axis: number;
}

/** Plans static quantisation with stored ranges (Jacob et al. 2018, §2) of all float32 convolutions, products, sums and means. */
export function quantisationPlan(outputs: readonly Value[]): QuantisationPlan {
  const uses = countUses(outputs);
  const users = usersOf(outputs);
  const kernels = new Map<Node, Kernel>();
  const observed = new Set<Value>();
  for (const node of nodesOf(outputs)) {
    const kernel = kernelOf(node);
    if (kernel === undefined) continue;
    kernels.set(node, kernel);
    for (const value of activationsOf(node)) observed.add(value);
    // What a product gives stays in float: it is little, and the last of them are the logits.
    if (!isProduct(node)) observed.add(endOf(node, uses, users));
  }
  return { kernels, observed: [...observed] };
}

/** The graph with a plan's values in uint8 and its weights in int8, as runtimes expect it: quantised and dequantised again around each kernel. */
export function quantise(
  outputs: readonly Value[],
  { kernels, observed }: QuantisationPlan,
  { ranges, weights, weightRange }: Measured,
): readonly Value[] {
  const roundings = new Map(observed.map((value) => [value, roundingOf(ranges.get(value))]));
  return rewrite(outputs, (node, inputs) => {
    const [input] = node.inputs;
    const kernel = kernels.get(node);
    const rounding = input && roundings.get(input);
    const isStored = kernel !== undefined && rounding !== undefined;
    const values = copyOf(
      node,
      isStored ? withStoredWeights(kernel, inputs, rounding, { weights, weightRange }) : inputs,
    );
    return node.outputs.map((output, i) => {
      const value = values[i] ?? output;
      const own = roundings.get(output);
      return own === undefined ? value : throughBytes(value, own);
    });
  });
}

/** What must be known before a plan is carried out. */
export interface Measured {
  /** Of the values that it observes, on images like those that it will see. */
  readonly ranges: ReadonlyMap<Value, ValueRange>;
  /** The numbers of its kernels' weights and biases. */
  readonly weights: ReadonlyMap<Value, Tensor>;
  readonly weightRange: keyof typeof weightSteps;
}

function kernelOf(node: Node): Kernel | undefined {
  const { operator, inputs, attributes, outputs } = node;
  const [x, weights, bias] = inputs;
  if (x?.dtype !== "float32" || outputs[0]?.dtype !== "float32") return undefined;
  if (operator === globalAveragePool.operator) return unweighted;
  if (operator === add.operator) return weights && !isKnown(x) && !isKnown(weights) ? unweighted : undefined;
  if (weights === undefined || isKnown(x) || !isKnown(weights) || (bias !== undefined && !isKnown(bias)))
    return undefined;
  if (operator === conv.operator) return { weights, bias, axis: 0 };
  if (operator === matmul.operator) return weights.rank === 2 ? { weights, bias: undefined, axis: 1 } : undefined;
  const isPlain = attributes["alpha"] === 1 && attributes["beta"] === 1 && attributes["transA"] === 0;
  if (operator !== gemm.operator || !isPlain) return undefined;
  return { weights, bias, axis: attributes["transB"] === 1 ? 0 : 1 };
}

const unweighted: Kernel = { weights: undefined, bias: undefined, axis: 0 };

/** Whether its numbers do not depend on what is fed. */
function isKnown(value: Value): boolean {
  return leavesOf([value]).every(({ source }) => source.kind === "constant");
}

function isProduct({ operator }: Node): boolean {
  return operator === gemm.operator || operator === matmul.operator;
}

function activationsOf({ operator, inputs }: Node): readonly Value[] {
  const count = operator === add.operator ? 2 : 1;
  return inputs.slice(0, count).flatMap((value) => value ?? []);
}

/** The kernel's output, or that of the relu or clip that alone uses it: runtimes compute both at once. */
function endOf(node: Node, uses: ReadonlyMap<Value, number>, users: ReadonlyMap<Value, Node>): Value {
  const [output] = node.outputs;
  const user = users.get(output);
  if (user === undefined || uses.get(output) !== 1) return output;
  return user.operator === relu.operator || user.operator === clip.operator ? user.outputs[0] : output;
}

/** One node that uses each value. */
function usersOf(outputs: readonly Value[]): ReadonlyMap<Value, Node> {
  const users = new Map<Value, Node>();
  for (const node of nodesOf(outputs)) for (const value of node.inputs) if (value !== undefined) users.set(value, node);
  return users;
}

/** value = scale·(byte − zeroPoint) */
interface Rounding {
  readonly scale: number;
  readonly zeroPoint: number;
}

/** Zero is always met exactly: padding is zero. */
function roundingOf(range: ValueRange | undefined): Rounding {
  const min = Math.min(0, range?.min ?? 0);
  const max = Math.max(0, range?.max ?? 0);
  const scale = Math.fround((max - min) / levels) || 1;
  return { scale, zeroPoint: Math.round(-min / scale) };
}

function throughBytes(value: Value, { scale, zeroPoint }: Rounding): Value {
  const [step, zero] = [constantOf("float32", [], [scale]), constantOf("uint8", [], [zeroPoint])];
  return dequantizeLinear(quantizeLinear(value, step, zero), step, zero);
}

function withStoredWeights(
  { weights, bias, axis }: Kernel,
  inputs: readonly (Value | undefined)[],
  input: Rounding,
  known: Pick<Measured, "weights" | "weightRange">,
): readonly (Value | undefined)[] {
  const numbers = weights && known.weights.get(weights);
  if (numbers === undefined) return inputs;
  const { value, scales } = storedWeights(numbers, axis, weightSteps[known.weightRange]);
  const shifts = bias && known.weights.get(bias);
  return [
    inputs[0],
    value,
    shifts === undefined ? inputs[2] : storedBias(shifts, scales, input.scale),
    ...inputs.slice(3),
  ];
}

/** int8, symmetric around zero, each filter by its own largest weight. */
function storedWeights(
  { shape, floats }: Tensor,
  axis: number,
  steps: number,
): { readonly value: Value; readonly scales: readonly number[] } {
  const count = shape[axis] ?? 1;
  const inner = shape.slice(axis + 1).reduce((product, length) => product * length, 1);
  const placeOf = (i: number) => Math.floor(i / inner) % count;
  const largest = new Float64Array(count);
  for (const [i, weight] of floats.entries()) {
    const place = placeOf(i);
    largest[place] = Math.max(largest[place] ?? 0, Math.abs(weight));
  }
  const scales = Array.from(largest, (one) => Math.fround(one / steps) || 1);
  const bytes = Int8Array.from(floats, (weight, i) => Math.round(weight / (scales[placeOf(i)] ?? 1)));
  const stored = constant(Tensor.of("int8", shape, bytes));
  return { value: dequantizeLinear(stored, constantOf("float32", [count], scales), undefined, { axis }), scales };
}

/** int32, in the steps in which the products of input and weights are summed. */
function storedBias({ floats }: Tensor, scales: readonly number[], inputScale: number): Value {
  const steps = scales.map((scale) => Math.fround(scale * inputScale));
  const sums = Int32Array.from(floats, (shift, i) => Math.round(shift / (steps[i] ?? 1)));
  const stored = constant(Tensor.of("int32", [floats.length], sums));
  return dequantizeLinear(stored, constantOf("float32", [steps.length], steps), undefined, { axis: 0 });
}
