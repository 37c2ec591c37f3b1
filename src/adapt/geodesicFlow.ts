import type { Compute } from "../algebra/compute.ts";
import { singularValues } from "../algebra/eigen.ts";
import { type Matrix, product, scaledColumns, sideBySide, sum, transposed } from "../algebra/matrix.ts";
import type { Adaptation } from "./domainMap.ts";
import { checkDimensions, checkDomains, type Domains } from "./domains.ts";
import { centredMap, type SubspaceOptions } from "./subspaceAlignment.ts";
import { principalSubspace } from "./subspaces.ts";

/** Angles below leave a direction where it is: its complement would be noise. */
const smallestAngle = 1e-7;

/**
 * The geodesic flow kernel (Gong, Shi, Sha & Grauman 2012, §3): inner products averaged over all subspaces on the way from the source's
 * principal directions to the target's, G = ∫ Φ(t)Φ(t)ᵀdt. The maps lead into a space of twice the dimensions, where they are plain: G = LLᵀ.
 * Each domain is centred by its own mean.
 *
 * @throws `data` for empty, single or non-finite rows; `usage` for more dimensions than half the features
 */
export async function geodesicFlow(
  domains: Domains,
  { dimensions = 20 }: SubspaceOptions,
  compute: Compute,
): Promise<Adaptation> {
  checkDomains(domains);
  checkDimensions(dimensions, Math.floor(domains.source.width / 2), "half the features");
  const source = await principalSubspace(domains.source, dimensions, "source", compute);
  const target = await principalSubspace(domains.target, dimensions, "target", compute);
  const weights = flowFactor(source.basis, target.basis);
  return { source: centredMap(weights, source.mean), target: centredMap(weights, target.mean) };
}

/**
 * L [width, 2k] of G = LLᵀ. With P_SᵀP_T = U₁ΓVᵀ, Γ = cos θ, a = P_S·U₁, and b = −R_S·U₂ the direction of what of P_T·V lies beyond P_S, of
 * length sin θ: G = Σ [a b]·½[1 + s, c; c, 1 − s]·[a b]ᵀ over the angles, where s = sin 2θ/2θ and c = (1 − cos 2θ)/2θ. The 2 × 2 blocks
 * get their Cholesky factor.
 */
export function flowFactor(source: Matrix, target: Matrix): Matrix {
  const { left, right, values: cosines } = singularValues(product(transposed(source), target));
  const within = product(source, left); // a = P_S·U₁
  const turned = product(target, right);
  const beyond = sum(turned, scaledColumns(within, cosines), -1);
  const sines = columnNorms(beyond);
  const angles = sines.map((sine, i) => Math.atan2(sine, cosines[i] ?? 0));
  const outward = scaledColumns(
    beyond,
    sines.map((sine) => (sine > smallestAngle ? 1 / sine : 0)),
  );
  const blocks = Array.from(angles, blockFactor);
  const first = sum(
    scaledColumns(
      within,
      blocks.map(({ aa }) => aa),
    ),
    scaledColumns(
      outward,
      blocks.map(({ ba }) => ba),
    ),
  );
  return sideBySide(
    first,
    scaledColumns(
      outward,
      blocks.map(({ bb }) => bb),
    ),
  );
}

/** Lower Cholesky factor of ½[1 + s, c; c, 1 − s], the mean of (cos tθ, sin tθ)ᵀ(cos tθ, sin tθ) over t from 0 to 1. */
function blockFactor(angle: number): { readonly aa: number; readonly ba: number; readonly bb: number } {
  if (angle <= smallestAngle) return { aa: 1, ba: 0, bb: 0 };
  const s = Math.sin(2 * angle) / (2 * angle);
  const c = (1 - Math.cos(2 * angle)) / (2 * angle);
  const aa = Math.sqrt((1 + s) / 2);
  const ba = c / 2 / aa;
  return { aa, ba, bb: Math.sqrt(Math.max(0, (1 - s) / 2 - ba * ba)) };
}

function columnNorms({ values, width }: Matrix): Float64Array {
  const squares = new Float64Array(width);
  for (const [i, value] of values.entries()) squares[i % width] = (squares[i % width] ?? 0) + value * value;
  return squares.map(Math.sqrt);
}
