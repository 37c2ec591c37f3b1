import { Tensor } from "../base/tensor.ts";
import type { Parameter } from "../nn/scope.ts";
import { averagePath } from "../optim/applyOptimizer.ts";

export { initialTensors } from "../nn/initialTensors.ts";

/** All numbers that a step changes: parameters and optimiser state, by path. */
export class TrainingState {
  /** Values as of now. */
  current: Map<string, Tensor>;
  /** Memory of the same sizes, which the next step writes into; then the two change places. */
  #spare = new Map<string, Tensor>();
  /** Steps taken. */
  step = 0;

  constructor(tensors: ReadonlyMap<string, Tensor>) {
    // Copies: steps write into these.
    this.current = new Map([...tensors].map(([path, tensor]) => [path, copy(tensor)]));
  }

  /** Adds zeros for slots that do not exist yet. */
  ensureSlots(slots: readonly { readonly path: string; readonly shape: readonly number[] }[]): void {
    for (const { path, shape } of slots) {
      if (!this.current.has(path)) this.current.set(path, zeros(shape));
    }
  }

  /** Where the next value of `path` may be written. */
  spare(path: string): Tensor {
    const known = this.#spare.get(path);
    if (known !== undefined) return known;
    const fresh = zeros(this.get(path).shape);
    this.#spare.set(path, fresh);
    return fresh;
  }

  get(path: string): Tensor {
    const tensor = this.current.get(path);
    if (tensor === undefined) throw new Error(`no tensor "${path}" in the training state`);
    return tensor;
  }

  /** Makes the spare memory of these paths current. */
  swap(paths: Iterable<string>): void {
    for (const path of paths) {
      const next = this.spare(path);
      this.#spare.set(path, this.get(path));
      this.current.set(path, next);
    }
  }

  /** Copies of the tensors of `parameters`. */
  snapshot(parameters: readonly Parameter[]): Map<string, Tensor> {
    return new Map(parameters.map(({ path }) => [path, copy(this.get(path))]));
  }

  /**
   * The same state with the moving averages of `paths` in place of the weights, where they are kept.
   *
   * @param startOf the step after which a parameter began to learn
   */
  averaged(paths: readonly string[], decay: number, startOf: (path: string) => number): TrainingState {
    const tensors = new Map(this.current);
    for (const path of paths) {
      const sum = this.current.get(averagePath(path));
      if (sum === undefined) continue;
      const scale = 1 / (1 - decay ** (this.step - startOf(path)));
      tensors.set(
        path,
        Tensor.of(
          "float32",
          sum.shape,
          sum.floats.map((value) => value * scale),
        ),
      );
    }
    const state = new TrainingState(tensors);
    state.step = this.step;
    return state;
  }

  restore(tensors: ReadonlyMap<string, Tensor>): void {
    for (const [path, tensor] of tensors) this.current.set(path, copy(tensor));
  }
}

function zeros(shape: readonly number[]): Tensor {
  return Tensor.of("float32", shape, new Float32Array(shape.reduce((a, b) => a * b, 1)));
}

function copy(tensor: Tensor): Tensor {
  return new Tensor(tensor.dtype, tensor.shape, tensor.bytes.slice());
}
