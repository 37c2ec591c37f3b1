import type { Compute } from "../algebra/compute.ts";
import type { PreparedImages } from "../data/preparedImages.ts";
import type { Split } from "../data/split.ts";
import { type DomainData, imageData } from "../transfer/domainData.ts";
import { type DomainSubject, featureSubject, scratchSubject } from "../transfer/domainSubject.ts";
import { type ScaledDomains, scaleDomains } from "../transfer/scaling.ts";
import { balancingWeights } from "./classWeights.ts";
import type { OpenedDomains } from "./openDomains.ts";

/** Both domains as one seed has them. */
export interface SeedDomains {
  readonly split: Split;
  /** What learns by steps. */
  readonly subject: DomainSubject;
  /** Of a backbone's features. */
  readonly scaled: ScaledDomains | undefined;
}

export async function seedDomains(opened: OpenedDomains, seed: number, compute: Compute): Promise<SeedDomains> {
  const { basis, source, target, labels } = opened;
  const split = opened.split(seed);
  if (basis.kind === "scratch") {
    const data = imageData({ source, target }, split, balanced(source, split.train, labels.length));
    return { split, subject: scratchSubject(data), scaled: undefined };
  }
  const scaled = await scaleDomains(basis.draw(seed), compute);
  return { split, subject: featureSubject(scaled), scaled };
}

/** How many classes there are, and how much each counts so that all count the same. */
export function balanced(
  { samples }: Pick<PreparedImages, "samples">,
  indices: readonly number[],
  classes: number,
): Pick<DomainData, "classes" | "classWeights"> {
  const labels = indices.map((i) => samples[i]?.label ?? 0);
  return { classes, classWeights: balancingWeights(labels, classes) };
}
