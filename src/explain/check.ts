import type { Engine } from "../platform/platform.ts";
import { type Attribution, attribute } from "./attribute.ts";
import { type Faithfulness, faithfulness, randomMap } from "./faithfulness.ts";
import type { HeatMap } from "./heatMap.ts";
import { layersOf } from "./layers.ts";
import type { ExplainedNetwork } from "./network.ts";
import { type Answer, Probe } from "./probe.ts";
import { randomiseHead } from "./randomiseHead.ts";
import { rankCorrelation } from "./rankCorrelation.ts";

/** What is known of a map beyond its looks. */
export interface MapCheck {
  readonly map: Faithfulness;
  /** The mean of some maps of noise with cells of the same size: log-odds of the class, as of the map itself. */
  readonly random: Faithfulness;
  /** Spearman's correlation with the map of the same network with a random head: near 1 where the map does not show what was learned. */
  readonly randomHeadCorrelation: number;
}

export interface MapCheckerOptions {
  /** Draws the random maps and the random head. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

const randomMaps = 5;
/** Where a model has no logits: near the least that float32 holds beside 1. */
const leastProbability = 1e-7;

/** Tests maps of one network: by what the network says of images with parts missing, and against a network whose head is random. */
export class MapChecker {
  readonly #probe: Probe;
  readonly #random: Probe;
  readonly #ofRandom: Attribution;
  readonly #seed: number;

  /** Throws `model` where the network has no last layer with weights. */
  constructor(probe: Probe, attribution: Attribution, engine: Engine, { seed = 0, signal }: MapCheckerOptions = {}) {
    const random = randomiseHead(probe.network, seed);
    this.#probe = probe;
    this.#random = new Probe(random, engine, signal);
    this.#ofRandom = inNetwork(attribution, random);
    this.#seed = seed;
  }

  /** @param map what the attribution gives for the image and the class */
  async check(image: Float32Array, classIndex: number, map: HeatMap): Promise<MapCheck> {
    const noise = Array.from({ length: randomMaps }, (_, draw) => randomMap(map, this.#seed, draw));
    const { side } = this.#probe.network;
    const logOddsOf = async (images: readonly Float32Array[]) =>
      (await this.#probe.answers(images)).map((answer) => logOdds(answer, classIndex));
    const [tested, ...random] = await faithfulness(image, side, [map, ...noise], logOddsOf, { seed: this.#seed });
    if (tested === undefined) throw new Error("as many figures come back as there were maps");
    const other = await attribute(image, classIndex, this.#ofRandom, this.#random);
    return {
      map: tested,
      random: {
        deletion: mean(random.map(({ deletion }) => deletion)),
        insertion: mean(random.map(({ insertion }) => insertion)),
      },
      randomHeadCorrelation: rankCorrelation(map.values, other.values),
    };
  }

  dispose(): Promise<void> {
    return this.#random.dispose();
  }
}

/** Whether a map says more than noise, in both ways. */
export function beatsRandom({ map, random }: MapCheck): boolean {
  return map.deletion < random.deletion && map.insertion > random.insertion;
}

/**
 * ln p/(1 − p) of a class, from the logits where there are any: unlike the probability it does not saturate, so that every part of the evidence counts,
 * and unlike one logit it does not change with what is added to all of them.
 */
export function logOdds({ scores, probabilities }: Answer, classIndex: number): number {
  const areLogits = scores.some((score, c) => score !== probabilities[c]);
  const logits = areLogits ? scores : probabilities.map((p) => Math.log(Math.max(p, leastProbability)));
  const others = logits.filter((_, c) => c !== classIndex);
  const highest = Math.max(...others);
  const sum = others.reduce((total, logit) => total + Math.exp(logit - highest), 0);
  return (logits[classIndex] ?? 0) - highest - Math.log(sum);
}

/** The same layer of a network that differs in its weights alone. */
function inNetwork(attribution: Attribution, network: ExplainedNetwork): Attribution {
  if (!("layer" in attribution)) return attribution;
  const layer = layersOf(network).find(({ name }) => name === attribution.layer.name);
  return { ...attribution, layer: layer ?? attribution.layer };
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
