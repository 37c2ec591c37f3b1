import { GraftError, messageOf } from "../base/errors.ts";
import { broadcastShapes, type Shape } from "../base/shapes.ts";
import { Tensor } from "../base/tensor.ts";
import { opsetVersion } from "../graph/emit.ts";
import { type AttributeValue, apply } from "../graph/operator.ts";
import { constant, input, type TensorType, Value } from "../graph/value.ts";
import { dtypeCode } from "../onnx/dtypes.ts";
import type { Graph, LocalFunction, Model, Node, ValueInfo } from "../onnx/model.ts";
import { limitRank } from "../onnx/readTensor.ts";
import { widenModel } from "../onnx/widen.ts";
import { branch } from "./branch.ts";
import { constantTensor } from "./constantNode.ts";
import { type Declared, declaredShape, declaredTypes } from "./declaredTypes.ts";
import { ConstantFolder } from "./foldConstants.ts";
import { foldWeight } from "./foldWeights.ts";
import { type Known, toConstant } from "./known.ts";
import { type Call, lift, newestOpset, oldestOpset } from "./lift.ts";
import { inlineNodes } from "./localFunction.ts";
import { resolveOperator } from "./resolveOperator.ts";
import { Scope } from "./scope.ts";
import { axesOfOne, rebatchReshape, settleExpand, settleReshape } from "./settleShape.ts";

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
 * floats as float32, shape arithmetic computed, branches with a constant condition taken, others kept.
 * Operators without a rule pass through with the types that the file declares.
 * Throws `model` or `shape`, naming file and node, when the graph is not sorted, defines a name twice or uses one that nothing defines.
 */
export function importModel(model: Model, options: ImportOptions = {}): Imported {
  const widened = widenModel(model);
  const { graph } = widened;
  const importer = new Importer(widened, options);
  const scope = new Scope(importer.where, graph, checkedOpset(model.opsets, importer.where));
  const inputs = graphInputs(graph).map((info) => importer.feed(info));
  for (const value of inputs) scope.define(value.source.kind === "input" ? value.source.name : "", value);
  const outputs = importer.graph(graph, scope);
  return { inputs, outputs: new Map(graph.outputs.map(({ name }, i) => [name, outputs[i]])) };
}

/** What a caller feeds: before IR version 4, files list their initializers among the inputs as well. */
export function graphInputs({ inputs, initializers, unheld }: Graph): readonly ValueInfo[] {
  return inputs.filter(({ name }) => !initializers.has(name) && unheld?.has(name) !== true);
}

/** Functions may call functions; together they must stay a graph of sensible size. */
const limitDepth = 32;
const limitInlined = 50_000;

class Importer {
  readonly where: string;
  readonly #functions: ReadonlyMap<string, LocalFunction>;
  readonly #opsets: ReadonlyMap<string, number>;
  readonly #declared: Declared;
  readonly #folder = new ConstantFolder();
  readonly #shapes: ReadonlyMap<string, Shape>;
  #inlined = 0;

  constructor({ graph, opsets, functions = [] }: Model, { fileName = "the model", shapes = new Map() }: ImportOptions) {
    this.where = `"${fileName}"`;
    this.#opsets = opsets;
    this.#functions = new Map(functions.map((each) => [keyOf(each.domain, each.name), each]));
    this.#shapes = shapes;
    this.#declared = declaredTypes(graph, shapes);
  }

  feed(info: ValueInfo): Value {
    const { name, dtype } = info;
    if (dtype !== undefined) return input(name, dtype, this.#shapes.get(name) ?? declaredShape(info, this.where));
    throw new GraftError("model", `${this.where}: the input "${name}" is not a tensor of numbers; expected one.`);
  }

  /** Defines everything in `graph` and gives its outputs. */
  graph(graph: Graph, scope: Scope): readonly Value[] {
    for (const [name, tensor] of graph.initializers) scope.define(name, constant(tensor, name));
    this.#nodes(graph.nodes, scope);
    return graph.outputs.map(({ name }) => scope.find(name));
  }

  #nodes(nodes: readonly Node[], scope: Scope): void {
    for (const node of nodes) {
      const values = this.#located(node, () => this.#node(node, scope));
      values.forEach((value, i) => {
        const name = node.outputs[i];
        if (name !== undefined && name !== "") scope.define(name, value, node);
      });
    }
  }

