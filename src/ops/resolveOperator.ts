import { GraftError } from "../base/errors.ts";
import { type Operator, passThrough } from "../graph/operator.ts";
import type { Value } from "../graph/value.ts";
import type { Node } from "../onnx/model.ts";
import { limitRank } from "../onnx/readTensor.ts";
import { operators } from "./registry.ts";

/** Operands that the rules need as constants: with computed ones the operator only passes through. */
const constantOperands: ReadonlyMap<string, readonly number[]> = new Map([
  ["Reshape", [1]],
  ["Expand", [1]],
  ["Squeeze", [1]],
  ["Unsqueeze", [1]],
  ["Slice", [1, 2, 3, 4]],
  ["Pad", [1, 3]],
  ["Tile", [1]],
  ["Split", [1]],
  ["ConstantOfShape", [0]],
  ["Range", [0, 1, 2]],
  ["CenterCropPad", [1]],
  ["ReduceSum", [1]],
  ["ReduceMean", [1]],
  ["ReduceMax", [1]],
  ["ReduceMin", [1]],
  ["ReduceL1", [1]],
  ["ReduceL2", [1]],
  ["ReduceSumSquare", [1]],
  ["ReduceLogSumExp", [1]],
  ["ReduceLogSum", [1]],
  ["ReduceProd", [1]],
  ["TopK", [1]],
]);

/** Operands whose numbers a rule reads where they are constant. */
const readOperands: ReadonlyMap<string, readonly number[]> = new Map([
  ...constantOperands,
  ["Resize", [2, 3]],
  ["Dropout", [2]],
]);
/** No list of axes, lengths or pads is longer. */
const limitEntries = 2 * limitRank;

/** Graft's operator for a node in its newest form, or one that only passes through when no rule speaks of such a node. */
export function resolveOperator(
  { op, domain, attributes }: Pick<Node, "op" | "domain" | "attributes">,
  inputs: readonly (Value | undefined)[],
  version: number | undefined,
): Operator {
  const known = domain === "" ? operators.get(op) : undefined;
  for (const i of readOperands.get(domain === "" ? op : "") ?? []) {
    const size = inputs[i]?.source.kind === "constant" ? inputs[i].source.tensor.size : 0;
    if (size > limitEntries) {
      throw new GraftError(
        "shape",
        `input ${i} has ${size} entries; expected ${limitEntries} at most, two for each axis.`,
      );
    }
  }
  return known !== undefined && fits(known, inputs, attributes) ? known : passThrough(op, domain, attributes, version);
}

/** Whether the operator's rule speaks of a node with these operands and attributes. */
function fits(
  { name, rule, fields = {} }: Operator,
  inputs: readonly (Value | undefined)[],
  attributes: Node["attributes"],
): boolean {
  if (rule === undefined || inputs.some((value) => value !== undefined && value.type === undefined)) return false;
  if (inputs.length > rule.inputs.length && rule.inputs[0]?.startsWith("...") !== true) return false;
  // Such a reduction leaves every axis as it is when none is named, where the rules reduce all.
  if (attributes["noop_with_empty_axes"]?.value === 1 && (inputs[1] === undefined || inputs[1].shape[0] === 0))
    return false;
  const needed = constantOperands.get(name) ?? [];
  if (needed.some((i) => inputs[i] !== undefined && inputs[i].source.kind !== "constant")) return false;
  return Object.entries(attributes).every(([key, { type }]) => Object.hasOwn(fields, key) && fields[key].type === type);
}
