import { input, scalar, type Value } from "../graph/value.ts";
import { clip } from "../ops/activations.ts";
import { add, div, mul, sqrt, sub } from "../ops/arithmetic.ts";
import { reduceSum } from "../ops/reductions.ts";
import { frozenStepsOf, groupOf } from "./groups.ts";
import type { Optimizer } from "./rule.ts";

export interface Trained {
  /** The parameter's name, from which slots take theirs. */
  readonly path: string;
  readonly value: Value;
}

/** The part of a step graph that changes parameters. */
export interface OptimizerGraph {
  readonly learningRate: Value;
  /** Fed numbers that change with the step, with the formula for each. */
  readonly scalars: readonly { readonly value: Value; readonly at: (step: number) => number }[];
  /** Old and new optimiser state, by slot path such as `dense/kernel/velocity.0`. */
  readonly slots: readonly {
    readonly path: string;
    readonly shape: readonly number[];
    readonly old: Value;
    readonly next: Value;
  }[];
  /** New parameters, by path. */
  readonly parameters: ReadonlyMap<string, Value>;
}

/** Where the running sum β·s + (1 − β)·w of a parameter is kept; s / (1 − β^step) is its average, free of the zero it started at. */
export function averagePath(path: string): string {
  return `${path}/average`;
}

/** Writes one step of `optimizer` for all of `trained`, whose gradients come in the same order. */
export function applyOptimizer(
  optimizer: Optimizer,
  trained: readonly Trained[],
  gradients: readonly Value[],
): OptimizerGraph {
  const learningRate = input("learningRate", "float32", []);
  const clipped = clipByGlobalNorm(gradients, optimizer.clipNorm);
  const scalars = new Map<number, ReturnType<typeof scalarsFrom>>();
  const slots: OptimizerGraph["slots"][number][] = [];
  const parameters = new Map<string, Value>();
  trained.forEach(({ value: parameter, path }, index) => {
    let direction = clipped[index];
    const group = groupOf(optimizer.groups, path);
    const start = frozenStepsOf(optimizer.groups, path);
    const own = scalars.get(start) ?? scalarsFrom(optimizer, start);
    scalars.set(start, own);
    optimizer.rules.forEach((rule, i) => {
      const shape = parameter.staticShape;
      const old = Object.fromEntries(rule.slots.map((slot) => [slot, input(`${path}/${slot}.${i}`, "float32", shape)]));
      const numbers = Object.fromEntries(own[i].map(({ name, value }) => [name, value]));
      const applied = rule.apply(direction, {
        parameter,
        slots: old,
        scalars: numbers,
        weightDecay: group?.weightDecay,
      });
      direction = applied.direction;
      for (const slot of rule.slots) {
        slots.push({ path: `${path}/${slot}.${i}`, shape, old: old[slot], next: applied.slots[slot] });
      }
    });
    const factor = group?.learningRate === undefined ? 1 : group.learningRate / optimizer.learningRate;
    const change = mul(direction, factor === 1 ? learningRate : mul(learningRate, factor));
    const next = sub(parameter, change);
    parameters.set(path, next);
    const { averageDecay } = optimizer;
    if (averageDecay !== undefined) {
      const slot = averagePath(path);
      const old = input(slot, "float32", parameter.staticShape);
      const average = add(mul(old, averageDecay), mul(next, 1 - averageDecay));
      slots.push({ path: slot, shape: parameter.staticShape, old, next: average });
    }
  });
  return { learningRate, scalars: [...scalars.values()].flat(2), slots, parameters };
}

/** The numbers of each rule for parameters that learn from step `start` on, counted from there. */
function scalarsFrom({ rules }: Optimizer, start: number) {
  const since = start === 0 ? "" : `@${start}`;
  return rules.map((rule, i) =>
    Object.entries(rule.scalars).map(([name, at]) => ({
      name,
      at: (step: number) => at(step - start),
      value: input(`${name}.${i}${since}`, "float32", []),
    })),
  );
}

/** Scales all gradients by min(1, clipNorm / ‖all‖₂), so that their direction stays (Pascanu et al. 2013). */
export function clipByGlobalNorm(gradients: readonly Value[], clipNorm: number | undefined): readonly Value[] {
  if (clipNorm === undefined || gradients.length === 0) return gradients;
  const squares = gradients.map((gradient) => reduceSum(mul(gradient, gradient), { keepdims: 0 }));
  const norm = sqrt(squares.reduce((total, square) => add(total, square)));
  // PyTorch's guard against a norm of zero.
  const scale = clip(div(scalar(clipNorm), add(norm, 1e-6)), undefined, 1);
  return gradients.map((gradient) => mul(gradient, scale));
}
