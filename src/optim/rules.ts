import { add, div, mul, sqrt, sub } from "../ops/arithmetic.ts";
import type { UpdateRule } from "./rule.ts";

const stateless = { slots: [], scalars: {} } as const;

/** v ← momentum·v + g; the direction is v, or g + momentum·v with Nesterov's look-ahead (Sutskever et al. 2013, as in PyTorch). */
export function momentum(factor: number, nesterov: boolean): UpdateRule {
  return {
    slots: ["velocity"],
    scalars: {},
    apply(direction, { slots: { velocity } }) {
      const next = add(mul(velocity, factor), direction);
      return { direction: nesterov ? add(direction, mul(next, factor)) : next, slots: { velocity: next } };
    },
  };
}

/** g + decay·w: an L2 penalty, put before the other rules; decoupled weight decay (Loshchilov & Hutter 2019), put after them. */
export function weightDecay(decay: number): UpdateRule {
  return {
    ...stateless,
    apply(direction, { parameter, weightDecay: own = decay }) {
      return { direction: own === 0 ? direction : add(direction, mul(parameter, own)), slots: {} };
    },
  };
}

/** Divides by the root of a running mean of squares (Tieleman & Hinton 2012), about the mean when centred (Graves 2013). */
export function scaleByRms({
  rho,
  epsilon,
  centered,
}: {
  rho: number;
  epsilon: number;
  centered: boolean;
}): UpdateRule {
  const average = (old: Parameters<typeof mul>[0], fresh: Parameters<typeof mul>[0]) =>
    add(mul(old, rho), mul(fresh, 1 - rho));
  return {
    slots: centered ? ["square", "mean"] : ["square"],
    scalars: {},
    apply(direction, { slots }) {
      const square = average(slots["square"], mul(direction, direction));
      if (!centered) return { direction: div(direction, add(sqrt(square), epsilon)), slots: { square } };
      const mean = average(slots["mean"], direction);
      const deviation = sqrt(sub(square, mul(mean, mean)));
      return { direction: div(direction, add(deviation, epsilon)), slots: { square, mean } };
    },
  };
}

/** Adam (Kingma & Ba 2015, algorithm 1): m̂ / (√v̂ + ε), both moments corrected for their start at zero. */
export function scaleByAdam({ beta1, beta2, epsilon }: { beta1: number; beta2: number; epsilon: number }): UpdateRule {
  return {
    slots: ["first", "second"],
    scalars: {
      firstCorrection: (step) => 1 / (1 - beta1 ** step),
      secondCorrection: (step) => 1 / Math.sqrt(1 - beta2 ** step),
    },
    apply(direction, { slots, scalars }) {
      const first = add(mul(slots["first"], beta1), mul(direction, 1 - beta1));
      const second = add(mul(slots["second"], beta2), mul(mul(direction, direction), 1 - beta2));
      const deviation = add(mul(sqrt(second), scalars["secondCorrection"]), epsilon);
      return { direction: div(mul(first, scalars["firstCorrection"]), deviation), slots: { first, second } };
    },
  };
}
