import type { Backbone } from "../backbones/onnxBackbone.ts";
import { channelsOf, positionsOf, stageMaps } from "../backbones/stageMaps.ts";
import { backboneName, shownImages, shownMaps } from "../backbones/trainableBackbone.ts";
import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { substitute } from "../graph/substitute.ts";
import { constant, constantOf, input, type Value } from "../graph/value.ts";
import { normalise } from "../image/prepare.ts";
import type { Loss } from "../nn/loss.ts";
import { logSoftmax } from "../ops/activations.ts";
import { add, mul, neg, sub } from "../ops/arithmetic.ts";
import { foldBatchNorm } from "../ops/foldBatchNorm.ts";
import { oneHot } from "../ops/oneHot.ts";
import { gemm } from "../ops/products.ts";
import { reduceSum } from "../ops/reductions.ts";
import type { Program } from "../platform/platform.ts";
import { epochOrder } from "../train/batches.ts";
import { compileLowered } from "../train/step.ts";
import { loadPixels } from "./pixelData.ts";
import type { BackboneJob, StrategyEvent, Weights } from "./strategy.ts";

/** Images on which the worth of channels is estimated. */
const sampleSize = 64;
const batchSize = 16;
/** Of the softmax over standardised importances, as in the authors' own program: the weights of a map differ by a few times at most. */
const temperature = 5;

/**
 * strength/2 · Σ over maps and channels of weight·‖F(w, x) − F(w⁰, x)‖² / (H·W) for each sample, where the maps of the pretrained network w⁰ on
 * the same view come from the same graph (DELTA; Li et al. 2019).
 *
 * @param weights of the channels of each of the backbone's stage maps; their mean is 1
 */
export function behaviourPenalty(backbone: Backbone, weights: readonly Float32Array[], strength: number): Loss {
  const ends = stageMaps(backbone);
  return {
    name: "delta",
    target: () => undefined,
    perSample(_target, _prediction, layerOutput) {
      const shown = (name: string) => layerOutput(`${backboneName}/${name}`);
      const pretrained = substitute(ends, new Map([[backbone.input, shown(shownImages)]]));
      const terms = pretrained.map((before, stage) => {
        const scale = strength / (2 * positionsOf(before));
        const perChannel = constantOf(
          "float32",
          [channelsOf(before), 1, 1],
          [...(weights[stage] ?? [])].map((one) => scale * one),
        );
        const away = sub(shown(shownMaps(stage)), before);
        return reduceSum(mul(mul(away, away), perChannel), [1, 2, 3], { keepdims: 0 }); // [N, C, H, W] → [N]
      });
      return terms.reduce((sum, term) => add(sum, term));
    },
  };
}

/**
 * How much each channel of the stage maps counts: C·softmax over the loss that leaving it out would cost (Li et al. 2019). The paper
 * measures that cost channel by channel; here it is estimated to first order, −Σ F·∂L/∂F (as in Molchanov et al. 2017), for all channels in
 * one backward pass.
 *
 * @param head a linear classifier on the frozen features: `head/kernel`, `head/bias`
 * @throws `model` for a network without feature maps
 */
export async function* channelAttention(
  job: BackboneJob,
  head: Weights,
): AsyncGenerator<StrategyEvent, readonly Float32Array[]> {
  const { backbone, split, seed, signal } = job;
  const ends = stageMaps(backbone);
  if (ends.length === 0) {
    throw new GraftError("model", `--delta: "${backbone.name}" has no feature maps to hold on to. Use --l2sp.`);
  }
  const sample = [...epochOrder(split.train.length, seed, 0).subarray(0, sampleSize)].map((i) => split.train[i] ?? 0);
  const costs = ends.map((maps) => new Float64Array(channelsOf(maps)));
  const program = await compileCosts(job, ends, head);
  try {
    for (let start = 0; start < sample.length; start += batchSize) {
      if (signal.aborted)
        throw new GraftError("interrupted", "stopped while channels were being weighed; nothing was lost.");
      await addCosts(program, job, sample.slice(start, start + batchSize), costs);
      yield {
        type: "progress",
        phase: "delta",
        done: Math.min(start + batchSize, sample.length),
        total: sample.length,
      };
    }
  } finally {
    await program.dispose();
  }
  const weights = costs.map(attention);
  const all = weights.flatMap((one) => [...one]);
  const [least, most] = [Math.min(...all), Math.max(...all)].map((one) => one.toFixed(2));
  const text = `delta: ${all.length} channels of ${ends.length} maps weighed on ${sample.length} images, from ${least} to ${most}`;
  yield { type: "note", text };
  return weights;
}

/** A program that gives, for a batch, what leaving out each channel of each map would cost each image. */
function compileCosts(
  { backbone, classes, platform }: BackboneJob,
  ends: readonly Value[],
  head: Weights,
): Promise<Program> {
  const { cropTo } = backbone.preparation;
  const pixels = input("pixels", "uint8", [batchSize, cropTo, cropTo, 3]);
  const labels = input("labels", "int32", [batchSize]);
  const bound = new Map([[backbone.input, normalise(pixels, backbone.normalisation)]]);
  const [features, ...maps] = foldBatchNorm(substitute([backbone.features, ...ends], bound)) as [Value, ...Value[]];
  const logits = gemm(features, weightOf(head, "head/kernel"), weightOf(head, "head/bias"));
  const truth = mul(oneHot(labels, classes), logSoftmax(logits, { axis: 1 }));
  const gradients = differentiate(neg(reduceSum(truth, { keepdims: 0 })), maps);
  const costs = maps.map((map, i) => neg(reduceSum(mul(map, gradients[i] as Value), [2, 3], { keepdims: 0 })));
  const outputs = new Map(costs.map((cost, i) => [`cost.${i}`, cost]));
  return compileLowered("channel_costs", [pixels, labels], outputs, platform.engine);
}

async function addCosts(
  program: Program,
  { images }: BackboneJob,
  indices: readonly number[],
  costs: readonly Float64Array[],
): Promise<void> {
  const filled = Array.from({ length: batchSize }, (_, i) => indices[i] ?? indices[0] ?? 0);
  const labels = Int32Array.from(filled, (index) => images.samples[index]?.label ?? 0);
  const results = await program.run({
    pixels: await loadPixels(images, filled),
    labels: Tensor.of("int32", [batchSize], labels),
  });
  for (const [stage, total] of costs.entries()) {
    const rows = results[`cost.${stage}`]?.floats ?? new Float32Array(0);
    for (let at = 0; at < indices.length * total.length; at++) {
      const channel = at % total.length;
      total[channel] = (total[channel] ?? 0) + (rows[at] ?? 0);
    }
  }
}

/** C·softmax(z/T) of the standardised costs z. */
function attention(costs: Float64Array): Float32Array {
  const mean = costs.reduce((sum, cost) => sum + cost, 0) / costs.length;
  const deviation = Math.sqrt(costs.reduce((sum, cost) => sum + (cost - mean) ** 2, 0) / costs.length);
  const powers = costs.map((cost) => Math.exp(deviation === 0 ? 0 : (cost - mean) / deviation / temperature));
  const total = powers.reduce((sum, power) => sum + power, 0);
  return Float32Array.from(powers, (power) => (power * costs.length) / total);
}

function weightOf(head: Weights, path: string): Value {
  const tensor = head.get(path);
  if (tensor === undefined) throw new Error(`the linear head lacks "${path}"`);
  return constant(tensor);
}
