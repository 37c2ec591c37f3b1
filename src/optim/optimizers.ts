import { z } from "zod";
import { didYouMean, GraftError } from "../base/errors.ts";
import { groupSchema, type ParameterGroup } from "./groups.ts";
import type { Optimizer, UpdateRule } from "./rule.ts";
import { momentum as momentumRule, scaleByAdam, scaleByRms, weightDecay as weightDecayRule } from "./rules.ts";

const rate = z.number().min(0);
const fraction = z.number().min(0).lt(1);
const common = (learningRate: number) => ({
  learningRate: rate.default(learningRate),
  clipNorm: z.number().positive().optional(),
  groups: z.array(groupSchema).default([]),
  averageDecay: fraction.optional(),
});

const schemas = {
  sgd: z.object({
    ...common(0.01),
    momentum: fraction.default(0),
    nesterov: z.boolean().default(false),
    weightDecay: rate.default(0),
  }),
  rmsprop: z.object({
    ...common(0.001),
    rho: fraction.default(0.9),
    momentum: fraction.default(0),
    epsilon: rate.default(1e-7),
    centered: z.boolean().default(false),
  }),
  adam: z.object({
    ...common(0.001),
    beta1: fraction.default(0.9),
    beta2: fraction.default(0.999),
    epsilon: rate.default(1e-7),
  }),
  adamw: z.object({
    ...common(0.001),
    beta1: fraction.default(0.9),
    beta2: fraction.default(0.999),
    epsilon: rate.default(1e-7),
    weightDecay: rate.default(0.004),
  }),
};

/** Stochastic gradient descent; with `momentum` 0 plain gradient descent. */
export function sgd(options: z.input<typeof schemas.sgd> = {}): Optimizer {
  const { momentum, nesterov, weightDecay, ...settings } = parse("sgd", schemas.sgd, options);
  const velocity = momentum === 0 ? [] : [momentumRule(momentum, nesterov)];
  return made("sgd", settings, [weightDecayRule(weightDecay), ...velocity]);
}

/** RMSprop, with Keras' defaults and PyTorch's arithmetic. */
export function rmsprop(options: z.input<typeof schemas.rmsprop> = {}): Optimizer {
  const { rho, momentum, epsilon, centered, ...settings } = parse("rmsprop", schemas.rmsprop, options);
  const velocity = momentum === 0 ? [] : [momentumRule(momentum, false)];
  return made("rmsprop", settings, [scaleByRms({ rho, epsilon, centered }), ...velocity]);
}

/** Adam. */
export function adam(options: z.input<typeof schemas.adam> = {}): Optimizer {
  const { beta1, beta2, epsilon, ...settings } = parse("adam", schemas.adam, options);
  return made("adam", settings, [scaleByAdam({ beta1, beta2, epsilon })]);
}

/** Adam with decoupled weight decay. */
export function adamw(options: z.input<typeof schemas.adamw> = {}): Optimizer {
  const { beta1, beta2, epsilon, weightDecay, ...settings } = parse("adamw", schemas.adamw, options);
  return made("adamw", settings, [scaleByAdam({ beta1, beta2, epsilon }), weightDecayRule(weightDecay)]);
}

interface Settings {
  readonly learningRate: number;
  readonly clipNorm?: number | undefined;
  readonly groups: readonly ParameterGroup[];
  readonly averageDecay?: number | undefined;
}

function made(name: string, settings: Settings, rules: readonly UpdateRule[]): Optimizer {
  const { learningRate, clipNorm, groups, averageDecay } = settings;
  if (groups.some(({ weightDecay = 0 }) => weightDecay > 0) && (name === "adam" || name === "rmsprop")) {
    throw new GraftError("usage", `${name} has no weight decay, but a group asks for one. Use adamw or sgd.`);
  }
  return { name, learningRate, clipNorm, groups, averageDecay, rules };
}

/** Optimisers by name. */
export const optimizers = { sgd, rmsprop, adam, adamw } as const;
export type OptimizerName = keyof typeof optimizers;
export const optimizerNames = Object.keys(optimizers) as [OptimizerName, ...OptimizerName[]];

function parse<S extends z.ZodObject>(name: string, schema: S, options: object): z.output<S> {
  const result = schema.strict().safeParse(options);
  if (result.success) return result.data as z.output<S>;
  const [issue] = result.error.issues;
  if (issue.code === "unrecognized_keys") {
    const [key] = issue.keys;
    throw new GraftError("usage", `${name}: unknown option "${key}".${didYouMean(key, Object.keys(schema.shape))}`);
  }
  throw new GraftError("usage", `${name}: "${issue.path.join(".")}": ${issue.message}.`);
}
