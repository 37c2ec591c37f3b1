import { GraftError } from "../base/errors.ts";
import { Tensor } from "../base/tensor.ts";
import { dense } from "../nn/denseLayers.ts";
import { meanSquaredError, sparseCategoricalCrossentropy } from "../nn/losses.ts";
import { type Network, sequentialNetwork } from "../nn/network.ts";
import { minimise } from "../optim/lbfgs.ts";
import type { Engine } from "../platform/platform.ts";
import type { TrainingData } from "../train/data.ts";
import { type FullBatchEvaluation, FullBatchLoss } from "./fullBatchLoss.ts";
import { measureStandardisation, type Standardisation, standardised } from "./standardise.ts";

const maxIterations = 300;

/** The network that a linear head is. */
export function linearClassifier(classes: number, inputShape: readonly number[]): Network {
  return sequentialNetwork([dense(classes, { activation: "softmax", name: "head" })], inputShape);
}

/** For features as they are. */
export interface LinearParameters {
  /** [features, units] */
  readonly kernel: Tensor;
  /** [units] */
  readonly bias: Tensor;
}

/** As the parameters of `linearClassifier`. */
export function headWeights({ kernel, bias }: LinearParameters): ReadonlyMap<string, Tensor> {
  return new Map([
    ["head/kernel", kernel],
    ["head/bias", bias],
  ]);
}

/** Logistic regression, or least squares of numbers, on the same rows, to be solved for any weights and penalties. Whoever opens it disposes of it. */
export class LinearProblem {
  /** Where classes are learned. */
  readonly labels: Int32Array | undefined;
  readonly #units: number;
  readonly #scaling: Standardisation;
  readonly #objective: FullBatchLoss;
  readonly #signal: AbortSignal | undefined;

  private constructor(
    labels: Int32Array | undefined,
    units: number,
    parts: { readonly scaling: Standardisation; readonly objective: FullBatchLoss },
    signal: AbortSignal | undefined,
  ) {
    this.labels = labels;
    this.#units = units;
    this.#scaling = parts.scaling;
    this.#objective = parts.objective;
    this.#signal = signal;
  }

  static async open(
    data: TrainingData,
    units: number,
    engine: Engine,
    signal: AbortSignal | undefined,
  ): Promise<LinearProblem> {
    const labels = data.targets.kind === "classes" ? data.targets.labels : undefined;
    const [network, loss] =
      labels === undefined
        ? [sequentialNetwork([dense(units, { name: "head" })], data.inputShape), meanSquaredError()]
        : [linearClassifier(units, data.inputShape), sparseCategoricalCrossentropy()];
    const scaling = await measureStandardisation(data);
    const objective = await FullBatchLoss.compile(network, loss, standardised(data, scaling), engine);
    return new LinearProblem(labels, units, { scaling, objective }, signal);
  }

  /** Where nothing is known. */
  get origin(): Float64Array {
    return new Float64Array(this.#objective.size);
  }

  /** Minimises the weighted mean of the loss plus λ/2·‖kernel‖² on standardised features. */
  async solve(weights: Float64Array, penalty: number, start: Float64Array, gradientTolerance: number) {
    const total = weights.reduce((a, b) => a + b, 0);
    const penalised = start.length - this.#units;
    const penalise = (point: Float64Array, sum: number, gradient: Float64Array) => {
      for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] ?? 0) / total;
      let squares = 0;
      for (let i = 0; i < penalised; i++) {
        const entry = point[i] ?? 0;
        squares += entry * entry;
        gradient[i] = (gradient[i] ?? 0) + penalty * entry;
      }
      return { value: sum / total + (penalty / 2) * squares, gradient };
    };
    return minimise(
      async (point) => {
        if (this.#signal?.aborted) throw new GraftError("interrupted", "stopped while the head was being solved.");
        const { sum, gradient } = await this.#objective.evaluate(point, weights);
        if (point === start && !Number.isFinite(sum)) throw notFinite();
        return penalise(point, sum, gradient);
      },
      start,
      { gradientTolerance, maxIterations },
    );
  }

  evaluate(point: Float64Array, weights: Float64Array): Promise<FullBatchEvaluation> {
    return this.#objective.evaluate(point, weights);
  }

  /** What a point means on features as they are: ŵ·(x − m)·s + b as w·x + b′. */
  head(point: Float64Array): LinearParameters {
    const { mean, scale } = this.#scaling;
    const units = this.#units;
    const width = mean.length;
    const kernel = Float32Array.from(point.subarray(0, width * units), (entry) => entry * scale);
    const bias = point.slice(width * units);
    for (const [i, entry] of kernel.entries()) {
      bias[i % units] = (bias[i % units] ?? 0) - entry * (mean[Math.floor(i / units)] ?? 0);
    }
    return {
      kernel: Tensor.of("float32", [width, units], kernel),
      bias: Tensor.of("float32", [units], Float32Array.from(bias)),
    };
  }

  dispose(): Promise<void> {
    return this.#objective.dispose();
  }
}

function notFinite(): GraftError {
  return new GraftError(
    "diverged",
    "some features are not finite numbers, so no head can learn from them. The backbone's weights may be damaged, or its images prepared for another network.",
  );
}
