import { GraftError } from "../base/errors.ts";
import type { Value } from "../graph/value.ts";
import type { Graph, Node } from "../onnx/model.ts";

/** The names that a graph defines, and those of the graph around it. */
export class Scope {
  readonly #values = new Map<string, Value>();
  readonly #where: string;
  readonly #unheld: ReadonlyMap<string, string>;
  readonly #outer: Scope | undefined;
  /** The operator set in which the nodes here are written. */
  readonly opset: number;
  /** How many functions are being called. */
  readonly depth: number;

  constructor(where: string, { unheld = new Map() }: Pick<Graph, "unheld">, opset: number, depth = 0, outer?: Scope) {
    this.#where = where;
    this.#unheld = unheld;
    this.#outer = outer;
    this.opset = opset;
    this.depth = depth;
  }

  /** For a graph inside a node here, which sees these names too. */
  inside(graph: Graph): Scope {
    return new Scope(this.#where, graph, this.opset, this.depth, this);
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
    return this.#outer.#find(name);
  }
}

function nodeName({ name, outputs, op }: Node): string {
  return `node "${name || outputs[0]}" (${op})`;
}
