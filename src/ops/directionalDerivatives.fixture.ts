import { Tensor } from "../base/tensor.ts";
import { differentiate } from "../graph/differentiate.ts";
import { constant } from "../graph/value.ts";
import { mul } from "./arithmetic.ts";
import type { GradientRow } from "./gradientRow.fixture.ts";
import { evaluate, floatInput, randomTensor } from "./operators.fixture.ts";
import { reduceSum } from "./reductions.ts";

const step = 2 ** -7;

/** d/dt of Σ c·f(x + t·d) at 0: by the generated gradient, and by (L(t) − L(−t)) / 2t. */
export async function directionalDerivatives(row: GradientRow) {
  const range = row.range ?? { low: -2, high: 2 };
  const inputs = row.shapes.map((shape, i) => floatInput(`x${i}`, shape));
  const point = row.shapes.map((shape, i) => randomTensor(`${row.title}/x${i}`, shape, range));
  const direction = row.shapes.map((shape, i) => randomTensor(`${row.title}/d${i}`, shape, { low: -1, high: 1 }));
  const output = row.build(...inputs);
  const weights = constant(randomTensor(`${row.title}/c`, output.staticShape, { low: -1, high: 1 }));
  const loss = reduceSum(mul(output, weights), { keepdims: 0 });
  const gradients = differentiate(loss, inputs);
  const feedsAt = (t: number) => Object.fromEntries(point.map((x, i) => [`x${i}`, shifted(x, direction[i], t)]));
  const named = Object.fromEntries(gradients.map((gradient, i) => [`g${i}`, gradient]));
  const at = await evaluate(inputs, named, feedsAt(0));
  const analytic = point.reduce((sum, _, i) => sum + dot(at[`g${i}`].floats, direction[i].floats), 0);
  const [ahead, behind] = await Promise.all([step, -step].map((t) => evaluate(inputs, { output }, feedsAt(t))));
  // Summed in double precision: the loss itself would lose the digits that the difference needs.
  const c = (weights.source.kind === "constant" ? weights.source.tensor : point[0]).floats;
  const numeric = (dot(ahead["output"].floats, c) - dot(behind["output"].floats, c)) / (2 * step);
  const scale = Math.sqrt(output.staticShape.reduce((a, b) => a * b, 1)) * Math.max(1, Math.abs(numeric));
  return { analytic, numeric, scale };
}

function shifted(x: Tensor, d: Tensor, t: number): Tensor {
  return Tensor.float32(
    x.shape,
    Array.from(x.floats, (value, i) => value + t * d.floats[i]),
  );
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}
