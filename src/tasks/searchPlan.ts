import { GraftError } from "../base/errors.ts";
import type { Platform } from "../platform/platform.ts";
import { circumstancesOf, drawTrials, type Trial } from "./drawTrials.ts";
import { halvingFactor, type Rung, rungsOf } from "./halving.ts";
import { parseSpace } from "./parseSpace.ts";
import type { SearchInput } from "./searchInput.ts";
import { type Circumstances, learnsBySteps, type Space, usualSpace } from "./searchSpace.ts";
import { type TrainInput, trainSchema } from "./trainInput.ts";
import { settingsOf, strategyOf } from "./trainPlan.ts";

/** All that is decided before the first trial. */
export interface SearchPlan {
  /** What every trial shares. */
  readonly input: TrainInput;
  readonly circumstances: Circumstances;
  readonly space: Space;
  readonly trials: readonly Trial[];
  /** The first takes all trials that learn by epochs; random search has no other. */
  readonly rungs: readonly Rung[];
}

/** `fixed`: the options that the user has named, which are not searched unless the space says so. Throws `usage`. */
export async function planSearch(
  asked: SearchInput,
  fixed: ReadonlySet<string>,
  platform: Platform,
): Promise<SearchPlan> {
  const { trials: count, method, space: spaceText, out, resume, ...trained } = asked;
  const strategy = asked.strategy ?? (asked.backbone === undefined ? "scratch" : "feature-extraction");
  const input = trainSchema.parse({ ...trained, strategy });
  // Throws where strategy and backbone do not fit.
  strategyOf(input);
  const circumstances = { strategy, head: input.head };
  const space =
    spaceText === undefined
      ? usualSpace(strategy, fixed)
      : parseSpace(await contentOfSpace(spaceText, platform), circumstances);
  checkFixed(space, fixed);
  const trials = drawTrials(space, circumstances, { count, seed: input.seed });
  const raced = trials.filter(({ values }) => learnsBySteps(circumstancesOf(values, circumstances))).length;
  const { epochs } = settingsOf(input, strategy);
  return { input, circumstances, space, trials, rungs: rungsFor({ method, raced, epochs, space }) };
}

/** The text of a file, where it names one. */
async function contentOfSpace(text: string, { store }: Platform): Promise<string> {
  if ((await store.info(text))?.kind === "file") return new TextDecoder().decode(await store.read(text));
  if (text.includes("=") || text.trimStart().startsWith("{")) return text;
  throw new GraftError(
    "usage",
    `--space: "${text}" is neither a file nor a space such as "learningRate=1e-4..1e-2,head=linear|cosine".`,
  );
}

function checkFixed(space: Space, fixed: ReadonlySet<string>): void {
  const both = [...space.keys()].find((name) => fixed.has(name));
  if (both === undefined) {
    if (space.size > 0) return;
    throw new GraftError("usage", "search: every option of the space is fixed, so nothing is left to search.");
  }
  throw new GraftError("usage", `"${both}" is both fixed and searched (--space). Leave one of them out.`);
}

function rungsFor({
  method,
  raced,
  epochs,
  space,
}: {
  readonly method: SearchInput["method"];
  readonly raced: number;
  readonly epochs: number;
  readonly space: Space;
}): readonly Rung[] {
  const whole = [{ trials: raced, epochs }];
  if (method === "random" || raced === 0) return whole;
  const rungs = space.has("epochs") ? whole : rungsOf(raced, epochs);
  if (method === undefined || rungs.length > 1) return rungs;
  throw new GraftError("usage", `--method halving ${tooLittle(raced, epochs, space)} Or take --method random.`);
}

function tooLittle(raced: number, epochs: number, space: Space): string {
  if (space.has("epochs"))
    return "decides itself for how many epochs each trial is trained: leave epochs out of the space.";
  if (raced < halvingFactor) {
    return `needs ${halvingFactor} trials at least that learn by epochs; here are ${raced}. Ask for more with --trials.`;
  }
  return `has nothing to halve in ${epochs} epochs. Ask for 9 at least with --epochs.`;
}
