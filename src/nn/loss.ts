import { didYouMean, GraftError } from "../base/errors.ts";
import { showShape } from "../base/shapes.ts";
import { leavesOf } from "../graph/traverse.ts";
import { input, type Value } from "../graph/value.ts";
import { add, mul } from "../ops/arithmetic.ts";
import type { Build } from "./scope.ts";

/** The targets of a batch: class indices, or numbers. */
export interface Target {
  readonly dtype: "int32" | "float32";
  readonly shape: readonly number[];
}

/** The output of a layer by its name, [N, …], feature maps as [N, C, H, W]. Throws `usage` for a name that the model lacks. */
export type LayerOutput = (layer: string) => Value;

/** How far the predictions of a batch are from its targets. Any object of this form, written with `ops`, can be trained with. */
export interface Loss {
  /** For messages. */
  readonly name: string;
  /** What the targets of a batch must be (`classTargets`, `valueTargets`); nothing for a loss that looks at the model alone. */
  target(prediction: Value, layerOutput: LayerOutput): Target | undefined;
  /** The loss of each sample, float32 [N]. `target` is what `target` asked for. */
  perSample(target: Value, prediction: Value, layerOutput: LayerOutput): Value;
}

/** One class index a sample, [N] int32. */
export function classTargets(prediction: Value): Target {
  return { dtype: "int32", shape: prediction.staticShape.slice(0, 1) };
}

/** A number for each of the prediction's, float32. */
export function valueTargets(prediction: Value): Target {
  return { dtype: "float32", shape: prediction.staticShape };
}

/** `loss` with a layer's output in the place of the prediction: an auxiliary loss. */
export function lossAt(layer: string, loss: Loss): Loss {
  return {
    name: `${loss.name} at ${layer}`,
    target: (_, layerOutput) => loss.target(layerOutput(layer), layerOutput),
    perSample: (target, _, layerOutput) => loss.perSample(target, layerOutput(layer), layerOutput),
  };
}

/** A loss and its share, any finite number. */
export interface WeightedLoss {
  readonly loss: Loss;
  readonly weight: number;
}

/** Σ weight·loss. Throws `usage` when there is no part, a weight is no number, or two parts expect different targets. */
export function weightedSum(parts: readonly WeightedLoss[]): Loss {
  const [first, ...rest] = parts;
  if (first === undefined) throw new GraftError("usage", "weightedSum: it has no losses; expected one or more.");
  for (const { loss, weight } of parts) {
    if (!Number.isFinite(weight))
      throw new GraftError("usage", `weightedSum: "${loss.name}" has the weight ${weight}; expected a finite number.`);
  }
  return {
    name: parts.map(({ loss, weight }) => `${weight} × ${loss.name}`).join(" + "),
    target: (prediction, layerOutput) => sharedTarget(parts, prediction, layerOutput),
    perSample(target, prediction, layerOutput) {
      const weighted = ({ loss, weight }: WeightedLoss) =>
        mul(checkedPerSample(loss, target, prediction, layerOutput), weight);
      let sum = weighted(first);
      for (const part of rest) sum = add(sum, weighted(part));
      return sum;
    },
  };
}

/** A loss in the graph of one batch. */
export interface LossGraph {
  readonly target: Target;
  /** The fed value `target`. */
  readonly fed: Value;
  readonly perSample: Value;
}

/** Writes `loss` on the prediction of `build`. Throws `usage` or `shape` when it gives no loss for each sample. */
export function buildLoss(loss: Loss, prediction: Value, build: Build): LossGraph {
  const layerOutput = (layer: string) => outputOf(layer, build);
  const target = loss.target(prediction, layerOutput);
  if (target === undefined) {
    throw new GraftError(
      "usage",
      `the loss "${loss.name}" takes no targets; expected one that does. Put it beside another: weightedSum([…]).`,
    );
  }
  checkTarget(loss, target, prediction);
  const fed = input("target", target.dtype, target.shape);
  const perSample = checkedPerSample(loss, fed, prediction, layerOutput);
  const model = new Set(leavesOf([prediction, ...build.layerOutputs.values()]));
  if (leavesOf([perSample]).some((leaf) => leaf.source.kind === "input" && model.has(leaf)))
    return { target, fed, perSample };
  throw new GraftError(
    "usage",
    `the loss "${loss.name}" does not depend on the model's output, so that nothing can be learnt from it. ` +
      "Compute it from `prediction` or from layerOutput(name).",
  );
}

function outputOf(layer: string, { layerOutputs }: Build): Value {
  const output = layerOutputs.get(layer);
  if (output !== undefined) return output;
  throw new GraftError("usage", `the model has no layer "${layer}".${didYouMean(layer, layerOutputs.keys())}`);
}

/** The data hold class indices, or rows of numbers. */
function checkTarget({ name }: Loss, target: Target, { shape: [count] }: Value): void {
  const isRow = target.dtype === "float32" || target.shape.length === 1;
  if (isRow && target.shape[0] === count) return;
  throw new GraftError(
    "usage",
    `the loss "${name}" asks for targets ${showTarget(target)} for a batch of ${count}; expected int32 [${count}] ` +
      `(classTargets) or float32 [${count}, …] (valueTargets).`,
  );
}

/** Any other shape would be broadcast against the weights of the samples without a word. */
function checkedPerSample(loss: Loss, target: Value, prediction: Value, layerOutput: LayerOutput): Value {
  const losses = loss.perSample(target, prediction, layerOutput);
  const count = prediction.shape[0];
  if (losses.dtype === "float32" && losses.rank === 1 && losses.shape[0] === count) return losses;
  throw new GraftError(
    "shape",
    `the loss "${loss.name}" gives ${losses.dtype} ${showShape(losses.shape)} for a batch of ${count}; expected float32 ` +
      `[${count}], one number a sample. Sum or average over every axis but the first, with keepdims 0.`,
  );
}

function sharedTarget(parts: readonly WeightedLoss[], prediction: Value, layerOutput: LayerOutput): Target | undefined {
  let known: { readonly name: string; readonly target: Target } | undefined;
  for (const { loss } of parts) {
    const target = loss.target(prediction, layerOutput);
    if (target === undefined) continue;
    known ??= { name: loss.name, target };
    if (showTarget(target) === showTarget(known.target)) continue;
    throw new GraftError(
      "usage",
      `weightedSum: "${known.name}" expects targets ${showTarget(known.target)}, "${loss.name}" ${showTarget(target)}; ` +
        "expected losses of the same targets.",
    );
  }
  return known?.target;
}

function showTarget({ dtype, shape }: Target): string {
  return `${dtype} ${showShape(shape)}`;
}
