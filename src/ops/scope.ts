import { GraftError } from "../base/errors.ts";
import type { Value } from "../graph/value.ts";
import type { Graph, Node } from "../onnx/model.ts";

/** What a graph sees in the place of a value around it. */
export type Capture = (value: Value, name: string) => Value;

interface Surroundings {
  readonly outer?: Scope;
  readonly capture?: Capture;
}

/** The names that a graph defines, and those of the graph around it. */
export class Scope {
  readonly #values = new Map<string, Value>();
  readonly #where: string;
  readonly #unheld: ReadonlyMap<string, string>;
  readonly #outer: Scope | undefined;
  readonly #capture: Capture;
  /** The operator set in which the nodes here are written. */
  readonly opset: number;
  /** How many functions are being called. */
  readonly depth: number;

  constructor(
    where: string,
    { unheld = new Map() }: Pick<Graph, "unheld">,
    opset: number,
    depth = 0,
    around: Surroundings = {},
  ) {
    this.#where = where;
    this.#unheld = unheld;
    this.#outer = around.outer;
    this.#capture = around.capture ?? ((value) => value);
    this.opset = opset;
    this.depth = depth;
  }

  /** For a graph inside a node here, which sees these names too: `capture` says as which value. */
  inside(graph: Graph, capture?: Capture): Scope {
    const around = { outer: this, ...(capture === undefined ? {} : { capture }) };
    return new Scope(this.#where, graph, this.opset, this.depth, around);
  }

  define(name: string, value: Value, by?: Node): void {
    if (!this.#values.has(name) && !this.#unheld.has(name)) {
      this.#values.set(name, value);
      return;
    }
    const again = by === undefined ? "" : `, the second time by ${nodeName(by)}`;
    throw new GraftError("model", `${this.#where}: the graph defines "${name}" twice${again}.`);
  }

  /** The value called `name`, for `user`, or for the graph's outputs. */
  find(name: string, user?: Node): Value {
    const value = this.#find(name);
    if (value !== undefined) return value;
    const who = user === undefined ? "the graph's outputs use" : `${nodeName(user)} uses`;
    const type = this.#unheld.get(name);
    throw new GraftError(
      "model",
      type === undefined
        ? `${this.#where}: ${who} "${name}", which nothing before defines: the file is cyclic, unsorted or incomplete.`
        : `${this.#where}: ${who} "${name}", an initializer of the kind ${type}, which Graft does not compute with.`,
    );
  }

  #find(name: string): Value | undefined {
    const here = this.#values.get(name);
    if (here !== undefined || this.#outer === undefined) return here;
    const around = this.#outer.#find(name);
    return around && this.#capture(around, name);
  }
}

function nodeName({ name, outputs, op }: Node): string {
  return `node "${name || outputs[0]}" (${op})`;
}
