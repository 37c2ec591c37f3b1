import type { HeadName, StrategyName } from "../transfer/strategy.ts";
import { headNames, steppedHeads } from "../transfer/strategy.ts";
import { choices, logRange, type OptionValue, type Range } from "./searchRange.ts";
import type { TrainInput } from "./trainInput.ts";
import { smallMoves } from "./trainPlan.ts";

/** Strategies whose options can be searched. */
export const searchedStrategies = ["feature-extraction", "fine-tune", "scratch"] as const satisfies StrategyName[];
export type SearchedStrategy = (typeof searchedStrategies)[number];

/** What decides whether an option makes a difference. */
export interface Circumstances {
  readonly strategy: SearchedStrategy;
  /** Of feature extraction. */
  readonly head: HeadName;
}

/** An option of `train` that can be searched. */
interface Dimension {
  /** How `low..high` is drawn from; nothing where only single values make sense. */
  readonly scale?: "linear" | "log";
  readonly isWhole?: boolean;
  applies(circumstances: Circumstances): boolean;
  /** What is searched when nobody says what. */
  readonly usual: Partial<Readonly<Record<SearchedStrategy, Range>>>;
}

/** Whether a training goes by epochs, with a learning rate; the other heads are solved. */
export function learnsBySteps({ strategy, head }: Circumstances): boolean {
  return strategy !== "feature-extraction" || steppedHeads.includes(head);
}

const onFeatures = ({ strategy }: Circumstances) => strategy === "feature-extraction";
const onPixels = ({ strategy }: Circumstances) => strategy !== "feature-extraction";
const tunes = ({ strategy }: Circumstances) => strategy === "fine-tune";

/**
 * The one table of what can be searched, by the names of `trainSchema`, which also sets the limits.
 * The head stands first: what follows is drawn only where it applies.
 */
export const dimensions = {
  head: { applies: onFeatures, usual: { "feature-extraction": choices(...headNames) } },
  penalty: {
    scale: "log",
    applies: (circumstances) => onFeatures(circumstances) && circumstances.head === "linear",
    usual: { "feature-extraction": logRange(1e-4, 10) },
  },
  learningRate: {
    scale: "log",
    applies: learnsBySteps,
    usual: {
      "feature-extraction": logRange(1e-4, 1e-2),
      "fine-tune": logRange(3e-5, 1e-3),
      scratch: logRange(3e-4, 1e-2),
    },
  },
  batchSize: {
    scale: "log",
    isWhole: true,
    applies: learnsBySteps,
    // On features a step costs what the head's size costs, whatever the number of images.
    usual: { "feature-extraction": choices(64, 128), scratch: choices(16, 32, 64) },
  },
  epochs: { scale: "linear", isWhole: true, applies: learnsBySteps, usual: {} },
  optimizer: { applies: learnsBySteps, usual: {} },
  averageDecay: { scale: "linear", applies: learnsBySteps, usual: {} },
  augment: {
    applies: () => true,
    usual: {
      "fine-tune": choices("none", smallMoves, `horizontalFlip,${smallMoves}`),
      scratch: choices("none", smallMoves, `horizontalFlip,${smallMoves}`),
    },
  },
  mixup: { scale: "linear", applies: onPixels, usual: { "fine-tune": choices(0, 0.2) } },
  cutmix: { scale: "linear", applies: onPixels, usual: {} },
  l2sp: { scale: "log", applies: tunes, usual: { "fine-tune": choices(0, 0.01) } },
  delta: { scale: "log", applies: tunes, usual: {} },
  stages: { scale: "linear", isWhole: true, applies: tunes, usual: {} },
  unfreezeEvery: { scale: "linear", isWhole: true, applies: tunes, usual: {} },
  parameters: { applies: tunes, usual: {} },
} as const satisfies Partial<Record<keyof TrainInput, Dimension>>;

export type SearchedOption = keyof typeof dimensions;
export const searchedOptions = Object.keys(dimensions) as SearchedOption[];

/** What is searched, in the order of the table. */
export type Space = ReadonlyMap<SearchedOption, Range>;

/** The values of the options that a trial does not leave as they were. */
export type TrialValues = Readonly<Partial<Record<SearchedOption, OptionValue>>>;

export function dimensionOf(name: SearchedOption): Dimension {
  return dimensions[name];
}

/** The strategy's own space, without the options that the user has fixed. */
export function usualSpace(strategy: SearchedStrategy, fixed: ReadonlySet<string>): Space {
  return new Map(
    searchedOptions.flatMap((name) => {
      const range = dimensionOf(name).usual[strategy];
      return range === undefined || fixed.has(name) ? [] : [[name, range] as const];
    }),
  );
}
