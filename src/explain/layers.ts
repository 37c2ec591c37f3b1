import { isFloat } from "../base/dtypes.ts";
import { didYouMean, GraftError } from "../base/errors.ts";
import { dependents, nodesOf } from "../graph/traverse.ts";
import type { Node, Value } from "../graph/value.ts";
import type { ExplainedNetwork } from "./network.ts";

/** Feature maps of a network that can be looked into. */
export interface Layer {
  /** The node's name where it has one, else its operator with a number. */
  readonly name: string;
  /** [N, C, H, W]. */
  readonly value: Value;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Where maps become something else: their axes are exchanged or joined. */
const rearranging: ReadonlySet<string> = new Set(["Transpose", "Reshape", "Flatten", "DepthToSpace", "SpaceToDepth"]);

/** Names shown when one is not known. */
const shown = 8;

/** All feature maps of more than one cell that come from a convolution and still have its axes, first to last. */
export function layersOf({ pixels, scores }: ExplainedNetwork): readonly Layer[] {
  const order = nodesOf([scores]);
  const moving = dependents(order, new Set([pixels]));
  const maps = new Set<Value>();
  const layers: Layer[] = [];
  const taken = new Set<string>();
  for (const node of order) {
    const [value] = node.outputs;
    if (value === undefined || !moving.has(node) || !givesMaps(node, maps)) continue;
    const [, channels, height, width] = value.type?.shape ?? [];
    if (typeof channels !== "number" || typeof height !== "number" || typeof width !== "number") continue;
    maps.add(value);
    const name = freeName(node.name || node.operator.name, taken);
    if (height * width > 1) layers.push({ name, value, channels, height, width });
  }
  return layers;
}

/** The layer called `name`, or the last one. Throws `usage` for a name that is none, `model` where there is no layer at all. */
export function chooseLayer(network: ExplainedNetwork, name?: string): Layer {
  const layers = layersOf(network);
  const last = layers[layers.length - 1];
  if (last === undefined) {
    const text = "the model has no feature maps of a convolution to look into.";
    throw new GraftError(
      "model",
      `${text} integrated-gradients, smoothgrad and occlusion need none: choose one of these methods.`,
    );
  }
  if (name === undefined) return last;
  const found = layers.find((layer) => layer.name === name);
  if (found !== undefined) return found;
  const names = layers.map((layer) => layer.name);
  const near = didYouMean(name, names);
  const ends = names
    .slice(-shown)
    .map((each) => `"${each}"`)
    .join(", ");
  throw new GraftError(
    "usage",
    `the model has no layer "${name}".${near} The last of its ${names.length} layers: ${ends}.`,
  );
}

function givesMaps({ operator, inputs, outputs }: Node, maps: ReadonlySet<Value>): boolean {
  const type = outputs[0]?.type;
  if (type === undefined || !isFloat(type.dtype) || type.shape.length !== 4) return false;
  if (operator.name === "Conv") return true;
  return !rearranging.has(operator.name) && inputs.some((value) => value !== undefined && maps.has(value));
}

function freeName(wanted: string, taken: Set<string>): string {
  let name = wanted;
  for (let i = 2; taken.has(name); i++) name = `${wanted}_${i}`;
  taken.add(name);
  return name;
}
