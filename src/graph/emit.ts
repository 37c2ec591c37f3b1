import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import type { Attribute, Graph, Model, Node as OnnxNode, ValueInfo } from "../onnx/model.ts";
import { expandComposites } from "./composite.ts";
import { identity } from "./identity.ts";
import type { Operator } from "./operator.ts";
import { leavesOf, nodesOf } from "./traverse.ts";
import type { Node, Value } from "./value.ts";

/** The operator set that emitted graphs import, unless an operator without a rule comes from a newer one. */
export const opsetVersion = 20;
/** The file format version that goes with it, and that of files with newer operator sets. */
const irVersion = 9;
const newerIrVersion = 10;

export interface Emission {
  readonly name: string;
  /** Fed values in the order in which the file lists them. */
  readonly inputs: readonly Value[];
  /** Output values by name. */
  readonly outputs: Readonly<Record<string, Value>>;
  readonly metadata?: ReadonlyMap<string, string>;
}

/** Writes a graph down as an ONNX model: the same values give the same model. Throws `model` when an input is fed but not listed. */
export function emit({ name, inputs, outputs, metadata = new Map() }: Emission): Model {
  const written = expandComposites(Object.values(outputs));
  const named = distinctOutputs(Object.fromEntries(Object.keys(outputs).map((key, i) => [key, written[i]])));
  const values = [...named.values()];
  const names = nameValues(named, inputs);
  const initializers = nameConstants(values, names);
  const domains = new Map([["", opsetVersion]]);
  const used = usedValues(values);
  const nodes = nodesOf(values).map((node, i) => {
    const { domain, version = 1 } = node.operator;
    domains.set(domain, Math.max(domains.get(domain) ?? 1, version));
    return emitNode(node, `${node.operator.name}_${i}`, names, used);
  });
  const graph: Graph = {
    name,
    inputs: inputs.map((value) => valueInfo(names.get(value) ?? "", value)),
    outputs: [...named].map(([outputName, value]) => valueInfo(outputName, value)),
    valueInfos: [],
    nodes,
    initializers,
  };
  const newer = (domains.get("") ?? opsetVersion) > opsetVersion;
  return { irVersion: newer ? newerIrVersion : irVersion, opsets: domains, producer: "graft", metadata, graph };
}

/** Every output gets a node of its own, so that its name is free to choose. */
function distinctOutputs(outputs: Readonly<Record<string, Value>>): Map<string, Value> {
  const taken = new Set<Value>();
  const named = new Map<string, Value>();
  for (const [name, value] of Object.entries(outputs)) {
    const own = value.source.kind !== "node" || taken.has(value) ? identity(value) : value;
    taken.add(own);
    named.set(name, own);
  }
  return named;
}

function nameValues(outputs: ReadonlyMap<string, Value>, inputs: readonly Value[]): Map<Value, string> {
  const names = new Map<Value, string>();
  const listed = new Set<Value>(inputs);
  for (const value of inputs) if (value.source.kind === "input") names.set(value, value.source.name);
  for (const [name, value] of outputs) names.set(value, name);
  for (const leaf of leavesOf([...outputs.values()])) {
    if (leaf.source.kind === "input" && !listed.has(leaf)) {
      throw new GraftError(
        "model",
        `the graph uses the input "${leaf.source.name}", which is not among its listed inputs.`,
      );
    }
  }
  const taken = new Set(names.values());
  if (taken.size !== names.size) throw new GraftError("model", "two inputs or outputs of the graph share one name.");
  return names;
}

/** Constants become initialisers; equal small ones are stored once. */
function nameConstants(outputs: readonly Value[], names: Map<Value, string>): Map<string, Tensor> {
  const initializers = new Map<string, Tensor>();
  const byContent = new Map<string, string>();
  const taken = new Set(names.values());
  for (const leaf of leavesOf(outputs)) {
    if (leaf.source.kind !== "constant") continue;
    const { tensor, name } = leaf.source;
    const content =
      tensor.size <= 16 && name === undefined ? `${tensor.dtype}[${tensor.shape}]${tensor.bytes}` : undefined;
    const known = content === undefined ? undefined : byContent.get(content);
    if (known !== undefined) {
      names.set(leaf, known);
      continue;
    }
    const fresh = freeName(name ?? `constant_${initializers.size}`, taken);
    names.set(leaf, fresh);
    initializers.set(fresh, tensor);
    if (content !== undefined) byContent.set(content, fresh);
  }
  return initializers;
}

function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 1; taken.has(name); i++) name = `${wanted}_${i}`;
  taken.add(name);
  return name;
}

function usedValues(outputs: readonly Value[]): ReadonlySet<Value> {
  const used = new Set<Value>(outputs);
  for (const node of nodesOf(outputs)) for (const value of node.inputs) if (value !== undefined) used.add(value);
  return used;
}

function emitNode(node: Node, name: string, names: Map<Value, string>, used: ReadonlySet<Value>): OnnxNode {
  const last = node.operator.rule?.optionalOutputs
    ? node.outputs.findLastIndex((output) => used.has(output))
    : Number.POSITIVE_INFINITY;
  const outputs = node.outputs.slice(0, last + 1).map((output, i) => {
    const known = names.get(output) ?? (node.outputs.length === 1 ? `${name}_out` : `${name}_out${i}`);
    names.set(output, known);
    return known;
  });
  refuseCaptures(node);
  return {
    op: node.operator.name,
    domain: node.operator.domain,
    name,
    inputs: node.inputs.map((value) => (value === undefined ? "" : (names.get(value) ?? ""))),
    outputs,
    attributes: emitAttributes(node.operator, node.attributes),
  };
}

/** A graph inside a node uses values around it by name, and names are given anew here. */
function refuseCaptures({ operator, attributes, name }: Node): void {
  for (const [key, { type }] of Object.entries(operator.fields ?? {})) {
    if (type !== "graph" || attributes[key] === undefined) continue;
    throw new GraftError(
      "model",
      `node "${name}" (${operator.name}) runs graphs of its own, chosen while the model runs; Graft cannot rebuild such a ` +
        "model. Export it for inference at a fixed input, so that the exporter resolves the branch.",
    );
  }
}

function emitAttributes(operator: Operator, attributes: Node["attributes"]): Record<string, Attribute> {
  const emitted: Record<string, Attribute> = {};
  for (const [name, field] of Object.entries(operator.fields ?? {})) {
    const value = attributes[name];
    // The field's type and its value were bound together where the operator was defined. Defaults are written out:
    // they have changed between operator sets.
    if (value !== undefined) emitted[name] = { type: field.type, value } as Attribute;
  }
  return emitted;
}

function valueInfo(name: string, value: Value): ValueInfo {
  return { name, dtype: value.dtype, shape: value.shape.map((dim) => (dim === "" ? undefined : dim)) };
}
