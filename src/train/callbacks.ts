import { didYouMean, GraftError } from "../base/errors.ts";
import { encodeSafetensors } from "../base/safetensors.ts";
import type { Tensor } from "../base/tensor.ts";
import type { Parameter } from "../nn/scope.ts";
import type { Store } from "../platform/platform.ts";
import type { TrainingState } from "./state.ts";

/** What a callback sees at the end of an epoch. */
export interface EpochContext {
  /** Counted from 1. */
  readonly epoch: number;
  /** `loss`, `accuracy`, `val_loss`, … as in Keras. */
  readonly logs: Readonly<Record<string, number>>;
  readonly state: TrainingState;
  readonly parameters: readonly Parameter[];
  readonly store: Store | undefined;
  /** Ends training after this epoch. */
  stop(reason: string): void;
  /** Multiplies the learning rate of all later steps. */
  scaleLearningRate(factor: number): void;
  /** Adds figures to the epoch's line of the history. */
  log(figures: Readonly<Record<string, number>>): void;
}

/** What a callback must remember for a run to resume exactly. */
export interface CallbackState {
  readonly values: Readonly<Record<string, number>>;
  readonly tensors: ReadonlyMap<string, Tensor>;
}

/** Something that watches training and may end it, slow it down or save it. */
export interface Callback {
  readonly name: string;
  start(): void;
  onEpochEnd(context: EpochContext): void | Promise<void>;
  onTrainEnd?(state: TrainingState): void;
  save(): CallbackState;
  restore(state: CallbackState): void;
}

export interface MonitorOptions {
  /** The log to watch. Default "val_loss". */
  readonly monitor?: string;
  /** Whether less or more is better; by default more for names that hold "acc" or "auc". */
  readonly mode?: "auto" | "min" | "max";
  /** The smallest change that counts as better. Default 0. */
  readonly minDelta?: number;
}

export interface EarlyStoppingOptions extends MonitorOptions {
  /** Epochs without improvement to wait for. Default 0. */
  readonly patience?: number;
  /** Ends with the weights of the best epoch. Default true. */
  readonly restoreBestWeights?: boolean;
}

/** Stops when the monitored log has not improved for `patience` epochs, as `keras.callbacks.EarlyStopping`. */
export function earlyStopping(options: EarlyStoppingOptions = {}): Callback {
  const { patience = 0, restoreBestWeights = true } = options;
  const progress = watch(options);
  let best: ReadonlyMap<string, Tensor> = new Map();
  return {
    name: "earlyStopping",
    start() {
      progress.start();
      best = new Map();
    },
    onEpochEnd({ epoch, logs, state, parameters, stop }) {
      if (progress.improved(logs, epoch) && restoreBestWeights) best = state.snapshot(parameters);
      if (progress.wait > patience - 1 && progress.wait > 0) {
        stop(`${progress.monitor} has not improved since epoch ${progress.bestEpoch} (patience ${patience})`);
      }
    },
    onTrainEnd(state) {
      if (restoreBestWeights) state.restore(best);
    },
    save: () => ({ values: progress.save(), tensors: best }),
    restore({ values, tensors }) {
      progress.restore(values);
      best = tensors;
    },
  };
}

export interface ReduceLROnPlateauOptions extends MonitorOptions {
  /** Multiplies the learning rate. Default 0.1. */
  readonly factor?: number;
  /** Default 10. */
  readonly patience?: number;
}

/** Lowers the learning rate when the monitored log stalls, as `keras.callbacks.ReduceLROnPlateau`. */
export function reduceLROnPlateau(options: ReduceLROnPlateauOptions = {}): Callback {
  const { factor = 0.1, patience = 10 } = options;
  if (!(factor > 0 && factor < 1)) {
    throw new GraftError("usage", `reduceLROnPlateau: factor is ${factor}; expected a number between 0 and 1.`);
  }
  const progress = watch(options);
  return {
    name: "reduceLROnPlateau",
    start: () => progress.start(),
    onEpochEnd({ logs, epoch, scaleLearningRate }) {
      if (progress.improved(logs, epoch) || progress.wait < patience) return;
      scaleLearningRate(factor);
      progress.wait = 0;
    },
    save: () => ({ values: progress.save(), tensors: new Map() }),
    restore: ({ values }) => progress.restore(values),
  };
}

export interface ModelCheckpointOptions extends MonitorOptions {
  /** Writes only epochs better than all before. Default false. */
  readonly saveBestOnly?: boolean;
}

/** Writes the parameters as safetensors after each epoch, as `keras.callbacks.ModelCheckpoint`. */
export function modelCheckpoint(path: string, options: ModelCheckpointOptions = {}): Callback {
  const { saveBestOnly = false } = options;
  const progress = watch(options);
  return {
    name: "modelCheckpoint",
    start: () => progress.start(),
    async onEpochEnd({ logs, epoch, state, parameters, store }) {
      const wanted = saveBestOnly ? progress.improved(logs, epoch) : true;
      if (!wanted) return;
      if (store === undefined) throw new GraftError("usage", "modelCheckpoint needs a platform with a store.");
      await store.write(
        path,
        encodeSafetensors({ tensors: state.snapshot(parameters), metadata: { epoch: String(epoch) } }),
      );
    },
    save: () => ({ values: progress.save(), tensors: new Map() }),
    restore: ({ values }) => progress.restore(values),
  };
}

/** The best value of a log so far, and for how long it has stood. */
function watch({ monitor = "val_loss", mode = "auto", minDelta = 0 }: MonitorOptions) {
  const rises = mode === "max" || (mode === "auto" && /acc|auc/i.test(monitor));
  const progress = {
    monitor,
    best: Number.NaN,
    bestEpoch: 0,
    wait: 0,
    start() {
      Object.assign(progress, { best: Number.NaN, bestEpoch: 0, wait: 0 });
    },
    improved(logs: EpochContext["logs"], epoch: number): boolean {
      const value = logs[monitor];
      if (value === undefined) throw unknownLog(monitor, Object.keys(logs));
      const better =
        Number.isNaN(progress.best) || (rises ? value > progress.best + minDelta : value < progress.best - minDelta);
      if (better) Object.assign(progress, { best: value, bestEpoch: epoch, wait: 0 });
      else progress.wait++;
      return better;
    },
    save: () => ({ best: progress.best, bestEpoch: progress.bestEpoch, wait: progress.wait }),
    restore(values: Readonly<Record<string, number>>) {
      Object.assign(progress, values);
    },
  };
  return progress;
}

function unknownLog(monitor: string, available: readonly string[]): GraftError {
  const advice = monitor.startsWith("val_") ? " Give fit() validation data." : "";
  return new GraftError(
    "usage",
    `there is no log "${monitor}" to monitor; found ${available.map((name) => `"${name}"`).join(", ")}.` +
      `${didYouMean(monitor, available)}${advice}`,
  );
}
