import { isStatic, sameShape } from "../base/shapes.ts";
import { apply } from "../graph/operator.ts";
import { copyOf, countUses } from "../graph/rewrite.ts";
import { nodesOf } from "../graph/traverse.ts";
import { constantNumbers, constantOf, type Node, type Value } from "../graph/value.ts";
import { clip, relu } from "./activations.ts";
import { add, mul, sub } from "./arithmetic.ts";
import { blockedConvolution, blockedInputGradient } from "./blockedConvolution.ts";
import { blockedDepthwiseFilterGradient, isDepthwiseFilterGradient } from "./blockedFilterGradient.ts";
import {
  blockedConv,
  blockedGlobalAveragePool,
  blockedInnerProducts,
  blockView,
  canBeBlocked,
  reorderInput,
  reorderOutput,
} from "./blockedOperators.ts";
import { conv, convTranspose } from "./convolution.ts";
import { reshape } from "./layout.ts";
import { reduceMean, reduceSum } from "./reductions.ts";
import { slice } from "./slicing.ts";
import { transpose } from "./transpose.ts";

/**
 * The same graph with its convolutions, and what lies elementwise between them, in the blocked layout.
 * Values are reordered only where an operator of the other layout needs them, each once.
 *
 * @param block channels in a block: what this machine's runtime uses
 */
export function toBlockedLayout(outputs: readonly Value[], block: number): readonly Value[] {
  const layouts = new Layouts(block, countUses(outputs));
  for (const node of nodesOf(outputs)) layouts.place(node);
  return outputs.map((value) => layouts.plain(value));
}

interface OpenConvolution {
  readonly attributes: Node["attributes"];
  /** Data, filter, bias, sum. */
  readonly operands: readonly (Value | undefined)[];
}

/** Each value of the old graph in one layout or both. */
class Layouts {
  readonly #block: number;
  readonly #uses: ReadonlyMap<Value, number>;
  readonly #plain = new Map<Value, Value>();
  readonly #blocked = new Map<Value, Value>();
  readonly #channelsLast = new Map<Value, Value>();
  /** Blocked convolutions that may still take a sum or an activation. */
  readonly #open = new Map<Value, OpenConvolution>();

  constructor(block: number, uses: ReadonlyMap<Value, number>) {
    this.#block = block;
    this.#uses = uses;
  }

  /** The value in the order that its shape says. */
  plain(value: Value): Value {
    const known = this.#plain.get(value);
    if (known !== undefined) return known;
    const blocked = this.#blocked.get(value);
    const found = blocked === undefined ? value : reorderOutput(blocked, { channels: channelsOf(value) });
    this.#plain.set(value, found);
    return found;
  }

  blocked(value: Value): Value {
    const known = this.#blocked.get(value);
    if (known !== undefined) return known;
    const found = reorderInput(this.plain(value));
    this.#blocked.set(value, found);
    return found;
  }

  /** Decides where and how `node` is computed. */
  place(node: Node): void {
    const [output] = node.outputs;
    const found =
      this.#convolution(node) ??
      this.#fused(node) ??
      this.#perChannel(node) ??
      this.#elementwise(node) ??
      this.#sliced(node);
    if (found !== undefined) {
      this.#blocked.set(output, found);
      return;
    }
    const turned = this.#channelsLastOf(node) ?? this.#reduction(node) ?? this.#filterGradient(node);
    if (turned !== undefined) {
      this.#plain.set(output, turned);
      return;
    }
    const copies = copyOf(
      node,
      node.inputs.map((value) => value && this.plain(value)),
    );
    for (const [i, value] of node.outputs.entries()) if (value !== copies[i]) this.#plain.set(value, copies[i]);
  }

