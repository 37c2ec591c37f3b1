import type { Checkpoints } from "../graph/checkpoints.ts";
import { dependents } from "../graph/traverse.ts";
import type { Node, Value } from "../graph/value.ts";

/** Which segments' values a backward node depends on: the first that would be computed again, and the last of all. */
interface Place {
  readonly first: number;
  readonly last: number;
}

/** Gradients whose arrival tells that forward values are about to be needed again. */
export class Cues {
  readonly #backward: readonly Node[];
  readonly #positions: ReadonlyMap<Node, number>;
  readonly #places: ReadonlyMap<Node, Place>;
  readonly #end: number;
  readonly #ofSegment = new Map<number, Value | undefined>();
  readonly #ofValue = new Map<Value, Value | undefined>();

  constructor(backward: readonly Node[], checkpoints: Checkpoints) {
    this.#backward = backward;
    this.#positions = new Map(backward.map((node, i) => [node, i]));
    this.#places = placesOf(backward, checkpoints);
    this.#end = checkpoints.last;
  }

  /** The gradient with which the backward pass enters a segment: it follows from the loss, and from no earlier segment. */
  ofSegment(segment: number): Value | undefined {
    if (!this.#ofSegment.has(segment)) this.#ofSegment.set(segment, this.#entering(segment));
    return this.#ofSegment.get(segment);
  }

  /** The first gradient that meets what follows from the forward value `value`. */
  ofValue(value: Value): Value | undefined {
    if (!this.#ofValue.has(value)) this.#ofValue.set(value, this.#meeting(value));
    return this.#ofValue.get(value);
  }

  #entering(segment: number): Value | undefined {
    const found = this.#backward
      .filter((node) => this.#places.get(node)?.first === segment)
      .flatMap(({ inputs }) => this.#gradients(inputs))
      .filter(({ first }) => first > segment);
    const nearest = Math.min(...found.map(({ first }) => first));
    return found.find(({ first }) => first === nearest)?.value;
  }

  #meeting(value: Value): Value | undefined {
    const following = dependents(this.#backward, new Set([value]));
    const found = [...following]
      .flatMap(({ inputs }) => this.#gradients(inputs))
      .filter(({ node }) => !following.has(node));
    // The first of all: values that waited for later ones might wait for each other.
    const earliest = Math.min(...found.map(({ position }) => position));
    return found.find(({ position }) => position === earliest)?.value;
  }

  /** Those of some operands that follow from the loss. */
  #gradients(operands: readonly (Value | undefined)[]) {
    return operands.flatMap((value) => {
      if (value?.source.kind !== "node") return [];
      const { node } = value.source;
      const place = this.#places.get(node);
      if (place === undefined || place.last !== this.#end) return [];
      return [{ value, node, first: place.first, position: this.#positions.get(node) ?? 0 }];
    });
  }
}

function placesOf(backward: readonly Node[], { segments, keeps }: Checkpoints): ReadonlyMap<Node, Place> {
  const places = new Map<Node, Place>();
  for (const node of backward) {
    let first = Number.POSITIVE_INFINITY;
    let last = -1;
    for (const value of node.inputs) {
      if (value?.source.kind !== "node") continue;
      const segment = segments.get(value.source.node);
      const before = places.get(value.source.node);
      if (segment !== undefined && !keeps(value)) first = Math.min(first, segment);
      first = Math.min(first, before?.first ?? first);
      last = Math.max(last, segment ?? before?.last ?? last);
    }
    places.set(node, { first, last });
  }
  return places;
}
