import { mmd } from "../adapt/mmd.ts";
import { proxyADistance } from "../adapt/proxyADistance.ts";
import { sharedLayer } from "../adapt/trainedMethods.ts";
import type { Compute } from "../algebra/compute.ts";
import { GraftError } from "../base/errors.ts";
import type { Rows } from "../base/rows.ts";
import { identity } from "../graph/identity.ts";
import type { Network } from "../nn/network.ts";
import { subset, type TrainingData } from "../train/data.ts";
import { Evaluator } from "../train/evaluator.ts";
import { argMax } from "../train/measures.ts";
import type { TrainingState } from "../train/state.ts";
import { type DomainData, labelsOf } from "./domainData.ts";

const folds = 5;
/** Images of each domain that are looked at after an epoch, at most. */
const measuredImages = 500;
const imagesAtOnce = 64;

interface MeasuredNetworks {
  /** The network as it judges images of a domain. */
  networkOf(domain: "source" | "target"): Network;
  /** The layer with its domain classifier's logits, where it has one. */
  readonly discriminator: string | undefined;
}

/** What an epoch came to, in the network as it learns: of its shared layer, its answers, and its domain classifier where it has one. */
export class DomainMeasures {
  readonly #data: DomainData;
  readonly #discriminator: string | undefined;
  readonly #seed: number;
  readonly #compute: Compute;
  readonly #evaluators: Readonly<Record<"source" | "target", Evaluator>>;

  constructor(data: DomainData, { networkOf, discriminator }: MeasuredNetworks, seed: number, compute: Compute) {
    this.#data = data;
    this.#discriminator = discriminator;
    this.#seed = seed;
    this.#compute = compute;
    const evaluator = (domain: "source" | "target") => new Evaluator(networkOf(domain), compute.engine);
    this.#evaluators = { source: evaluator("source"), target: evaluator("target") };
  }

  /**
   * How often held-out source images are right, how well a linear classifier tells the domains apart, their discrepancy, and what the network's own
   * domain classifier knows. A discrepancy is left out where most images have come to be equal.
   */
  async of(state: TrainingState): Promise<Record<string, number>> {
    const { held, classes } = this.#data;
    const [from, to] = [await this.#seen("source", state), await this.#seen("target", state)];
    const shared = { source: from.shared, target: to.shared };
    const options = { folds: Math.min(folds, from.shared.count, to.shared.count), seed: this.#seed };
    const distance = await proxyADistance(shared, options, this.#compute);
    const answers = await this.answersOn("source", held, state);
    const right = labelsOf(held).filter((label, i) => argMax(answers, i * classes, classes) === label).length;
    return {
      source_accuracy: right / held.count,
      domain_accuracy: 0.5 + distance / 4, // 1 − ε of the distance 2(1 − 2ε)
      ...(await discrepancyOf(shared, this.#compute)),
      ...(from.logits && to.logits ? discriminated(from.logits, to.logits) : {}),
    };
  }

  /** The classifier's probabilities, row by row. */
  async answersOn(domain: "source" | "target", data: TrainingData, state: TrainingState): Promise<Float32Array> {
    return (await this.#evaluators[domain].predict(data, state, imagesAtOnce)).floats;
  }

  async dispose(): Promise<void> {
    for (const evaluator of Object.values(this.#evaluators)) await evaluator.dispose();
  }

  async #seen(domain: "source" | "target", state: TrainingState) {
    const data = spread(this.#data[domain]);
    const own = this.#discriminator;
    const shown = await this.#evaluators[domain].shown(data, state, (_, { build }) => {
      const output = (name: string) => {
        const value = build.layerOutputs.get(name);
        if (value === undefined) throw new Error(`the network has no layer "${name}"`);
        return identity(value);
      };
      return { shared: output(sharedLayer), ...(own === undefined ? {} : { logits: output(own) }) };
    });
    const values = shown.get("shared") ?? new Float32Array(0);
    const shared: Rows = { values, count: data.count, width: values.length / data.count };
    return { shared, logits: shown.get("logits") };
  }
}

/** How often a domain classifier is right, and its mean loss, each domain weighing the same; logits are above zero for the target. */
function discriminated(source: Float32Array, target: Float32Array) {
  const mean = (values: Float32Array, of: (logit: number) => number) =>
    values.reduce((sum, logit) => sum + of(logit), 0) / values.length;
  const isRight = (sign: number) => (logit: number) => (sign * logit > 0 ? 1 : logit === 0 ? 0.5 : 0);
  const loss = (sign: number) => (logit: number) => Math.log1p(Math.exp(-Math.abs(logit))) + Math.max(0, -sign * logit);
  return {
    discriminator_accuracy: (mean(source, isRight(-1)) + mean(target, isRight(1))) / 2,
    discriminator_loss: (mean(source, loss(-1)) + mean(target, loss(1))) / 2,
  };
}

async function discrepancyOf(
  domains: { readonly source: Rows; readonly target: Rows },
  compute: Compute,
): Promise<{ readonly discrepancy?: number }> {
  try {
    return { discrepancy: await mmd(domains, { kernel: { kind: "multi" }, estimator: "biased" }, compute) };
  } catch (error) {
    if (error instanceof GraftError && error.code === "data") return {};
    throw error;
  }
}

/** So many samples at most, evenly spaced. */
function spread(data: TrainingData): TrainingData {
  if (data.count <= measuredImages) return data;
  return subset(
    data,
    Uint32Array.from({ length: measuredImages }, (_, i) => Math.floor((i * data.count) / measuredImages)),
  );
}
