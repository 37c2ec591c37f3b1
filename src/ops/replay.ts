import { sizeOf } from "../base/tensor.ts";
import type { Checkpoints } from "../graph/checkpoints.ts";
import { copyOf } from "../graph/rewrite.ts";
import { constantOf, type Node, type Value } from "../graph/value.ts";
import { add } from "./arithmetic.ts";
import { cast, less } from "./comparison.ts";
import type { Cues } from "./cues.ts";
import { gather } from "./indexing.ts";
import { reshape } from "./layout.ts";

/** What the backward pass reads of the forward pass. */
export interface SavedValues {
  readonly stored: ReadonlySet<Value>;
  /** Those that elementwise operators make from stored ones. */
  readonly cheap: ReadonlySet<Value>;
}

/** Forward nodes a second time: those of a segment when the backward pass enters it, cheap ones before each is needed. */
export class Replay {
  readonly #checkpoints: Checkpoints;
  readonly #cues: Cues;
  readonly #saved: SavedValues;
  readonly #segments = new Map<Node, readonly Value[]>();
  readonly #late = new Map<Value, Value>();
  readonly #held = new Map<Value, Map<Value, Value>>();
  /** Copies, none of which comes before its cue. */
  readonly #waiting = new Set<Value>();
  readonly #image: (value: Value) => Value;

  /** @param image backward values as they are by now: a cue is asked for only after it was rebuilt */
  constructor(checkpoints: Checkpoints, cues: Cues, saved: SavedValues, image: (value: Value) => Value) {
    this.#checkpoints = checkpoints;
    this.#cues = cues;
    this.#saved = saved;
    this.#image = image;
  }

  /** What takes the place of a forward value in the backward pass, unless it is kept. */
  again(value: Value): Value | undefined {
    const cue = this.#lateCue(value);
    if (cue !== undefined) {
      const known = this.#late.get(value) ?? this.#copied(value, cue, (operand) => this.#operand(operand, cue));
      this.#late.set(value, known);
      return known;
    }
    const segment = this.#replayedSegment(value);
    return segment === undefined ? undefined : this.#replayed(value, segment);
  }

  /** The gradients that `value` waits for when it is computed again. */
  cuesOf(value: Value): readonly Value[] {
    const cue = this.#lateCue(value);
    const segment = this.#replayedSegment(value);
    const entering = segment === undefined ? undefined : this.#cues.ofSegment(segment);
    return [cue, entering].flatMap((found) => found ?? []);
  }

  #lateCue(value: Value): Value | undefined {
    return this.#saved.cheap.has(value) && !this.#checkpoints.keeps(value) ? this.#cues.ofValue(value) : undefined;
  }

  /** The segment in which `value` is computed again, if it is. */
  #replayedSegment(value: Value): number | undefined {
    const { segments, last, keeps } = this.#checkpoints;
    const segment = value.source.kind === "node" ? segments.get(value.source.node) : undefined;
    if (segment === undefined || segment === last || keeps(value)) return undefined;
    return this.#cues.ofSegment(segment) === undefined ? undefined : segment;
  }

  /** An operand of a cheap value that waits for `cue`. */
  #operand(value: Value, cue: Value): Value {
    const isStored = this.#checkpoints.keeps(value) || this.#saved.stored.has(value);
    if (!isStored) return this.#copied(value, cue, (operand) => this.#operand(operand, cue));
    const segment = this.#replayedSegment(value);
    return segment === undefined ? value : this.#replayed(value, segment);
  }

  /** `value` computed from the checkpoints before its segment. */
  #replayed(value: Value, segment: number): Value {
    const { segments, keeps } = this.#checkpoints;
    const cue = this.#cues.ofSegment(segment);
    if (cue === undefined || value.source.kind !== "node" || keeps(value)) return value;
    const { node, index } = value.source;
    if (!segments.has(node)) return value;
    const copies = this.#segments.get(node) ?? this.#copiesOf(node, cue, (operand) => this.#replayed(operand, segment));
    this.#segments.set(node, copies);
    return copies[index];
  }

  #copied(value: Value, cue: Value, operandOf: (operand: Value) => Value): Value {
    if (value.source.kind !== "node") return value;
    return this.#copiesOf(value.source.node, cue, operandOf)[value.source.index];
  }

  /** A node again, not before its cue: if none of its operands waits for it, the smallest is made to. */
  #copiesOf(node: Node, cue: Value, operandOf: (operand: Value) => Value): readonly Value[] {
    const inputs = node.inputs.map((operand) => operand && operandOf(operand));
    if (!inputs.some((value) => value !== undefined && this.#waiting.has(value))) {
      if (node.operator === reshape.operator) return copyOf(node, inputs);
      const floats = inputs.filter((value) => value?.dtype === "float32");
      const [smallest] = floats.sort((a, b) => sizeOf(a?.staticShape ?? []) - sizeOf(b?.staticShape ?? []));
      if (smallest !== undefined) inputs[inputs.indexOf(smallest)] = this.#heldBack(smallest, this.#image(cue));
    }
    const copies = copyOf(node, inputs);
    for (const copy of copies) this.#waiting.add(copy);
    return copies;
  }

  #heldBack(value: Value, cue: Value): Value {
    const held = this.#held.get(cue) ?? new Map<Value, Value>();
    this.#held.set(cue, held);
    const known = held.get(value) ?? heldBack(value, cue);
    held.set(value, known);
    return known;
  }
}

/**
 * `value`, but not before `cue` is computed, and as a copy that the runtime cannot see to be one: it would drop the second
 * computation for the first. What is added is x < x, false whatever x is.
 */
function heldBack(value: Value, cue: Value): Value {
  const one = gather(reshape(cue, [-1]), constantOf("int64", [], [0]));
  return add(value, cast(less(one, one), value.dtype));
}
