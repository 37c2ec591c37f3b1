import type { Engine } from "../platform/platform.ts";
import { type Attribution, attribute } from "./attribute.ts";
import { type Faithfulness, faithfulness, randomMap } from "./faithfulness.ts";
import type { HeatMap } from "./heatMap.ts";
import { layersOf } from "./layers.ts";
import type { ExplainedNetwork } from "./network.ts";
import { Probe } from "./probe.ts";
import { randomiseHead } from "./randomiseHead.ts";
import { rankCorrelation } from "./rankCorrelation.ts";

/** What is known of a map beyond its looks. */
export interface MapCheck {
  readonly map: Faithfulness;
  /** The mean of some maps of noise with cells of the same size. */
  readonly random: Faithfulness;
  /** Spearman's correlation with the map of the same network with a random head: near 1 where the map does not show what was learned. */
  readonly randomHeadCorrelation: number;
}

export interface MapCheckerOptions {
  /** Draws the random maps and the random head. */
  readonly seed?: number;
  readonly signal?: AbortSignal;
}

const randomMaps = 3;

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
    const { side } = this.#probe.network;
    const probabilityOf = async (images: readonly Float32Array[]) =>
      (await this.#probe.answers(images)).map(({ probabilities }) => probabilities[classIndex] ?? 0);
    const test = (tried: HeatMap) => faithfulness(image, side, tried, probabilityOf);
    const random: Faithfulness[] = [];
    for (let draw = 0; draw < randomMaps; draw++) random.push(await test(randomMap(map, this.#seed, draw)));
    const other = await attribute(image, classIndex, this.#ofRandom, this.#random);
    return {
      map: await test(map),
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

/** The same layer of a network that differs in its weights alone. */
function inNetwork(attribution: Attribution, network: ExplainedNetwork): Attribution {
  if (!("layer" in attribution)) return attribution;
  const layer = layersOf(network).find(({ name }) => name === attribution.layer.name);
  return { ...attribution, layer: layer ?? attribution.layer };
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}
