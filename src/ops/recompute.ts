import { type Checkpoints, chooseCheckpoints, smallAmong } from "../graph/checkpoints.ts";
import { copyOf } from "../graph/rewrite.ts";
import { nodesOf } from "../graph/traverse.ts";
import type { Node, Value } from "../graph/value.ts";
import { cheapValues } from "./cheapValues.ts";
import { Cues } from "./cues.ts";
import { Replay, type SavedValues } from "./replay.ts";

/**
 * The same training graph with fewer activations kept: what lies between checkpoints is computed again when the backward pass
 * comes to it (Chen et al. 2016), and what elementwise operators made from kept values shortly before each use. Values and
 * gradients stay the same to the last bit.
 *
 * @param outputs of the training step, the gradients' users among them
 * @param loss the output that was differentiated
 */
export function recomputeActivations(outputs: readonly Value[], loss: Value): readonly Value[] {
  const forward = nodesOf([loss]);
  const isForward = new Set(forward);
  const backward = nodesOf(outputs).filter((node) => !isForward.has(node));
  const made = new Set(forward.flatMap((node) => node.outputs));
  const saved = new Set(backward.flatMap(({ inputs }) => inputs.flatMap((v) => (v && made.has(v) ? [v] : []))));
  const isSmall = smallAmong(saved);
  const cheap = cheapValues(forward, saved, isSmall);
  const stored = new Set([...saved].filter((value) => !cheap.has(value)));
  const checkpoints = chooseCheckpoints(forward, stored, isSmall);
  const cues = new Cues(backward, checkpoints);
  const rebuild = (values: SavedValues) => rebuilt(outputs, backward, { checkpoints, cues, values });
  return rebuild({ stored, cheap }) ?? rebuild({ stored: saved, cheap: new Set() }) ?? outputs;
}

interface ReplayPlan {
  readonly checkpoints: Checkpoints;
  readonly cues: Cues;
  readonly values: SavedValues;
}

/** The outputs with backward nodes on replayed values; nothing when a value would have to wait for itself. */
function rebuilt(
  outputs: readonly Value[],
  backward: readonly Node[],
  { checkpoints, cues, values }: ReplayPlan,
): readonly Value[] | undefined {
  const mapped = new Map<Value, Value>();
  const image = (value: Value) => mapped.get(value) ?? value;
  const replay = new Replay(checkpoints, cues, values, image);
  const order = inOrder(backward, replay);
  if (order === undefined) return undefined;
  for (const node of order) {
    const inputs = node.inputs.map((value) => value && (replay.again(value) ?? image(value)));
    const copies = copyOf(node, inputs);
    node.outputs.forEach((output, i) => {
      if (copies[i] !== output) mapped.set(output, copies[i]);
    });
  }
  return outputs.map(image);
}

/** Backward nodes, each after those it needs and those that its replayed operands wait for. */
function inOrder(backward: readonly Node[], replay: Replay): readonly Node[] | undefined {
  const members = new Set(backward);
  const state = new Map<Node, "open" | "done">();
  const order: Node[] = [];
  const waitsFor = (node: Node): readonly Node[] =>
    [...node.inputs, ...node.inputs.flatMap((value) => (value ? replay.cuesOf(value) : []))].flatMap((value) =>
      value?.source.kind === "node" && members.has(value.source.node) ? [value.source.node] : [],
    );
  for (const root of backward) {
    const stack = [root];
    while (stack.length > 0) {
      const node = stack[stack.length - 1];
      if (state.has(node)) {
        stack.pop();
        if (state.get(node) === "open") order.push(node);
        state.set(node, "done");
        continue;
      }
      state.set(node, "open");
      for (const before of waitsFor(node)) {
        if (state.get(before) === "open") return undefined;
        if (!state.has(before)) stack.push(before);
      }
    }
  }
  return order;
}
