import type { Compute } from "../algebra/compute.ts";
import { GraftError } from "../base/errors.ts";
import type { Adaptation } from "./domainMap.ts";
import type { LabelledDomains } from "./domains.ts";
import { alignJointly, type JointOptions, jointDefaults } from "./jointDistribution.ts";

export interface BdaOptions extends JointOptions {
  /** μ: 0 brings only the domains as wholes together, 1 only their classes. Default 0.5. */
  readonly balance?: number;
}

/**
 * Balanced distribution adaptation (Wang, Chen, Hao, Feng & Shen 2017): the distance (1 − μ)·M₀ + μ·Σ M_c in the place of JDA's.
 *
 * @throws `data` for empty, single, unlabelled or non-finite rows; `usage` for a balance outside 0 … 1 or more dimensions than possible
 */
export async function bda(
  domains: LabelledDomains,
  { balance = 0.5, ...options }: BdaOptions,
  compute: Compute,
): Promise<Adaptation> {
  if (!(balance >= 0 && balance <= 1)) throw new GraftError("usage", `balance ${balance}; expected 0 to 1.`);
  return alignJointly(
    domains,
    { ...jointDefaults, ...options },
    () => ({ marginal: 1 - balance, conditional: balance }),
    compute,
  );
}
