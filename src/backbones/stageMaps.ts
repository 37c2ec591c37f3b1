import { dependents, nodesOf } from "../graph/traverse.ts";
import type { Node, Value } from "../graph/value.ts";
import type { Backbone } from "./onnxBackbone.ts";

/**
 * The feature maps [N, C, H, W] with which a network's stages end, first to last: of each size, the last that all that is computed from
 * an image passes through, as it is before the next stage widens it; means of them that were put behind the features are no way around.
 * None for networks that work on tokens. Weights may be constants or fed.
 */
export function stageMaps({ input, features: all }: Pick<Backbone, "input" | "features">): readonly Value[] {
  const features = ownFeatures(all);
  if (nodesOf([features]).some(worksOnTokens)) return [];
  const bySize = new Map<number, Bottleneck[]>();
  let smallest = Number.POSITIVE_INFINITY;
  for (const bottleneck of bottlenecks(input, features)) {
    const positions = positionsOf(bottleneck.value);
    // Maps never grow again: what seems larger has its channels last.
    if (positions < 2 || positions > smallest || isImage(bottleneck.value, input)) continue;
    smallest = positions;
    bySize.set(positions, [...(bySize.get(positions) ?? []), bottleneck]);
  }
  return [...bySize.values()].map(stageEnd);
}

/** Where means of maps were put behind a network's own features (`withStageFeatures`), these alone; else `output`. */
function ownFeatures(output: Value): Value {
  return nodesOf([output]).find(gathersStages)?.inputs[0] ?? output;
}

function gathersStages({ operator, inputs, outputs }: Node): boolean {
  const [, ...means] = inputs;
  const isMean = (value: Value | undefined) => value !== undefined && averagedMaps(value) !== undefined;
  return operator.name === "Concat" && outputs[0]?.rank === 2 && means.length > 0 && means.every(isMean);
}

/** The maps that `value` holds the means of, where it is nothing else. */
export function averagedMaps(value: Value): Value | undefined {
  const pooled = producerOf(value)?.inputs[0];
  const pooling = producerOf(pooled);
  return pooling?.operator.name === "GlobalAveragePool" ? pooling.inputs[0] : undefined;
}

function producerOf(value: Value | undefined): Node | undefined {
  return value?.source.kind === "node" ? value.source.node : undefined;
}

/** Where a graph that begins with pixels [N, H, W, 3] has made images [N, 3, side, side] of them. */
export function imagesWithin(output: Value, side: number): Value | undefined {
  const isShaped = ({ type }: Value) => type?.shape.slice(1).join() === `3,${side},${side}`;
  return nodesOf([output])
    .flatMap(({ outputs }) => outputs)
    .find(isShaped);
}

/** The image itself, normalised or its colours in another order. */
function isImage(value: Value, input: Value): boolean {
  return channelsOf(value) === channelsOf(input) && positionsOf(value) === positionsOf(input);
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
    (value, i) =>
      value !== undefined && value.source.kind !== "node" && value.rank > 0 && weights.includes(names[i] ?? ""),
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
