import type { Compute } from "../algebra/compute.ts";
import { bda } from "./bda.ts";
import { correlationAlignment, covarianceSpectra } from "./coral.ts";
import type { Adaptation, DomainMap } from "./domainMap.ts";
import type { Domains, LabelledDomains } from "./domains.ts";
import { geodesicFlow } from "./geodesicFlow.ts";
import { jda } from "./jda.ts";
import { optimalTransport } from "./optimalTransport.ts";
import { semiSupervisedTca } from "./semiSupervisedTca.ts";
import { subspaceAlignment } from "./subspaceAlignment.ts";
import { tca } from "./tca.ts";

/** Methods by the names that a user says. Every one maps rows that it has never seen, the target's by a graph. */
export const featureMethodNames = ["source-only", "coral", "sa", "gfk", "tca", "sstca", "jda", "bda", "ot"] as const;
export type FeatureMethodName = (typeof featureMethodNames)[number];

/** One way to carry a method out. */
export interface MethodSetting {
  /** For people: `dimensions 20`. */
  readonly text: string;
  fit(domains: LabelledDomains, compute: Compute): Promise<Adaptation>;
}

/** Dimensions that are tried; fewer where the images allow no more. */
const dimensionsTried = [20, 60] as const;

/** The settings of a method that fit so many images and features; the first is the usual one. Features have variance one, all together. */
export function settingsOf(name: FeatureMethodName, { source, target }: LabelledDomains): readonly MethodSetting[] {
  const subspace = Math.min(source.count, target.count, source.width + 1) - 1;
  const components = Math.min(source.width, source.count + target.count - 1);
  return settings[name]({ subspace, flow: Math.min(subspace, source.width >> 1), components });
}

/** The most dimensions that each family of methods may have. */
interface Limits {
  readonly subspace: number;
  readonly flow: number;
  readonly components: number;
}

const settings: Record<FeatureMethodName, (limits: Limits) => readonly MethodSetting[]> = {
  "source-only": () => [{ text: "", fit: async ({ source: { width } }) => both({ kind: "identity", width }) }],
  coral: () => {
    const spectraOf = lastKept(covarianceSpectra);
    return [1, 0.1].map((regularisation) => ({
      text: `regularisation ${regularisation}`,
      fit: async (domains, compute) =>
        correlationAlignment(await spectraOf(domains, compute), { regularisation }, compute),
    }));
  },
  sa: ({ subspace }) =>
    inDimensions(subspace, (domains, dimensions, compute) => subspaceAlignment(domains, { dimensions }, compute)),
  gfk: ({ flow }) =>
    inDimensions(flow, (domains, dimensions, compute) => geodesicFlow(domains, { dimensions }, compute)),
  tca: ({ components }) =>
    inDimensions(components, (domains, dimensions, compute) => tca(domains, { dimensions }, compute)),
  sstca: ({ components }) =>
    inDimensions(components, (domains, dimensions, compute) => semiSupervisedTca(domains, { dimensions }, compute)),
  jda: ({ components }) =>
    inDimensions(components, (domains, dimensions, compute) => jda(domains, { dimensions }, compute)),
  bda: ({ components }) =>
    inDimensions(components, (domains, dimensions, compute) => bda(domains, { dimensions }, compute)),
  ot: () =>
    [0, 0.02].map((weight) => ({
      text: weight === 0 ? "regularisation 0.05" : `regularisation 0.05, classes ${weight}`,
      fit: (domains, compute) => {
        const byClass = weight === 0 ? {} : { classRegularisation: { labels: domains.labels, weight } };
        return optimalTransport(domains, { regularisation: 0.05, ...byClass }, compute);
      },
    })),
};

function inDimensions(
  most: number,
  fit: (domains: LabelledDomains, dimensions: number, compute: Compute) => Promise<Adaptation>,
): readonly MethodSetting[] {
  const possible = [...new Set(dimensionsTried.map((wanted) => Math.max(1, Math.min(wanted, most))))];
  return possible.map((dimensions) => ({
    text: `dimensions ${dimensions}`,
    fit: (domains, compute) => fit(domains, dimensions, compute),
  }));
}

/** The function, which remembers what came of the domains that it met last. */
function lastKept<T>(find: (domains: Domains, compute: Compute) => Promise<T>): typeof find {
  let last: (Domains & { readonly found: T }) | undefined;
  return async (domains, compute) => {
    const { source, target } = domains;
    if (last?.source !== source || last.target !== target)
      last = { source, target, found: await find(domains, compute) };
    return last.found;
  };
}

function both(map: DomainMap): Adaptation {
  return { source: map, target: map };
}
