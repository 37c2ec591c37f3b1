import type { Dim } from "../base/shapes.ts";
import { shapeError } from "../graph/infer.ts";
import { apply, defineOp, type Field, type Operator } from "../graph/operator.ts";
import { Subgraph } from "../graph/subgraph.ts";
import { substitute } from "../graph/substitute.ts";
import type { Node, TensorType, Value } from "../graph/value.ts";

const nothing = new Subgraph([], []);
const graph: Field<Subgraph> = { type: "graph", default: nothing };

/**
 * One graph or the other, by a condition that is computed. The operands are the condition and what the graphs capture: both the
 * same list. It has no gradient: which graph runs, and so what its gradient would be, is not known while a graph is built.
 */
const ifElse = defineOp("If", {
  inputs: ["...conditionAndCaptured"],
  attributes: { then_branch: graph, else_branch: graph },
  infer: ([, ...operands], { then_branch, else_branch }) => {
    // In a rewritten graph the operands may have other shapes than those that were captured.
    const types = mergedTypes(applied(then_branch, operands), applied(else_branch, operands));
    if (types === undefined) throw shapeError("If", "its branches give tensors of different types");
    return types;
  },
});

/** For branches whose types are not all known: the outputs have those that the file declares. */
const untyped: Operator = { ...ifElse.operator, rule: undefined };

/** What a node's two branches capture, and what they give. */
export interface Branches {
  readonly condition: Value;
  /** Values around the node, and those that stand for them inside. */
  readonly captured: ReadonlyMap<Value, Value>;
  readonly whenTrue: readonly Value[];
  readonly whenFalse: readonly Value[];
}

/** An If node. */
export function branch(
  { condition, captured, whenTrue, whenFalse }: Branches,
  origin: { readonly name: string; readonly declared: readonly (TensorType | undefined)[] },
): Node {
  const inside = [...captured.values()];
  const attributes = { then_branch: new Subgraph(inside, whenTrue), else_branch: new Subgraph(inside, whenFalse) };
  const operator = mergedTypes(whenTrue, whenFalse) === undefined ? untyped : ifElse.operator;
  return apply(operator, [condition, ...captured.keys()], attributes, origin);
}

function applied({ captured, outputs }: Subgraph, operands: readonly Value[]): readonly Value[] {
  return substitute(outputs, new Map(captured.map((value, i) => [value, operands[i]])));
}

/** Types that hold whichever graph runs; nothing when one is unknown or the two differ in more than lengths. */
function mergedTypes(whenTrue: readonly Value[], whenFalse: readonly Value[]): readonly TensorType[] | undefined {
  const types: TensorType[] = [];
  for (const [i, { type: a }] of whenTrue.entries()) {
    const b = whenFalse[i]?.type;
    if (a === undefined || b === undefined || a.dtype !== b.dtype || a.shape.length !== b.shape.length)
      return undefined;
    const shape = a.shape.map((dim, axis): Dim => (dim === b.shape[axis] ? dim : `(${dim}|${b.shape[axis]})`));
    types.push({ dtype: a.dtype, shape });
  }
  return types;
}