  #node(node: Node, scope: Scope): readonly Value[] {
    const inputs = node.inputs.map((name) => (name === "" ? undefined : scope.find(name, node)));
    const local = this.#functions.get(keyOf(node.domain, node.op));
    if (local !== undefined) return this.#inline(local, node, inputs, scope);
    if (node.domain !== "") return this.#apply(node, inputs, scope);
    if (node.op === "Constant") return [constant(constantTensor(node), node.outputs[0])];
    const branched = node.op === "If" ? this.#if(node, inputs[0], scope) : undefined;
    if (branched !== undefined) return branched;
    const call: Call = { op: node.op, inputs, attributes: node.attributes, outputs: node.outputs.length };
    const lifted = lift(call, scope.opset);
    return "op" in lifted ? this.#standard(node, lifted, scope) : lifted;
  }

  /** The branch that a constant condition takes; for a computed one both, in the newest form. */
  #if(node: Node, condition: Value | undefined, scope: Scope): readonly Value[] | undefined {
    const { then_branch: whenTrue, else_branch: whenFalse } = node.attributes;
    if (whenTrue?.type !== "graph" || whenFalse?.type !== "graph" || condition === undefined) return undefined;
    const known = this.#folder.known(condition)?.elements[0];
    if (typeof known === "number") {
      const { value } = known ? whenTrue : whenFalse;
      return this.graph(value, scope.inside(value));
    }
    const captured = new Map<Value, Value>();
    const inner = ({ value }: typeof whenTrue) =>
      this.graph(
        value,
        scope.inside(value, (around, name) => this.#captured(captured, around, name)),
      );
    const branches = { condition, captured, whenTrue: inner(whenTrue), whenFalse: inner(whenFalse) };
    if (branches.whenTrue.length !== node.outputs.length || branches.whenFalse.length !== node.outputs.length)
      throw new GraftError("model", `its branches give another number of outputs than its own ${node.outputs.length}.`);
    const declared = node.outputs.map((name) => this.#stated(name, scope));
    return branch(branches, { name: nameOf(node), declared }).outputs;
  }

  /** What stands for a value inside a branch. Constants stand for themselves, as rules want to read them. */
  #captured(captured: Map<Value, Value>, around: Value, name: string): Value {
    if (around.source.kind === "constant") return around;
    const inside = captured.get(around) ?? new Value({ kind: "input", name }, around.type);
    captured.set(around, inside);
    const known = this.#folder.known(around);
    if (known !== undefined) this.#folder.remember(inside, known);
    return inside;
  }

  /** A call of a function that the file defines: its nodes, over the operands. */
  #inline(local: LocalFunction, call: Node, inputs: readonly (Value | undefined)[], caller: Scope): readonly Value[] {
    this.#inlined += local.nodes.length;
    if (this.#inlined > limitInlined || caller.depth > limitDepth) {
      throw new GraftError("model", `the file's functions call each other too often (at "${local.name}").`);
    }
    const opset = local.opsets.has("") ? checkedOpset(local.opsets, this.where) : caller.opset;
    const scope = new Scope(this.where, {}, opset, caller.depth + 1);
    local.inputs.forEach((name, i) => {
      const value = inputs[i];
      if (value !== undefined) scope.define(name, value);
    });
    this.#nodes(inlineNodes(local, call, inputs), scope);
    return local.outputs.slice(0, call.outputs.length).map((name) => scope.find(name, call));
  }

  #standard(node: Node, call: Call, scope: Scope): readonly Value[] {
    const known = this.#folder.fold(call);
    const folded = known && toConstant(known);
    if (folded !== undefined) return [folded];
    const settled = this.#settled(call);
    const { op, inputs, attributes } = settled;
    const [x] = inputs;
    if (op === "Cast" && x?.type !== undefined && isSameType(call, x.type)) return [x];
    const outputs = this.#apply({ ...node, op, attributes }, inputs, scope, this.#typeFrom(settled, known));
    const [first] = outputs;
    if (known !== undefined && first !== undefined) this.#folder.remember(first, known);
    return outputs;
  }

  /** The node with its target as a constant, where it was computed from lengths that only have a name. */
  #settled(call: Call): Call {
    const { op, attributes } = call;
    const [x, target, ...rest] = call.inputs;
    if (x?.type === undefined) return call;
    if (op === "Squeeze" && target === undefined) return { ...call, inputs: [x, constant(Tensor.int64(axesOfOne(x)))] };
    const known = op === "Reshape" || op === "Expand" ? this.#folder.known(target) : undefined;
    const { allowzero, ...others } = attributes;
    if (known === undefined || (allowzero?.value === 1 && known.elements.includes(0))) return call;
    let dims = op === "Reshape" ? settleReshape(x, known) : settleExpand(x, known);
    const { batch } = this.#declared;
    if (op === "Reshape" && dims !== undefined && batch !== undefined) dims = rebatchReshape(x, dims, batch);
    return dims === undefined
      ? call
      : { ...call, inputs: [x, constant(Tensor.int64(dims)), ...rest], attributes: others };
  }

  /** The output type of a reshaping whose target is computed, where its lengths are known at least by name. */
  #typeFrom({ op, inputs }: Call, known: Known | undefined): TensorType | undefined {
    if (known !== undefined) return { dtype: known.dtype, shape: known.shape };
    const [x, target] = inputs;
    const dims = this.#folder.known(target)?.elements;
    if (x?.type === undefined || dims === undefined || dims.includes(-1)) return undefined;
    if (op === "Reshape" && !dims.includes(0)) return { dtype: x.dtype, shape: dims };
    const shape = op === "Expand" ? broadcastShapes(x.shape, dims) : undefined;
    return shape && { dtype: x.dtype, shape };
  }

  #apply(node: Node, inputs: readonly (Value | undefined)[], scope: Scope, type?: TensorType): readonly Value[] {
    const version = node.domain === "" ? scope.opset : this.#opsets.get(node.domain);
    const operator = resolveOperator(node, inputs, version);
    const values: Record<string, AttributeValue> = {};
    for (const [name, { value }] of Object.entries(node.attributes)) values[name] = value;
    const declared = node.outputs.map((name, i) => (i === 0 ? type : undefined) ?? this.#stated(name, scope));
    const applied = apply(operator, inputs, values, { name: nameOf(node), declared });
    for (const { type: inferred } of applied.outputs) checkType(inferred);
    const weight = foldWeight(applied);
    return weight === undefined ? applied.outputs : [weight];
  }

  /** Names inside a function are its own. */
  #stated(name: string, { depth }: Scope): TensorType | undefined {
    return depth === 0 ? this.#declared.types.get(name) : undefined;
  }

  /** Shape rules trust their operands; whatever a file breaks in them is said with the node's name. */
  #located<T>(node: Node, work: () => T): T {
    try {
      return work();
    } catch (error) {
      const isGraft = error instanceof GraftError;
      const said = messageOf(error);
      if (isGraft && said.startsWith(this.where)) throw error;
      const at = `${this.where}: node "${nameOf(node)}"`;
      if (isGraft && said.startsWith("node "))
        throw new GraftError(error.code, `${this.where}: ${said}`, { cause: error });
      if (isGraft) throw new GraftError(error.code, `${at} (${node.op}): ${said}`, { cause: error });
      const message = `${at} (${node.op}): its inputs or attributes do not fit the operator (${said}).`;
      throw new GraftError("model", message, { cause: error });
    }
  }
}

