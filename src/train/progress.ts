/** One line of the history: `epoch`, `loss`, `val_loss`, … by Keras' names. */
export type EpochLog = Readonly<Record<string, number>> & { readonly epoch: number };

/** How far a fit has come: with the training state and the callbacks' memory, all that resuming needs. */
export interface FitProgress {
  /** Whole epochs done. */
  epoch: number;
  /** Batches done in the current epoch, and what they summed up to. */
  batch: number;
  seen: number;
  sums: Record<string, number>;
  epochMs: number;
  /** What callbacks made of the learning rate, and the last rate used. */
  rateFactor: number;
  learningRate: number;
  stopReason: string | undefined;
  finished: boolean;
  readonly history: EpochLog[];
}

/** The progress of a fit that has not begun. */
export function freshProgress(): FitProgress {
  return {
    epoch: 0,
    batch: 0,
    seen: 0,
    sums: {},
    epochMs: 0,
    rateFactor: 1,
    learningRate: 0,
    stopReason: undefined,
    finished: false,
    history: [],
  };
}
