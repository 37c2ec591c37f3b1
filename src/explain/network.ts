import { GraftError } from "../base/errors.ts";
import { inputsOf } from "../graph/partition.ts";
import { substitute } from "../graph/substitute.ts";
import { nodesOf } from "../graph/traverse.ts";
import { input, type Value } from "../graph/value.ts";
import { transpose } from "../ops/layout.ts";

/** A classifier opened where its prepared pixels come in. */
export interface ExplainedNetwork {
  /** float32 [N, side, side, 3], levels of 0–255. */
  readonly pixels: Value;
  readonly side: number;
  /** [N, classes]. */
  readonly probabilities: Value;
  /** [N, classes]: logits where probabilities are their softmax, else the probabilities themselves. */
  readonly scores: Value;
  readonly classes: number;
}

/**
 * Cuts a served classifier behind its preparation: at the first floats that have the size of prepared images.
 *
 * @param probabilities [N, classes], computed from bytes of any size
 * @param side of the prepared images
 * @returns the network, and the same pixels as the preparation computes them
 * @throws `model` where no such cut holds everything that is computed from the image
 */
export function explainedNetwork(
  probabilities: Value,
  side: number,
): { readonly network: ExplainedNetwork; readonly prepared: Value } {
  const nodes = nodesOf([probabilities]);
  const prepared = nodes.flatMap(({ outputs }) => outputs).find((value) => isPrepared(value, side));
  const classes = probabilities.shape[1];
  if (prepared === undefined || typeof classes !== "number") throw noCut(side);
  const pixels = input("pixels", "float32", ["N", side, side, 3]);
  const channelsFirst = prepared.shape[1] === 3;
  const entry = channelsFirst ? transpose(pixels, { perm: [0, 3, 1, 2] }) : pixels;
  const [cut, scores] = substitute([probabilities, scoresOf(probabilities)], new Map([[prepared, entry]]));
  if (inputsOf([cut, scores]).some((value) => value !== pixels)) throw noCut(side);
  return {
    network: { pixels, side, probabilities: cut, scores, classes },
    prepared: channelsFirst ? transpose(prepared, { perm: [0, 2, 3, 1] }) : prepared,
  };
}

/** Some values of the network over other pixels. */
export function overPixels(network: ExplainedNetwork, values: readonly Value[], pixels: Value): readonly Value[] {
  return substitute(values, new Map([[network.pixels, pixels]]));
}

/** The logits: probabilities saturate, and then their gradient says little. */
function scoresOf(probabilities: Value): Value {
  const { source } = probabilities;
  if (source.kind !== "node" || source.node.operator.name !== "Softmax") return probabilities;
  return source.node.inputs[0] ?? probabilities;
}

function isPrepared({ type }: Value, side: number): boolean {
  const dims = type?.dtype === "float32" ? type.shape.slice(1).join() : "";
  return dims === `${side},${side},3` || dims === `3,${side},${side}`;
}

function noCut(side: number): GraftError {
  return new GraftError(
    "model",
    `the model has no place where its prepared images of ${side} × ${side} pixels come in alone, so it cannot be explained. Train it again.`,
  );
}
