import { GraftError } from "../base/errors.ts";
import { broadcastShapes, type Dim, sameShape } from "../base/shapes.ts";
import { expand, reshape } from "../graph/coreOperators.ts";
import { shapeError } from "../graph/infer.ts";
import { defineOp, text } from "../graph/operator.ts";
import type { Value } from "../graph/value.ts";

/**
 * Sums of products over named axes: "bij,bjk->bik". The gradient of an operand is again such a sum,
 * of dy and the other operands over the axes that the operand lacks; axes that only it has are repeated.
 */
export const einsum = defineOp("Einsum", {
  inputs: ["...xs"],
  attributes: { equation: text("") },
  infer: (xs, { equation }) => {
    const { operands, result } = labelsOf(equation, xs);
    const lengths = lengthsOf(operands, xs);
    return [{ dtype: xs[0].dtype, shape: [...result].map((label) => lengths.get(label) ?? 1) }];
  },
  vjp: ([dy], { inputs: xs, attributes: { equation } }): Value[] => {
    const { operands, result } = labelsOf(equation, xs);
    return xs.map((x, i) => {
      const own = operands[i];
      if (new Set(own).size !== own.length) {
        throw new GraftError("model", `Einsum "${equation}" takes a diagonal, which has no gradient.`);
      }
      const others = operands.filter((_, other) => other !== i);
      const known = new Set([result, ...others].join(""));
      const kept = [...own].filter((label) => known.has(label)).join("");
      const factors = [dy, ...xs.filter((_, other) => other !== i)];
      const sum =
        factors.length === 1 && result === kept
          ? dy
          : einsum(...factors, { equation: `${[result, ...others].join(",")}->${kept}` });
      // An axis that was only summed over, or was as long as 1 in all the others, is the same along its length.
      const lengths = sum.staticShape.values();
      const column = [...own].map((label) => (known.has(label) ? (lengths.next().value ?? 1) : 1));
      const full = column.map((length, axis) => (length === 1 ? x.staticShape[axis] : length));
      return sameShape(full, sum.shape) ? sum : expand(reshape(sum, column), full);
    });
  },
});

/** One letter for each axis of each operand and of the result. */
interface Labels {
  readonly operands: readonly string[];
  readonly result: string;
}

/** Reads an equation: letters of their own for the axes behind "…", and the result that is meant where none is stated. */
function labelsOf(equation: string, xs: readonly Value[]): Labels {
  const [left, right] = equation.replaceAll(" ", "").split("->");
  const terms = left.split(",");
  if (terms.length !== xs.length) throw shapeError("Einsum", `"${equation}" does not fit ${xs.length} operands`);
  const counts = terms.map((term, i) => (term.includes("...") ? xs[i].rank - (term.length - 3) : 0));
  const free = [...letters].filter((letter) => !equation.includes(letter)).slice(0, Math.max(...counts));
  const operands = terms.map((term, i) => term.replace("...", free.slice(free.length - counts[i]).join("")));
  operands.forEach((labels, i) => {
    if (labels.length !== xs[i].rank) throw shapeError("Einsum", `"${terms[i]}" does not fit [${xs[i].shape}]`);
  });
  if (right !== undefined) return { operands, result: right.replace("...", free.join("")) };
  const all = terms.join("").replaceAll(".", "");
  const once = [...all].filter((label) => all.indexOf(label) === all.lastIndexOf(label)).sort();
  return { operands, result: [...free, ...once].join("") };
}

const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";

function lengthsOf(operands: readonly string[], xs: readonly Value[]): ReadonlyMap<string, Dim> {
  const lengths = new Map<string, Dim>();
  operands.forEach((labels, i) => {
    [...labels].forEach((label, axis) => {
      const common = broadcastShapes([lengths.get(label) ?? 1], [xs[i].shape[axis]]);
      if (common === undefined) throw shapeError("Einsum", `axis "${label}" has lengths that differ`);
      lengths.set(label, common[0]);
    });
  });
  return lengths;
}
