import { einsum } from "./einsum.ts";
import { type GradientRow, row } from "./gradientRow.fixture.ts";

/** Sums of products over named axes. */
export const einsumRows: readonly GradientRow[] = [
  ...(
    [
      ["ij,jk->ik", [3, 4], [4, 2]],
      ["bij,bkj->bik", [2, 3, 5], [2, 4, 5]],
      ["bhqd,bkhd->bhqk", [2, 3, 4, 5], [2, 7, 3, 5]],
      ["ij,jk", [3, 4], [4, 2]],
      ["i,j->ji", [3], [4]],
      ["i,i->", [5], [5]],
      ["ijl,jk->k", [2, 3, 4], [3, 5]],
      ["...ij,jk->...ik", [2, 3, 4, 5], [5, 3]],
      ["...ij,...jk->...ik", [2, 1, 4, 5], [2, 3, 5, 2]],
      ["bij,bjk->ik", [1, 3, 4], [5, 4, 2]],
    ] as const
  ).map(([equation, a, b]) => row("Einsum", equation, [a, b], (x, y) => einsum(x, y, { equation }))),
  ...(
    [
      ["ij->ji", [3, 4]],
      ["bij->bj", [2, 3, 5]],
      ["ijk->", [2, 3, 4]],
      ["ba", [3, 4]],
      ["...ij->...ji", [2, 1, 3, 4]],
    ] as const
  ).map(([equation, a]) => row("Einsum", `${equation} of one`, [a], (x) => einsum(x, { equation }))),
  row(
    "Einsum",
    "three operands",
    [
      [2, 3],
      [3, 4],
      [4, 2],
    ],
    (a, b, c) => einsum(a, b, c, { equation: "ij,jk,kl->il" }),
  ),
];
