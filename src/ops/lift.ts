import { Tensor } from "../base/tensor.ts";
import { constant, scalar, type Value } from "../graph/value.ts";
import type { Attribute, Node } from "../onnx/model.ts";

/** A node as the newest operator set writes it; what was an attribute and became an input comes as a constant. */
interface Lifted {
  readonly node: Node;
  readonly extraInputs: readonly (Value | undefined)[];
}

/** Up to which operator set an operator kept these attributes, which later became inputs, in this order. */
const attributesThatBecameInputs: Readonly<
  Record<string, { readonly before: number; readonly names: readonly string[] }>
> = {
  Clip: { before: 11, names: ["min", "max"] },
  Slice: { before: 10, names: ["starts", "ends", "axes"] },
  Pad: { before: 11, names: ["pads", "value"] },
  Reshape: { before: 5, names: ["shape"] },
  Squeeze: { before: 13, names: ["axes"] },
  Unsqueeze: { before: 13, names: ["axes"] },
  ReduceSum: { before: 13, names: ["axes"] },
  ReduceMean: { before: 18, names: ["axes"] },
  ReduceMax: { before: 18, names: ["axes"] },
  ReduceMin: { before: 18, names: ["axes"] },
  Dropout: { before: 12, names: ["ratio"] },
};

/** Rewrites one node of operator set `opset` in the newest form (ONNX, Changelog.md, the versions named in the table). */
export function liftNode(node: Node, opset: number): Lifted {
  const moved = node.domain === "" ? attributesThatBecameInputs[node.op] : undefined;
  if (moved === undefined || opset >= moved.before) return { node: dropLegacy(node, opset), extraInputs: [] };
  const attributes = { ...node.attributes };
  const extraInputs = moved.names.map((name) => {
    const attribute = attributes[name];
    delete attributes[name];
    return attribute && constantFrom(attribute);
  });
  return { node: dropLegacy({ ...node, attributes }, opset), extraInputs };
}

/** Attributes that say what is now always so. */
function dropLegacy(node: Node, opset: number): Node {
  const legacy = { BatchNormalization: opset < 14 ? ["spatial", "is_test"] : [], Dropout: ["is_test"] } as Record<
    string,
    string[]
  >;
  let { attributes } = node;
  for (const name of legacy[node.op] ?? []) {
    if (name in attributes) attributes = Object.fromEntries(Object.entries(attributes).filter(([key]) => key !== name));
  }
  if ((node.op === "Softmax" || node.op === "LogSoftmax") && opset < 13 && attributes["axis"] === undefined) {
    attributes = { ...attributes, axis: { type: "int", value: 1 } };
  }
  return attributes === node.attributes ? node : { ...node, attributes };
}

function constantFrom(attribute: Attribute): Value | undefined {
  switch (attribute.type) {
    case "float":
      return scalar(attribute.value);
    case "ints":
      return constant(Tensor.int64(attribute.value));
    default:
      return undefined;
  }
}
