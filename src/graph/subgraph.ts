import { nodesOf } from "./traverse.ts";
import type { Node, Value } from "./value.ts";

/**
 * A graph inside a node. What it takes from the graph around it are the node's last operands; here `captured` stands for them,
 * so that a pass over the outer graph sees every use and need not look inside.
 */
export class Subgraph {
  readonly captured: readonly Value[];
  readonly outputs: readonly Value[];

  constructor(captured: readonly Value[], outputs: readonly Value[]) {
    this.captured = captured;
    this.outputs = outputs;
  }
}

/** The graphs inside a node by attribute. */
export function subgraphsOf({ attributes }: Pick<Node, "attributes">): readonly (readonly [string, Subgraph])[] {
  return Object.entries(attributes).flatMap(([name, value]) =>
    value instanceof Subgraph ? [[name, value] as const] : [],
  );
}

/** The outputs of a graph, then those of each graph inside its nodes, however deep. */
export function* graphsWithin(outputs: readonly Value[]): Generator<readonly Value[]> {
  yield outputs;
  for (const node of nodesOf(outputs)) for (const [, inner] of subgraphsOf(node)) yield* graphsWithin(inner.outputs);
}
