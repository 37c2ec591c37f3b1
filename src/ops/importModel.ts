import { GraftError, messageOf } from "../base/errors.ts";
import { broadcastShapes, type Dim, type Shape } from "../base/shapes.ts";
import { Tensor } from "../base/tensor.ts";
import { opsetVersion } from "../graph/emit.ts";
import { type AttributeValue, apply, type Operator, passThrough } from "../graph/operator.ts";
import { constant, constantNumbers, input, type TensorType, type Value } from "../graph/value.ts";
import { dtypeCode } from "../onnx/dtypes.ts";
import type { Attribute, Graph, Model, Node, ValueInfo } from "../onnx/model.ts";
import { limitRank } from "../onnx/readTensor.ts";
import { widenModel } from "../onnx/widen.ts";
import { ConstantFolder } from "./foldConstants.ts";
import { foldWeight } from "./foldWeights.ts";
import { type Known, toConstant } from "./known.ts";
import { type Call, lift, newestOpset, oldestOpset } from "./lift.ts";
import { operators } from "./registry.ts";
import { Scope } from "./scope.ts";
import { rebatchReshape, settleExpand, settleReshape } from "./settleShape.ts";

/** An ONNX graph as values: its inputs in order, and every named tensor. */
export interface Imported {
  readonly inputs: readonly Value[];
  /** Outputs by name, in the file's order. */
  readonly outputs: ReadonlyMap<string, Value>;
}

export interface ImportOptions {
  /** For messages. */
  readonly fileName?: string;
  /** Shapes of inputs that are to differ from what the file declares, by name. */
  readonly shapes?: ReadonlyMap<string, Shape>;
}

/**
 * Turns a model file into values that can be cut, extended and differentiated: older operator sets in their newest form, all
 * floats as float32, shape arithmetic computed, branches with a constant condition taken.
 * Operators without a rule pass through with the types that the file declares.
 * Throws `model` or `shape`, naming file and node, when the graph is not sorted, defines a name twice or uses one that nothing defines.
 */
export function importModel(model: Model, options: ImportOptions = {}): Imported {
  const { graph } = widenModel(model);
  const importer = new Importer(model, graph, options);
  const scope = new Scope(importer.where, graph);
  const inputs = graphInputs(graph).map((info) => importer.feed(info));
  for (const value of inputs) scope.define(value.source.kind === "input" ? value.source.name : "", value);
  const outputs = importer.graph(graph, scope);
  return { inputs, outputs: new Map(graph.outputs.map(({ name }, i) => [name, outputs[i]])) };
}

/** What a caller feeds: before IR version 4, files list their initializers among the inputs as well. */
export function graphInputs({ inputs, initializers, unheld }: Graph): readonly ValueInfo[] {
  return inputs.filter(({ name }) => !initializers.has(name) && unheld?.has(name) !== true);
}

/** Operands that the rules need as constants: with computed ones the operator only passes through. */
const constantOperands: ReadonlyMap<string, readonly number[]> = new Map([
  ["Reshape", [1]],
  ["Expand", [1]],
  ["Squeeze", [1]],
  ["Unsqueeze", [1]],
  ["Slice", [1, 2, 3, 4]],
  ["Pad", [1, 3]],
  ["CenterCropPad", [1]],
  ["ReduceSum", [1]],
  ["ReduceMean", [1]],
  ["ReduceMax", [1]],
  ["ReduceMin", [1]],
]);

class Importer {
  readonly where: string;
  readonly #opset: number;
  readonly #opsets: ReadonlyMap<string, number>;
  readonly #declared: ReadonlyMap<string, TensorType>;
  readonly #folder = new ConstantFolder();
  readonly #shapes: ReadonlyMap<string, Shape>;
  /** The number of images that the file was written for, where more are fed now. */
  readonly #batch: number | undefined;

  constructor(model: Model, graph: Graph, { fileName = "the model", shapes = new Map() }: ImportOptions) {
    this.where = `"${fileName}"`;
    this.#opsets = model.opsets;
    this.#opset = checkedOpset(model, this.where);
    this.#shapes = shapes;
    const replaced = graphInputs(graph).filter(({ name }) => shapes.has(name));
    this.#declared = declaredTypes(graph, replaced, shapes);
    const [first] = replaced.map(({ name, shape }) => (shapes.get(name)?.[0] === shape?.[0] ? undefined : shape?.[0]));
    this.#batch = typeof first === "number" ? first : undefined;
  }