  #convolution(node: Node): Value | undefined {
    const plan =
      node.operator === conv.operator
        ? blockedConvolution(node, this.#block)
        : node.operator === convTranspose.operator
          ? blockedInputGradient(node, this.#block)
          : undefined;
    if (plan === undefined) return undefined;
    const [x, w, b] = node.inputs as readonly [Value, Value, Value | undefined];
    const data = plan.takesPlain ? this.plain(x) : this.blocked(x);
    const operands = [data, plan.filter(this.plain(w)), b && this.plain(b)];
    return this.#opened({ attributes: plan.attributes, operands });
  }

  /** A sum or an activation after a convolution that nothing else sees becomes part of it. */
  #fused(node: Node): Value | undefined {
    const activation = activationOf(node);
    if (activation !== undefined) {
      const open = this.#openBefore(node.inputs[0]);
      if (open === undefined) return undefined;
      return apply(blockedConv.operator, open.operands, { ...open.attributes, ...activation }).outputs[0];
    }
    if (node.operator !== add.operator) return undefined;
    const [a, b] = node.inputs as readonly [Value, Value];
    if (!sameShape(a.shape, b.shape)) return undefined;
    for (const [first, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const open = this.#openBefore(first);
      if (open === undefined || open.operands[3] !== undefined || !isMap(other, this.#block)) continue;
      const [x, w, bias] = open.operands;
      return this.#opened({ ...open, operands: [x, w, bias, this.blocked(other)] });
    }
    return undefined;
  }

  /** A map times or plus one number per channel is a depthwise 1×1 convolution, or the bias of the convolution before. */
  #perChannel(node: Node): Value | undefined {
    const [output] = node.outputs;
    const isProduct = node.operator === mul.operator;
    if (!(isProduct || node.operator === add.operator || node.operator === sub.operator)) return undefined;
    if (!isMap(output, this.#block)) return undefined;
    const [a, b] = node.inputs as readonly [Value, Value];
    const shape = output.staticShape;
    const swapped = sideOf(a, shape) === "channel" && node.operator !== sub.operator;
    const [map, channel] = swapped ? [b, a] : [a, b];
    if (sideOf(map, shape) !== "map" || sideOf(channel, shape) !== "channel" || !this.#onlyBlocked(map))
      return undefined;
    const channels = shape[1];
    const numbers = this.plain(channel);
    if (isProduct) return this.#depthwise(this.blocked(map), reshape(numbers, [channels, 1, 1, 1]), undefined);
    const bias = reshape(node.operator === sub.operator ? mul(numbers, -1) : numbers, [channels]);
    const open = this.#openBefore(map);
    if (open !== undefined && open.operands[2] === undefined) {
      const [x, w, , sum] = open.operands;
      return this.#opened({ ...open, operands: [x, w, bias, sum] });
    }
    const ones = constantOf("float32", [channels, 1, 1, 1], new Array<number>(channels).fill(1));
    return this.#depthwise(this.blocked(map), ones, bias);
  }

  #depthwise(x: Value, w: Value, bias: Value | undefined): Value {
    return this.#opened({ attributes: { kernel_shape: [1, 1], group: w.staticShape[0] }, operands: [x, w, bias] });
  }

  /** A convolution that what follows may still be made part of. */
  #opened(convolution: OpenConvolution): Value {
    const [result] = apply(blockedConv.operator, convolution.operands, convolution.attributes).outputs;
    this.#open.set(result, convolution);
    return result;
  }

  #openBefore(value: Value | undefined): OpenConvolution | undefined {
    const image = value && this.#uses.get(value) === 1 ? this.#blocked.get(value) : undefined;
    return image && this.#open.get(image);
  }

  /** Elementwise operators stay in the blocked layout when an operand is there alone. */
  #elementwise(node: Node): Value | undefined {
    const [output] = node.outputs;
    if (node.operator.rule?.elementwise !== true || !isMap(output, this.#block)) return undefined;
    const shape = output.staticShape;
    if (node.inputs.some((value) => value !== undefined && value.dtype !== "float32")) return undefined;
    const sides = node.inputs.map((value) => value && sideOf(value, shape));
    if (sides.includes("other") || !node.inputs.some((value) => value && this.#onlyBlocked(value))) return undefined;
    const perChannel = sides.includes("channel");
    const view = blockView(shape, this.#block);
    const operands = node.inputs.map((value, i) => {
      if (value === undefined) return undefined;
      if (sides[i] === "scalar") return this.plain(value);
      if (sides[i] === "channel") return reshape(this.plain(value), [1, view[1], 1, 1, this.#block]);
      return perChannel ? reshape(this.blocked(value), view) : this.blocked(value);
    });
    const result = apply(node.operator, operands, node.attributes).outputs[0];
    return perChannel ? reshape(result, shape) : result;
  }

  /** Whole pixels of a block are picked as well as single ones, and faster. */
  #sliced(node: Node): Value | undefined {
    const [x, starts, ends, axes, steps] = node.inputs;
    if (node.operator !== slice.operator || x === undefined || !this.#onlyBlocked(x)) return undefined;
    if (String(axes && constantNumbers(axes)) !== "2,3" || !isMap(node.outputs[0], this.#block)) return undefined;
    const view = reshape(this.blocked(x), blockView(x.staticShape, this.#block));
    const cut = apply(slice.operator, [view, starts, ends, axes, steps], node.attributes).outputs[0];
    return reshape(cut, node.outputs[0].staticShape);
  }

  #onlyBlocked(value: Value): boolean {
    return this.#blocked.has(value) && !this.#plain.has(value);
  }

  /** Sums and means over positions, and over the batch too, from those of each image; a product is never written down. */
  #reduction(node: Node): Value | undefined {
    const [x, axes] = node.inputs;
    const isSum = node.operator === reduceSum.operator;
    if (!(isSum || node.operator === reduceMean.operator) || x === undefined || !this.#onlyBlocked(x)) return undefined;
    const over = String(axes && constantNumbers(axes));
    if (over !== "0,2,3" && over !== "2,3") return undefined;
    const [count, channels, height, width] = x.staticShape;
    const positions = height * width;
    const factors = this.#mapsMultipliedTo(x);
    const perImage = factors ? blockedInnerProducts(...factors) : blockedGlobalAveragePool(this.blocked(x)); // [N, C, 1, 1]
    const summed = over === "2,3" ? perImage : reduceSum(perImage, [0], { keepdims: 1 });
    const elements = over === "2,3" ? positions : count * positions;
    const total = mul(summed, (factors ? 1 : positions) / (isSum ? 1 : elements));
    if (node.attributes["keepdims"] === 1) return total;
    return reshape(total, over === "2,3" ? [count, channels] : [channels]);
  }

  /** Two maps in the blocked layout whose product is `x`, where nothing but one node asks for it. */
  #mapsMultipliedTo(x: Value): readonly [Value, Value] | undefined {
    if (x.source.kind !== "node" || x.source.node.operator !== mul.operator || this.#uses.get(x) !== 1)
      return undefined;
    const [a, b] = x.source.node.inputs as readonly [Value, Value];
    const areMaps = sameShape(a.shape, x.shape) && sameShape(b.shape, x.shape);
    return areMaps ? [this.blocked(a), this.blocked(b)] : undefined;
  }

  #filterGradient(node: Node): Value | undefined {
    if (!isDepthwiseFilterGradient(node, this.#block)) return undefined;
    const [dy, x] = node.inputs as readonly [Value, Value];
    return blockedDepthwiseFilterGradient(this.blocked(dy), this.blocked(x), node);
  }

  /** [N, C, H, W] → [N, H, W, C] is one reordering from the blocked layout. */
  #channelsLastOf(node: Node): Value | undefined {
    const [x] = node.inputs;
    if (node.operator !== transpose.operator || x === undefined || !this.#blocked.has(x)) return undefined;
    if (String(node.attributes["perm"]) !== "0,2,3,1") return undefined;
    const known = this.#channelsLast.get(x);
    if (known !== undefined) return known;
    const found = reorderOutput(this.blocked(x), { channels: channelsOf(x), channels_last: 1 });
    this.#channelsLast.set(x, found);
    return found;
  }
}

/** Relu, or Clip between constants, as the blocked convolution names them. */
function activationOf({ operator, inputs }: Node): Node["attributes"] | undefined {
  if (operator === relu.operator) return { activation: "Relu" };
  if (operator !== clip.operator) return undefined;
  const [low, high] = inputs.slice(1).map((limit) => limit && constantNumbers(limit)?.[0]);
  return low === undefined || high === undefined ? undefined : { activation: "Clip", activation_params: [low, high] };
}

/** How an operand meets a result of `shape`. */
function sideOf(value: Value, shape: readonly number[]): "map" | "channel" | "scalar" | "other" {
  if (value.rank === 4 && sameShape(value.shape, shape)) return "map";
  if (value.shape.every((dim) => dim === 1)) return "scalar";
  const [count, channels, height, width] = value.rank === 4 ? value.shape : [];
  return count === 1 && channels === shape[1] && height === 1 && width === 1 ? "channel" : "other";
}

/** The runtime reorders floats alone. */
function isMap(value: Value, block: number): boolean {
  return canBeBlocked(value, block) && isStatic(value.shape);
}

function channelsOf(value: Value): number {
  return value.staticShape[1];
}
