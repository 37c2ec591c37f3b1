import { pairedGain } from "../transfer/pairedGain.ts";
import type { StrategyName, TransferPlan, Weights } from "../transfer/strategy.ts";
import { affordable } from "./affordable.ts";
import { withFeaturesChosen } from "./chooseFeatures.ts";
import { initialWeights, type Learned, learn } from "./learn.ts";
import { rightAnswers } from "./probabilities.ts";
import type { RunFolder } from "./runFolder.ts";
import { saveRun } from "./saveRun.ts";
import type { TaskEvent } from "./task.ts";
import { budgetMs } from "./trainInput.ts";
import { type Job, planOf, settingsOf } from "./trainPlan.ts";

/** From the cheapest to the dearest. */
const rungs: readonly StrategyName[] = ["feature-extraction", "fine-tune"];

/** What was tried, for people and for `account.json`. */
interface Trial {
  readonly strategy: StrategyName;
  readonly seconds: number;
  readonly accuracy: number;
  /** Over what had been best, and its standard error; nothing for the first. */
  readonly gain?: number;
  readonly standardError?: number;
  readonly text: string;
}

/**
 * The features that fit best, then from the cheapest strategy to the dearest, as long as each is better on the validation images by more than its
 * own standard error and the budget lasts. Saves the best and an account of the choice.
 */
export async function* climb(asked: Job, folder: RunFolder): AsyncGenerator<TaskEvent> {
  const { platform, split } = asked;
  const endMs = platform.nowMs() + budgetMs(asked.input);
  const trials: Trial[] = [];
  const { job, reasons } = yield* withFeaturesChosen(asked, folder);
  const plans: TransferPlan[] = [];
  let best: { readonly learned: Learned; readonly right: readonly number[] } | undefined;
  try {
    for (const strategy of rungs) {
      const rungMs = platform.nowMs();
      const wanted = settingsOf(job.input, strategy);
      const made = yield* planOf(job, wanted, linearHeadOf(job, best?.learned));
      plans.push(made);
      const plan = { ...made, initial: yield* initialWeights(made) };
      const limit = best === undefined ? Number.POSITIVE_INFINITY : endMs;
      const decided = yield* affordable({ job, plan, initial: plan.initial, folder }, wanted, limit);
      if ("reason" in decided) {
        reasons.push(decided.reason);
        yield { type: "note", text: decided.reason };
        break;
      }
      const learned = yield* learn(job, { plan, settings: decided }, folder);
      if (learned === undefined) return;
      const right = await rightAnswers(job, learned);
      const seconds = (platform.nowMs() - rungMs) / 1000;
      const trial = judged(strategy, seconds, right, best?.right);
      trials.push(trial);
      yield { type: "note", text: trial.text };
      if (best !== undefined && (trial.gain ?? 0) <= (trial.standardError ?? 0)) break;
      best = { learned, right };
    }
    if (best === undefined) return;
    const chosen = best.learned.settings.strategy;
    yield { type: "note", text: `chosen: ${chosen}, by ${split.validation.length} validation images` };
    await folder.writeJson("account.json", { trials, reasons, chosen, settings: best.learned.settings });
    yield* saveRun(job, best.learned, folder);
  } finally {
    for (const plan of plans) await plan.dispose();
  }
}

/** What the linear head learned, if that is what came before. */
function linearHeadOf({ input }: Job, learned: Learned | undefined): Weights | undefined {
  if (input.head !== "linear" || learned === undefined) return undefined;
  return learned.state.snapshot(learned.plan.network.parameters.list);
}

function judged(
  strategy: StrategyName,
  seconds: number,
  right: readonly number[],
  before: readonly number[] | undefined,
): Trial {
  const accuracy = right.reduce((sum, one) => sum + one, 0) / right.length;
  const own = `${strategy}: ${points(accuracy)} % of validation images right, ${seconds.toFixed(0)} s`;
  if (before === undefined) return { strategy, seconds, accuracy, text: own };
  const { gain, standardError } = pairedGain(before, right);
  const difference = `${gain < 0 ? "−" : "+"}${points(Math.abs(gain))} ± ${points(standardError)} points`;
  const verdict =
    gain > standardError ? "more than its standard error" : "no more than its standard error, so the simpler one stays";
  return { strategy, seconds, accuracy, gain, standardError, text: `${own}; ${difference}, ${verdict}` };
}

/** In percent. */
function points(fraction: number): string {
  return (100 * fraction).toFixed(1);
}
