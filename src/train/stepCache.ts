import type { Engine } from "../platform/platform.ts";
import { compileAccumulatedStep } from "./accumulatedStep.ts";
import type { TrainingData } from "./data.ts";
import { compileStep, type Recipe, recipeAt, type Step } from "./step.ts";

/** What a fit's steps are made of. */
interface Steps {
  readonly recipe: Recipe;
  readonly train: TrainingData;
  /** Samples computed at once. */
  readonly partSize?: number;
}

/** Compiled steps by batch size: the full one, and the last of an epoch; compiled anew when more parameters begin to learn. */
export class StepCache {
  readonly #plan: Steps;
  readonly #engine: Engine;
  readonly #steps = new Map<number, Promise<Step>>();
  #learning = 0;

  constructor(plan: Steps, engine: Engine) {
    this.#plan = plan;
    this.#engine = engine;
  }

  async get(count: number, taken: number): Promise<Step> {
    const recipe = recipeAt(this.#plan.recipe, taken);
    if (recipe.trainable.length !== this.#learning) await this.dispose();
    this.#learning = recipe.trainable.length;
    const known = this.#steps.get(count) ?? this.#compile(recipe, count);
    this.#steps.set(count, known);
    return known;
  }

  #compile(recipe: Recipe, count: number): Promise<Step> {
    const { train, partSize = count } = this.#plan;
    if (count <= partSize) return compileStep(recipe, count, train.inputDType, this.#engine);
    return compileAccumulatedStep(recipe, count, partSize, train.inputDType, this.#engine);
  }

  async dispose(): Promise<void> {
    for (const step of this.#steps.values()) await (await step).dispose();
    this.#steps.clear();
  }
}
