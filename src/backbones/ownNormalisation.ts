import { nodesOf } from "../graph/traverse.ts";
import type { Node, Value } from "../graph/value.ts";
import type { Backbone } from "./onnxBackbone.ts";

/** Operators that move or rename numbers and leave them as they are. */
const carrying = new Set(["Identity", "Cast", "Transpose", "Pad", "Gather", "Resize"]);
/** Operators that shift or scale by constants. */
const normalising = new Set(["Add", "Sub", "Mul", "Div", "BatchNormalization"]);

/** The operators that shift or scale the pixels inside the network's graph, before its first layer: `["Sub", "Div"]`. */
export function ownNormalisation({ input, features }: Pick<Backbone, "input" | "features">): readonly string[] {
  const users = usersOf(features);
  const found: string[] = [];
  let pixels = input;
  for (;;) {
    const [user, ...others] = users.get(pixels) ?? [];
    const [output] = user?.outputs ?? [];
    if (user === undefined || output === undefined || others.length > 0) return found;
    const { name } = user.operator;
    if (normalising.has(name) && user.inputs.every((value) => value === pixels || value?.source.kind === "constant"))
      found.push(name);
    else if (!carrying.has(name)) return found;
    pixels = output;
  }
}

function usersOf(features: Value): ReadonlyMap<Value, readonly Node[]> {
  const users = new Map<Value, Node[]>();
  for (const node of nodesOf([features])) {
    for (const value of new Set(node.inputs))
      if (value !== undefined) users.set(value, [...(users.get(value) ?? []), node]);
  }
  return users;
}
