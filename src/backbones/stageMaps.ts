import { dependents, nodesOf } from "../graph/traverse.ts";
import type { Node, Value } from "../graph/value.ts";
import type { Backbone } from "./onnxBackbone.ts";

/**
 * The feature maps [N, C, H, W] with which a network's stages end, first to last: of each size, the last that all that is computed from
 * an image passes through, as it is before the next stage widens it. None for networks that work on tokens.
 */
export function stageMaps({ input, features }: Pick<Backbone, "input" | "features">): readonly Value[] {
  if (nodesOf([features]).some(worksOnTokens)) return [];
  const bySize = new Map<number, Bottleneck[]>();
  let smallest = Number.POSITIVE_INFINITY;
  for (const bottleneck of bottlenecks(input, features)) {
    const positions = positionsOf(bottleneck.value);
    // Maps never grow again: what seems larger has its channels last.
    if (positions < 2 || positions > smallest) continue;
    smallest = positions;
    bySize.set(positions, [...(bySize.get(positions) ?? []), bottleneck]);
  }
  return [...bySize.values()].map(stageEnd);
}

/** A value that everything computed from the image passes through. */
interface Bottleneck {
  readonly value: Value;
  /** Whether paths with weights of their own meet here, as at the end of a residual block. */
  readonly endsBlock: boolean;
}

function bottlenecks(input: Value, output: Value): readonly Bottleneck[] {
  const order = nodesOf([output]);
  const moving = dependents(order, new Set([input]));
  const lastUse = new Map<Value, number>();
  for (const [at, node] of order.entries())
    for (const value of node.inputs) if (value !== undefined) lastUse.set(value, at);
  lastUse.set(output, order.length);
  const found: Bottleneck[] = [];
  const needed = new Set<Value>([input]);
  let section: Node[] = [];
  for (const [at, node] of order.entries()) {
    if (!moving.has(node)) continue;
    section.push(node);
    for (const value of node.outputs) if (lastUse.has(value)) needed.add(value);
    for (const value of node.inputs) if (value !== undefined && (lastUse.get(value) ?? 0) <= at) needed.delete(value);
    const [value] = needed;
    if (needed.size !== 1 || value === undefined) continue;
    found.push({ value, endsBlock: section.length > 1 && section.some(hasWeights) });
    section = [];
  }
  return found;
}

function hasWeights({ operator, inputs }: Node): boolean {
  const { inputs: names = [], weights = [] } = operator.rule ?? {};
  return inputs.some(
    (value, i) => value?.source.kind === "constant" && value.rank > 0 && weights.includes(names[i] ?? ""),
  );
}

/** Linear layers on [N, tokens, width]. */
function worksOnTokens(node: Node): boolean {
  return hasWeights(node) && node.outputs[0]?.type?.shape.length === 3;
}

/** Going back from the last one to where a block ended, as long as maps do not widen: the narrowest, and the last of equals. */
function stageEnd(candidates: readonly Bottleneck[]): Value {
  const [last, ...before] = [...candidates].reverse();
  if (last === undefined) throw new Error("a stage has maps");
  let best = last.value;
  let blockEnded = last.endsBlock;
  for (const { value, endsBlock } of before) {
    if (blockEnded || channelsOf(value) > channelsOf(best)) break;
    if (channelsOf(value) < channelsOf(best)) best = value;
    blockEnded = endsBlock;
  }
  return best;
}

export function channelsOf(maps: Value): number {
  return Number(maps.shape[1]);
}

/** H·W of maps; 1 for anything else. */
export function positionsOf({ type }: Value): number {
  const [, channels, height, width, ...more] = type?.shape ?? [];
  if (typeof channels !== "number" || typeof height !== "number" || typeof width !== "number") return 1;
  return more.length > 0 ? 1 : height * width;
}
