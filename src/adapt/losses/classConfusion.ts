import { constantOf } from "../../graph/value.ts";
import { div, max, mul, pow, sub } from "../../ops/arithmetic.ts";
import { stopGradient } from "../../ops/gradientControl.ts";
import { transpose } from "../../ops/layout.ts";
import { matmul } from "../../ops/products.ts";
import { reduceSum } from "../../ops/reductions.ts";
import { certaintyOf } from "./adversarial.ts";
import type { DomainTerm } from "./domainBatch.ts";

/** Of the paper, §4.1. */
const temperature = 2.5;

/**
 * Minimum class confusion (Jin, Wang, Long & Wang 2020, eq. 2–6): how much the answers on the batch's target images, softened by T, confuse pairs of
 * classes, Ŷᵀ·diag(W)·Ŷ with rows made to sum to one, its mean row off the diagonal. W is 1 + e^−H of each image, in units of its mean, and gets no gradient.
 */
export function classConfusion(): DomainTerm {
  return ({ prediction, targetShares }) => {
    const classes = Number(prediction.shape[1]);
    const powers = pow(max(prediction, 1e-12), 1 / temperature); // softmax(z/T) from softmax(z)
    const softened = div(powers, reduceSum(powers, [1], { keepdims: 1 }));
    const certainty = stopGradient(mul(certaintyOf(softened), targetShares));
    const confusion = matmul(transpose(mul(softened, certainty), { perm: [1, 0] }), softened); // [C, C]
    const normalised = div(confusion, max(reduceSum(confusion, [1], { keepdims: 1 }), 1e-12));
    const diagonal = Array.from({ length: classes ** 2 }, (_, at) => Number(at % (classes + 1) === 0));
    const offDiagonal = sub(1, constantOf("float32", [classes, classes], diagonal));
    return div(reduceSum(mul(normalised, offDiagonal), { keepdims: 0 }), classes);
  };
}