  feed(info: ValueInfo): Value {
    const { name, dtype } = info;
    if (dtype !== undefined) return input(name, dtype, this.#shapes.get(name) ?? shapeOf(info, this.where));
    throw new GraftError("model", `${this.where}: the input "${name}" is not a tensor of numbers; expected one.`);
  }

  /** Defines everything in `graph` and gives its outputs. */
  graph(graph: Graph, scope: Scope): readonly Value[] {
    for (const [name, tensor] of graph.initializers) scope.define(name, constant(tensor, name));
    for (const node of graph.nodes) {
      const values = this.#located(node, () => this.#node(node, scope));
      values.forEach((value, i) => {
        const name = node.outputs[i];
        if (name !== undefined && name !== "") scope.define(name, value, node);
      });
    }
    return graph.outputs.map(({ name }) => scope.find(name));
  }

  #node(node: Node, scope: Scope): readonly Value[] {
    const inputs = node.inputs.map((name) => (name === "" ? undefined : scope.find(name, node)));
    if (node.domain !== "") return this.#apply(node, inputs, node.attributes, undefined);
    if (node.op === "Constant") return [constant(constantTensor(node), node.outputs[0])];
    if (node.op === "If") {
      const condition = this.#folder.known(inputs[0])?.elements[0];
      const taken = node.attributes[condition ? "then_branch" : "else_branch"];
      if (typeof condition === "number" && taken?.type === "graph") {
        return this.graph(taken.value, new Scope(this.where, taken.value, scope));
      }
    }
    const call: Call = { op: node.op, inputs, attributes: node.attributes, outputs: node.outputs.length };
    const lifted = lift(call, this.#opset);
    return "op" in lifted ? this.#standard(node, lifted) : lifted;
  }

  #standard(node: Node, call: Call): readonly Value[] {
    const known = this.#folder.fold(call);
    const folded = known && toConstant(known);
    if (folded !== undefined) return [folded];
    const inputs = this.#settled(call);
    const [x] = inputs;
    if (call.op === "Cast" && x?.type !== undefined && isSameType(call, x.type)) return [x];
    const outputs = this.#apply({ ...node, op: call.op }, inputs, call.attributes, this.#typeFrom(call, inputs, known));
    const [first] = outputs;
    if (known !== undefined && first !== undefined) this.#folder.remember(first, known);
    return outputs;
  }

  /** The operands, with target shapes that hold names written as constants where that can be said. */
  #settled({ op, inputs }: Call): readonly (Value | undefined)[] {
    const [x, target, ...rest] = inputs;
    if (x?.type === undefined || target === undefined || (op !== "Reshape" && op !== "Expand")) return inputs;
    const known = this.#folder.known(target);
    if (known === undefined) return inputs;
    let dims = op === "Reshape" ? settleReshape(x, known) : settleExpand(x, known);
    if (op === "Reshape" && dims !== undefined && this.#batch !== undefined)
      dims = rebatchReshape(x, dims, this.#batch);
    if (dims === undefined || String(dims) === String(constantNumbers(target))) return inputs;
    return [x, constant(Tensor.int64(dims)), ...rest];
  }

  /** The output type of a reshaping whose target is computed, where its lengths are known at least by name. */
  #typeFrom({ op }: Call, inputs: readonly (Value | undefined)[], known: Known | undefined): TensorType | undefined {
    if (known !== undefined) return known;
    const [x, target] = inputs;
    const dims = this.#folder.known(target)?.elements;
    if (x?.type === undefined || dims === undefined || dims.includes(-1)) return undefined;
    if (op === "Reshape" && !dims.includes(0)) return { dtype: x.dtype, shape: dims };
    const shape = op === "Expand" ? broadcastShapes(x.shape, dims) : undefined;
    return shape && { dtype: x.dtype, shape };
  }

  #apply(
    node: Node,
    inputs: readonly (Value | undefined)[],
    attributes: Node["attributes"],
    type: TensorType | undefined,
  ): readonly Value[] {
    const rule = node.domain === "" ? operators.get(node.op) : undefined;
    const usable = rule !== undefined && fits(rule, inputs, attributes);
    const version = this.#opsets.get(node.domain);
    const operator = usable ? rule : passThrough(node.op, node.domain, attributes, version);
    const values: Record<string, AttributeValue> = {};
    for (const [name, { value }] of Object.entries(attributes)) values[name] = value;
    const declared = node.outputs.map((name, i) => (i === 0 ? type : undefined) ?? this.#declared.get(name));
    const applied = apply(operator, inputs, values, { name: node.name || (node.outputs[0] ?? ""), declared });
    for (const { type: inferred } of applied.outputs) checkType(inferred);
    const weight = foldWeight(applied);
    return weight === undefined ? applied.outputs : [weight];
  }

  /** Shape rules trust their operands; whatever a file breaks in them is said with the node's name. */
  #located<T>(node: Node, work: () => T): T {
    try {
      return work();
    } catch (error) {
      const isGraft = error instanceof GraftError;
      const said = messageOf(error);
      if (isGraft && said.startsWith(this.where)) throw error;
      const at = `${this.where}: node "${node.name || node.outputs[0]}"`;
      if (isGraft && said.startsWith("node "))
        throw new GraftError(error.code, `${this.where}: ${said}`, { cause: error });
      if (isGraft) throw new GraftError(error.code, `${at} (${node.op}): ${said}`, { cause: error });
      const message = `${at} (${node.op}): its inputs or attributes do not fit the operator (${said}).`;
      throw new GraftError("model", message, { cause: error });
    }
  }
}