function nameOf({ name, outputs }: Node): string {
  return name || (outputs[0] ?? "");
}

function keyOf(domain: string, op: string): string {
  return `${domain}::${op}`;
}

function checkedOpset(opsets: ReadonlyMap<string, number>, where: string): number {
  const opset = opsets.get("") ?? opsetVersion;
  if (opset >= oldestOpset && opset <= newestOpset) return opset;
  const advice = opset < oldestOpset ? "Export the model again with operator set 13 or newer." : "Update Graft.";
  throw new GraftError(
    "model",
    `${where} uses operator set ${opset}; expected ${oldestOpset} to ${newestOpset}. ${advice}`,
  );
}

function isSameType({ attributes }: Call, { dtype }: TensorType): boolean {
  const to = attributes["to"];
  return to?.type === "int" && to.value === dtypeCode(dtype);
}

/** A shape that no memory holds is damage, and is said where it arises. */
function checkType(type: TensorType | undefined): void {
  if (type === undefined) return;
  const size = type.shape.reduce<number>((total, dim) => total * (typeof dim === "number" ? dim : 1), 1);
  const possible = type.shape.every((dim) => typeof dim === "string" || (Number.isInteger(dim) && dim >= 0));
  if (possible && Number.isSafeInteger(size) && type.shape.length <= limitRank) return;
  throw new GraftError("shape", `it would give a tensor of the impossible shape [${type.shape.slice(0, 8)}].`);
}
