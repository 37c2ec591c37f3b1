import type { Compute } from "../algebra/compute.ts";
import type { Adaptation } from "./domainMap.ts";
import type { LabelledDomains } from "./domains.ts";
import { alignJointly, type JointOptions, jointDefaults } from "./jointDistribution.ts";

/**
 * Joint distribution adaptation (Long, Wang, Ding, Sun & Yu 2013, algorithm 1): transfer component analysis with the distance Σ M_c over all
 * classes c = 0 … C, where M₀ stands for all images together; eigenvectors of the pair XHXᵀ, X(Σ M_c)Xᵀ + λI. The paper weighs M₀ as one class;
 * its authors' code as much as all C together, and so does this with `penalty: "projection"`, the default.
 *
 * @throws `data` for empty, single, unlabelled or non-finite rows; `usage` for more dimensions than possible
 */
export function jda(domains: LabelledDomains, options: JointOptions, compute: Compute): Promise<Adaptation> {
  const settings = { ...jointDefaults, ...options };
  const marginal = (classes: number) => (settings.penalty === "projection" ? classes : 1);
  return alignJointly(domains, settings, (classes) => ({ marginal: marginal(classes), conditional: 1 }), compute);
}
