import type { Compute } from "../algebra/compute.ts";
import {
  type ComponentOptions,
  componentDefaults,
  featureSpace,
  solveComponents,
  throughComponents,
} from "./components.ts";
import type { Adaptation } from "./domainMap.ts";
import type { Domains } from "./domains.ts";
import { differenceOf, differenceRows } from "./meanDistance.ts";

/**
 * Transfer component analysis (Pan, Tsang, Kwok & Yang 2011, §III): the directions that keep most variance of both domains while
 * their means meet, min tr(WᵀKLKW) + μ·tr(WᵀW) subject to WᵀKHKW = I. `penalty` chooses between the published objectives; default: the paper's.
 *
 * @throws `data` for empty, single or non-finite rows; `usage` for more dimensions than possible
 */
export async function tca(domains: Domains, options: Partial<ComponentOptions>, compute: Compute): Promise<Adaptation> {
  const settings: ComponentOptions = { ...componentDefaults, penalty: "coefficients", ...options };
  const space = await featureSpace(domains, settings.kernel, compute);
  const difference = differenceOf(space.source, space.target, 1);
  const aim = { keep: space.scatter, differences: differenceRows([difference], settings.penalty) };
  const map = await throughComponents(space, await solveComponents(space, aim, settings, compute), compute);
  return { source: map, target: map };
}
