import type { Compute } from "../algebra/compute.ts";
import { throwIfStopped } from "../algebra/compute.ts";
import { type Matrix, rowsAt, unitRows } from "../algebra/matrix.ts";
import type { Rows } from "../base/rows.ts";
import {
  type ComponentOptions,
  componentDefaults,
  type FeatureSpace,
  featureSpace,
  solveComponents,
  throughComponents,
} from "./components.ts";
import { type Adaptation, applyMap } from "./domainMap.ts";
import { checkLabels, type LabelledDomains } from "./domains.ts";
import { type Difference, differenceOf, differenceRows } from "./meanDistance.ts";
import { nearestLabels } from "./nearestLabels.ts";

/** A head that is fitted on projected source rows and judges projected target rows. */
export type Labeller = (
  source: Rows,
  labels: ArrayLike<number>,
  target: Rows,
  compute: Compute,
) => Promise<ArrayLike<number>>;

export interface JointOptions extends Partial<ComponentOptions> {
  /** Rounds of projecting and labelling anew. Default 10. */
  readonly iterations?: number;
  /** Default: the label of the nearest source image by angle, as in the authors' code. */
  readonly labeller?: Labeller;
}

export const jointDefaults = { ...componentDefaults, penalty: "projection" } as const;

/** Of projections that only give the labels of the next round, as of `topEigenvectors`. */
const passingTolerance = 1e-5;

/** How much the distance of all images, and that of each class, weigh. */
export interface Balance {
  readonly marginal: number;
  readonly conditional: number;
}

/**
 * Projections under which the means of the domains meet, and those of each class too, with target labels that the projection before
 * gave: the loop of JDA and BDA. A class that no target image was given does not count.
 */
export async function alignJointly(
  domains: LabelledDomains,
  options: ComponentOptions & JointOptions,
  balance: (classes: number) => Balance,
  compute: Compute,
): Promise<Adaptation> {
  const { iterations = 10, labeller = nearestByAngle } = options;
  const space = await featureSpace(domains, options.kernel, compute);
  const classes = checkLabels(domains.labels, domains.source);
  let projection: Matrix | undefined;
  const solve = async (round: number, differences: readonly Difference[]) => {
    const tolerance = round < iterations - 1 ? passingTolerance : undefined;
    const rows = differenceRows(differences, options.penalty);
    projection = await solveComponents(
      space,
      { keep: space.scatter, differences: rows, near: projection, tolerance },
      options,
      compute,
    );
    return throughComponents(space, projection, compute);
  };
  const { marginal, conditional } = balance(classes);
  const overall = differenceOf(space.source, space.target, marginal);
  let map = await solve(0, [overall]);
  for (let round = 1; round < iterations; round++) {
    throwIfStopped(compute);
    const [source, target] = [
      await applyMap(map, domains.source, compute),
      await applyMap(map, domains.target, compute),
    ];
    const labels = await labeller(source, domains.labels, target, compute);
    map = await solve(round, [overall, ...classDifferences(space, domains.labels, labels, conditional)]);
  }
  return { source: map, target: map };
}

async function nearestByAngle(source: Rows, labels: ArrayLike<number>, target: Rows, compute: Compute) {
  return nearestLabels(unitRows(source), labels, unitRows(target), compute);
}

/** The differences of the class means, those of M_c in Long et al. 2013. */
function classDifferences(
  { source, target }: FeatureSpace,
  labels: ArrayLike<number>,
  given: ArrayLike<number>,
  weight: number,
): Difference[] {
  return [...new Set(Array.from(labels))].flatMap((label) => {
    const [of, ofTarget] = [placesOf(labels, label), placesOf(given, label)];
    return ofTarget.length === 0 ? [] : [differenceOf(rowsAt(source, of), rowsAt(target, ofTarget), weight)];
  });
}

function placesOf(labels: ArrayLike<number>, wanted: number): number[] {
  return Array.from(labels, (label, place) => ({ label, place })).flatMap(({ label, place }) =>
    label === wanted ? [place] : [],
  );
}
