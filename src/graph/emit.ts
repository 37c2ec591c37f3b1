import { GraftError } from "../base/errors.ts";
import type { Tensor } from "../base/tensor.ts";
import type { Graph, Model, ValueInfo } from "../onnx/model.ts";
import { expandComposites } from "./composite.ts";
import { distinctOutputs, emitNodes } from "./emitNodes.ts";
import { graphsWithin } from "./subgraph.ts";
import { leavesOf, nodesOf } from "./traverse.ts";
import type { Value } from "./value.ts";

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
  const opsets = importedOpsets(values);
  const graph: Graph = {
    name,
    inputs: inputs.map((value) => valueInfo(names.get(value) ?? "", value)),
    outputs: [...named].map(([outputName, value]) => valueInfo(outputName, value)),
    valueInfos: [],
    nodes: emitNodes(values, names, ""),
    initializers,
  };
  const newer = (opsets.get("") ?? opsetVersion) > opsetVersion;
  return { irVersion: newer ? newerIrVersion : irVersion, opsets, producer: "graft", metadata, graph };
}

function importedOpsets(outputs: readonly Value[]): Map<string, number> {
  const opsets = new Map([["", opsetVersion]]);
  for (const graph of graphsWithin(outputs)) {
    for (const { operator } of nodesOf(graph)) {
      const { domain, version = 1 } = operator;
      opsets.set(domain, Math.max(opsets.get(domain) ?? 1, version));
    }
  }
  return opsets;
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

/** Constants, also those of inner graphs, become initialisers; equal small ones are stored once. */
function nameConstants(outputs: readonly Value[], names: Map<Value, string>): Map<string, Tensor> {
  const initializers = new Map<string, Tensor>();
  const byContent = new Map<string, string>();
  const taken = new Set(names.values());
  for (const leaf of [...graphsWithin(outputs)].flatMap(leavesOf)) {
    if (leaf.source.kind !== "constant" || names.has(leaf)) continue;
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

function valueInfo(name: string, value: Value): ValueInfo {
  return { name, dtype: value.dtype, shape: value.shape.map((dim) => (dim === "" ? undefined : dim)) };
}
