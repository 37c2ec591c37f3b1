import { trainableBackbone } from "../backbones/trainableBackbone.ts";
import type { PlanFacts } from "../doctor/planChecks.ts";
import type { StrategyName } from "../transfer/strategy.ts";
import { sweepRates } from "./sweepRates.ts";
import type { TaskEvent } from "./task.ts";
import { type Job, planOf, type Settings, settingsOf, strategyOf } from "./trainPlan.ts";

const range = { from: 1e-6, to: 1, steps: 60 };

/** How the job's network is going to be trained; with `sweep` a copy is trained for some steps. */
export async function* planFactsOf(job: Job, sweep: boolean): AsyncGenerator<TaskEvent, PlanFacts> {
  const settings = settingsOf(job.input, learningStrategy(job));
  return {
    optimizer: job.input.optimizer,
    learningRate: settings.learningRate,
    pretrained: pretrainedNumbers(job, settings.strategy),
    trainImages: job.split.train.length,
    isTried: strategyOf(job.input) === "auto",
    sweep: sweep ? yield* sweepOf(job, settings) : undefined,
  };
}

/** Where auto has the choice, its fine-tuning is what learns by steps. */
function learningStrategy({ input }: Job): StrategyName {
  const strategy = strategyOf(input);
  return strategy === "auto" ? "fine-tune" : strategy;
}

function pretrainedNumbers({ backbone, input }: Job, strategy: StrategyName): PlanFacts["pretrained"] {
  if (backbone === undefined) return { trained: 0, frozen: 0 };
  const { weights, stages } = trainableBackbone(backbone);
  const first = Math.max(...stages.values()) - (input.stages ?? Number.POSITIVE_INFINITY);
  let trained = 0;
  let frozen = 0;
  for (const [path, { size, shape }] of weights) {
    const isVector = size === Math.max(1, ...shape);
    const isTuned = (stages.get(path) ?? 0) > first && (input.parameters === "all" || isVector);
    if (strategy !== "feature-extraction" && isTuned) trained += size;
    else frozen += size;
  }
  return { trained, frozen };
}

async function* sweepOf(job: Job, settings: Settings): AsyncGenerator<TaskEvent, PlanFacts["sweep"]> {
  const plan = yield* planOf(job, settings);
  try {
    const curve = yield* sweepRates(job, { plan, settings }, range);
    if (curve === undefined) {
      yield { type: "note", text: `the head "${job.input.head}" is solved, not learned by steps: no rates to sweep` };
    }
    return curve?.advice();
  } finally {
    await plan.dispose();
  }
}