function checkedOpset(model: Model, where: string): number {
  const opset = model.opsets.get("") ?? opsetVersion;
  if (opset >= oldestOpset && opset <= newestOpset) return opset;
  const advice = opset < oldestOpset ? "Export the model again with operator set 13 or newer." : "Update Graft.";
  throw new GraftError(
    "model",
    `${where} uses operator set ${opset}; expected ${oldestOpset} to ${newestOpset}. ${advice}`,
  );
}

/** Whether the operator's rule speaks of a node with these operands and attributes. */
function fits(
  { name, rule, fields = {} }: Operator,
  inputs: readonly (Value | undefined)[],
  attributes: Node["attributes"],
): boolean {
  if (rule === undefined || inputs.some((value) => value !== undefined && value.type === undefined)) return false;
  if (inputs.length > rule.inputs.length && rule.inputs[0]?.startsWith("...") !== true) return false;
  const needed = constantOperands.get(name) ?? [];
  if (needed.some((i) => inputs[i] !== undefined && inputs[i].source.kind !== "constant")) return false;
  return Object.entries(attributes).every(([key, { type }]) => Object.hasOwn(fields, key) && fields[key].type === type);
}

function isSameType({ attributes }: Call, { dtype }: TensorType): boolean {
  const to = attributes["to"];
  return to?.type === "int" && to.value === dtypeCode(dtype);
}

/** ONNX, Constant-13: one of seven attributes. */
function constantTensor(node: Node): Tensor {
  const given = Object.entries(node.attributes);
  const [name, attribute]: [string, Attribute | undefined] = given[0] ?? ["no value", undefined];
  if (given.length === 1 && attribute !== undefined) {
    if (attribute.type === "tensor") return attribute.value;
    if (attribute.type === "float") return Tensor.float32([], [attribute.value]);
    if (attribute.type === "floats") return Tensor.float32([attribute.value.length], attribute.value);
    if (attribute.type === "int") return new Tensor("int64", [], Tensor.int64([attribute.value]).bytes);
    if (attribute.type === "ints") return Tensor.int64(attribute.value);
  }
  const found = given.length > 1 ? given.map(([key]) => key).join(" and ") : name;
  throw new GraftError("model", `it holds ${found}; expected one tensor, number or list of numbers.`);
}

/** Types that the file states, but for those that follow from input shapes which are no longer the file's. */
function declaredTypes(
  graph: Graph,
  replaced: readonly ValueInfo[],
  shapes: ReadonlyMap<string, Shape>,
): ReadonlyMap<string, TensorType> {
  const changed = replaced.some(({ name, shape }) => String(shapes.get(name)) !== String(shape));
  if (changed) return new Map();
  const types = new Map<string, TensorType>();
  for (const info of [...graph.valueInfos, ...graph.outputs]) {
    const { name, dtype, shape } = info;
    if (dtype !== undefined && shape !== undefined) types.set(name, { dtype, shape: shapeOf(info, "") });
  }
  return types;
}

function shapeOf({ name, shape }: ValueInfo, where: string): readonly Dim[] {
  if (shape === undefined) {
    throw new GraftError("model", `${where}: the graph input "${name}" declares no shape; expected one.`);
  }
  return shape.map((dim, axis) => dim ?? `${name}.${axis}`);
}

/** A shape that no memory holds is damage, and is said where it arises. */
function checkType(type: TensorType | undefined): void {
  if (type === undefined) return;
  const size = type.shape.reduce<number>((total, dim) => total * (typeof dim === "number" ? dim : 1), 1);
  const possible = type.shape.every((dim) => typeof dim === "string" || (Number.isInteger(dim) && dim >= 0));
  if (possible && Number.isSafeInteger(size) && type.shape.length <= limitRank) return;
  throw new GraftError("shape", `it would give a tensor of the impossible shape [${type.shape.slice(0, 8)}].`);
}
