import { z } from "zod";
import { didYouMean, GraftError } from "../base/errors.ts";
import type { Optimizer } from "./rule.ts";
import { momentum as momentumRule, scaleByAdam, scaleByRms, weightDecay as weightDecayRule } from "./rules.ts";

const rate = z.number().min(0);
const fraction = z.number().min(0).lt(1);
const common = (learningRate: number) => ({
  learningRate: rate.default(learningRate),
  clipNorm: z.number().positive().optional(),
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
  const { momentum, nesterov, weightDecay, learningRate, clipNorm } = parse("sgd", schemas.sgd, options);
  const decay = weightDecay === 0 ? [] : [weightDecayRule(weightDecay)];
  const velocity = momentum === 0 ? [] : [momentumRule(momentum, nesterov)];
  return { name: "sgd", learningRate, clipNorm, rules: [...decay, ...velocity] };
}

/** RMSprop, with Keras' defaults and PyTorch's arithmetic. */
export function rmsprop(options: z.input<typeof schemas.rmsprop> = {}): Optimizer {
  const { rho, momentum, epsilon, centered, learningRate, clipNorm } = parse("rmsprop", schemas.rmsprop, options);
  const velocity = momentum === 0 ? [] : [momentumRule(momentum, false)];
  return { name: "rmsprop", learningRate, clipNorm, rules: [scaleByRms({ rho, epsilon, centered }), ...velocity] };
}

/** Adam. */
export function adam(options: z.input<typeof schemas.adam> = {}): Optimizer {
  const { learningRate, clipNorm, ...moments } = parse("adam", schemas.adam, options);
  return { name: "adam", learningRate, clipNorm, rules: [scaleByAdam(moments)] };
}

/** Adam with decoupled weight decay. */
export function adamw(options: z.input<typeof schemas.adamw> = {}): Optimizer {
  const { learningRate, clipNorm, weightDecay, ...moments } = parse("adamw", schemas.adamw, options);
  return { name: "adamw", learningRate, clipNorm, rules: [scaleByAdam(moments), weightDecayRule(weightDecay)] };
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
