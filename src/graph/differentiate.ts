import { isFloat } from "../base/dtypes.ts";
import { GraftError } from "../base/errors.ts";
import { sameShape, showShape } from "../base/shapes.ts";
import { sizeOf } from "../base/tensor.ts";
import { expandComposites } from "./composite.ts";
import { add, reduceSum, reshape } from "./coreOperators.ts";
import { filled } from "./filled.ts";
import type { Values } from "./rewrite.ts";
import { dependents, nodesOf } from "./traverse.ts";
import { describe, type Node, type Value } from "./value.ts";

/**
 * Gradients of a scalar with respect to `parameters`, as more graph (reverse accumulation).
 * Only nodes between the parameters and the loss are visited: what is frozen needs no gradient rule.
 *
 * @param loss a float value with one element
 * @returns one value per parameter, of its shape; zeros where the loss does not depend on it
 * @throws `model` when an operator on the path has no gradient, naming it and what to freeze so that it is not on the path
 */
export function differentiate<const T extends readonly Value[]>(loss: Value, parameters: T): Values<T>;
export function differentiate(loss: Value, parameters: readonly Value[]): readonly Value[] {
  // Composites come from gradients: whoever differentiates those again meets plain operators.
  const [written, ...roots] = expandComposites([loss, ...parameters]);
  return sweep(written, roots);
}

function sweep(loss: Value, parameters: readonly Value[]): readonly Value[] {
  if (!isFloat(loss.dtype) || sizeOf(loss.staticShape) !== 1) {
    throw new GraftError("shape", `the loss must be one float, got ${loss.dtype} ${showShape(loss.shape)}.`);
  }
  const order = nodesOf([loss]);
  const roots = new Set(parameters);
  const onPath = dependents(order, roots);
  const isTrained = (value: Value) =>
    roots.has(value) || (value.source.kind === "node" && onPath.has(value.source.node));
  // No gradient reaches the condition of a branch, say, and so none passes where only that is trained.
  const takesGradient = (value: Value | undefined) =>
    value !== undefined && isTrained(value) && (value.type === undefined || isFloat(value.dtype));
  const cotangents = new Map<Value, Value>([[loss, filled(loss, 1)]]);
  for (const node of [...order].reverse()) {
    const passes = node.outputs.some((output) => cotangents.has(output)) && node.inputs.some(takesGradient);
    if (onPath.has(node) && passes) pullBack(node, cotangents, isTrained);
  }
  return parameters.map((parameter) => cotangents.get(parameter) ?? filled(parameter, 0));
}

function pullBack(node: Node, cotangents: Map<Value, Value>, isTrained: (value: Value) => boolean): void {
  const given = node.outputs.map((output) => cotangents.get(output) ?? filled(output, 0));
  const results = cotangentsOf(node, given, isTrained);
  node.inputs.forEach((operand, i) => {
    const cotangent = results[i];
    if (operand === undefined || cotangent === undefined || !isFloat(operand.dtype)) return;
    const summed = sumTo(cotangent, operand.staticShape);
    const before = cotangents.get(operand);
    cotangents.set(operand, before === undefined ? summed : add(before, summed));
  });
}

function cotangentsOf(
  node: Node,
  given: readonly Value[],
  isTrained: (value: Value) => boolean,
): readonly (Value | undefined)[] {
  const { operator, inputs } = node;
  const named = `${operator.name}${node.name ? ` (node "${node.name}")` : ""}`;
  const vjp = operator.rule?.vjp;
  const before = inputs.flatMap((value) => (value !== undefined && isTrained(value) ? [describe(value)] : []));
  const cut = `Freeze everything up to ${[...new Set(before)].join(" and ")}`;
  if (vjp === undefined) {
    throw new GraftError(
      "model",
      `${named} lies between a trainable parameter and the loss, but has no gradient. ` + `${cut}, which it reads.`,
    );
  }
  try {
    return vjp(given, node);
  } catch (error) {
    if (!(error instanceof GraftError)) throw error;
    throw new GraftError(error.code, `${named} has no gradient here: ${error.message} ${cut}, or change it.`, {
      cause: error,
    });
  }
}

/** Undoes broadcasting: sums `value` over the axes along which `shape` was repeated. */
export function sumTo(value: Value, shape: readonly number[]): Value {
  if (sameShape(value.shape, shape)) return value;
  const from = value.staticShape;
  const missing = from.length - shape.length;
  const axes = [...from.keys()].filter((axis) => axis < missing || (shape[axis - missing] === 1 && from[axis] !== 1));
  const summed = axes.length === 0 ? value : reduceSum(value, axes, { keepdims: 1 });
  return sameShape(summed.shape, shape) ? summed : reshape(summed, shape);
}
