import type { Operator } from "../graph/operator.ts";
import * as activations from "./activations.ts";
import * as arithmetic from "./arithmetic.ts";
import * as comparison from "./comparison.ts";
import * as convolution from "./convolution.ts";
import * as einsum from "./einsum.ts";
import * as generating from "./generating.ts";
import * as gridSample from "./gridSample.ts";
import * as indexing from "./indexing.ts";
import * as layerNormalisation from "./layerNormalisation.ts";
import * as layout from "./layout.ts";
import * as normalisation from "./normalisation.ts";
import * as pooling from "./pooling.ts";
import * as products from "./products.ts";
import * as quantisation from "./quantisation.ts";
import * as rearranging from "./rearranging.ts";
import * as reductions from "./reductions.ts";
import * as resampling from "./resampling.ts";
import * as selection from "./selection.ts";
import * as slicing from "./slicing.ts";
import * as smoothActivations from "./smoothActivations.ts";

const families = [
  activations,
  arithmetic,
  comparison,
  convolution,
  einsum,
  generating,
  gridSample,
  indexing,
  layerNormalisation,
  layout,
  normalisation,
  pooling,
  products,
  quantisation,
  rearranging,
  reductions,
  resampling,
  selection,
  slicing,
  smoothActivations,
];

/** Every operator that Graft has a rule for, by its ONNX name: whatever these files export. */
export const operators: ReadonlyMap<string, Operator> = new Map(
  families.flatMap((family) =>
    Object.values(family).flatMap((member): [string, Operator][] =>
      "operator" in member ? [[member.operator.name, member.operator]] : [],
    ),
  ),
);
