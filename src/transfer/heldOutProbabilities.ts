import type { Engine } from "../platform/platform.ts";
import type { TrainingData } from "../train/data.ts";
import { type LinearHeadOptions, solveLinearHead } from "./linearHead.ts";
import { LinearProblem } from "./linearProblem.ts";

/** Of solutions that are only asked which class is likely. */
const gradientTolerance = 1e-4;

/**
 * The probabilities [N][classes] that a linear head on features gives to each row, solved without the row's fold at the strength of the penalty that
 * cross-validation chooses; nothing for rows of fold −1, which every fold learns from.
 */
export async function heldOutProbabilities(
  data: TrainingData,
  options: Pick<LinearHeadOptions, "units" | "folds" | "onTrial" | "signal">,
  engine: Engine,
): Promise<readonly (Float32Array | undefined)[]> {
  const { units, folds, signal } = options;
  const { penalty } = await solveLinearHead(data, { ...options, classWeights: undefined }, engine);
  const problem = await LinearProblem.open(data, units, engine, signal);
  const rows = new Array<Float32Array | undefined>(data.count).fill(undefined);
  try {
    for (const fold of new Set(folds)) {
      if (fold < 0) continue;
      const kept = Float64Array.from(folds, (other) => (other === fold ? 0 : 1));
      const { point } = await problem.solve(kept, penalty, problem.origin, gradientTolerance);
      const { predictions } = await problem.evaluate(point, kept);
      folds.forEach((other, row) => {
        if (other === fold) rows[row] = predictions.slice(row * units, (row + 1) * units);
      });
    }
  } finally {
    await problem.dispose();
  }
  return rows;
}
