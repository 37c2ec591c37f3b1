import { sameShape } from "../base/shapes.ts";
import { apply } from "../graph/operator.ts";
import { countUses } from "../graph/rewrite.ts";
import { nodesOf } from "../graph/traverse.ts";
import type { Node, Value } from "../graph/value.ts";
import { relu } from "./activations.ts";
import { add } from "./arithmetic.ts";
import { type BlockedConvolution, blockedConvolution, blockedInputGradient } from "./blockedConvolution.ts";
import { blockedConv, blockView, canBeBlocked, reorderInput, reorderOutput } from "./blockedOperators.ts";
import { conv } from "./convolution.ts";
import { convTranspose } from "./convolutionTransposed.ts";
import { reshape } from "./layout.ts";
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

/** Each value of the old graph in one layout or both. */
class Layouts {
  readonly #block: number;
  readonly #uses: ReadonlyMap<Value, number>;
  readonly #plain = new Map<Value, Value>();
  readonly #blocked = new Map<Value, Value>();
  readonly #channelsLast = new Map<Value, Value>();
  /** Blocked convolutions that may still take a sum or an activation. */
  readonly #open = new Map<Value, BlockedConvolution>();

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
    const found = this.#convolution(node) ?? this.#fused(node) ?? this.#elementwise(node);
    if (found !== undefined) {
      this.#blocked.set(output, found);
      return;
    }
    const turned = this.#channelsLastOf(node);
    if (turned !== undefined) {
      this.#plain.set(output, turned);
      return;
    }
    const inputs = node.inputs.map((value) => value && this.plain(value));
    if (inputs.every((value, i) => value === node.inputs[i])) return;
    const copy = apply(node.operator, inputs, node.attributes, node.name === undefined ? {} : { name: node.name });
    for (const [i, value] of node.outputs.entries()) this.#plain.set(value, copy.outputs[i]);
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
    const bound: BlockedConvolution = { ...plan, operands: [data, plan.filter(this.plain(w)), b && this.plain(b)] };
    const result = apply(blockedConv.operator, bound.operands, bound.attributes).outputs[0];
    this.#open.set(result, bound);
    return result;
  }

  /** A sum or an activation after a convolution that nothing else sees becomes part of it. */
  #fused(node: Node): Value | undefined {
    if (node.operator === relu.operator) {
      const open = this.#openBefore(node.inputs[0]);
      if (open === undefined) return undefined;
      return apply(blockedConv.operator, open.operands, { ...open.attributes, activation: "Relu" }).outputs[0];
    }
    if (node.operator !== add.operator) return undefined;
    const [a, b] = node.inputs as readonly [Value, Value];
    if (!sameShape(a.shape, b.shape)) return undefined;
    for (const [first, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const open = this.#openBefore(first);
      if (open === undefined || open.operands.length > 3 || !this.#isMap(other)) continue;
      const [x, w, bias] = open.operands;
      const bound = { ...open, operands: [x, w, bias, this.blocked(other)] };
      const result = apply(blockedConv.operator, bound.operands, bound.attributes).outputs[0];
      this.#open.set(result, bound);
      return result;
    }
    return undefined;
  }

  #openBefore(value: Value | undefined): BlockedConvolution | undefined {
    const image = value && this.#uses.get(value) === 1 ? this.#blocked.get(value) : undefined;
    return image && this.#open.get(image);
  }

  /** Whether `value` is already blocked, so that staying there costs nothing. */
  #isMap(value: Value): boolean {
    return this.#blocked.has(value) || canBeBlocked(value, this.#block);
  }

  /** Elementwise operators stay in the blocked layout when an operand is there alone. */
  #elementwise(node: Node): Value | undefined {
    const [output] = node.outputs;
    if (node.operator.rule?.elementwise !== true || !isMapShape(output, this.#block)) return undefined;
    const shape = output.staticShape;
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

  #onlyBlocked(value: Value): boolean {
    return this.#blocked.has(value) && !this.#plain.has(value);
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

/** How an operand meets a result of `shape`. */
function sideOf(value: Value, shape: readonly number[]): "map" | "channel" | "scalar" | "other" {
  if (value.rank === 4 && sameShape(value.shape, shape)) return "map";
  if (value.shape.every((dim) => dim === 1)) return "scalar";
  const [count, channels, height, width] = value.rank === 4 ? value.shape : [];
  return count === 1 && channels === shape[1] && height === 1 && width === 1 ? "channel" : "other";
}

function isMapShape(value: Value, block: number): boolean {
  const [, channels] = value.shape;
  return value.rank === 4 && typeof channels === "number" && channels % block === 0;
}

function channelsOf(value: Value): number {
  return value.staticShape[1];
}
