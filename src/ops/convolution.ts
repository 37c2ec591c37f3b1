import { multiplyDims } from "../base/shapes.ts";
import { shapeError } from "../graph/infer.ts";
import { defineOp, int, ints } from "../graph/operator.ts";
import type { Value } from "../graph/value.ts";
import { inputGradient, weightGradient } from "./convolutionGradient.ts";
import { reduceSum } from "./reductions.ts";
import { resolveWindow, slidLengths, windowFields } from "./window.ts";

/** Convolution of x [N, C, …] with w [O, C/group, …], plus b [O]. The gradients are lowered in `convolutionGradient.ts`. */
export const conv = defineOp("Conv", {
  inputs: ["x", "w", "b?"],
  weights: ["w", "b?"],
  attributes: { ...windowFields, group: int(1), kernel_shape: ints<readonly number[] | undefined>(undefined) },
  infer: ([x, w, b], attributes) => {
    const { group } = attributes;
    if (x.rank < 3 || w.rank !== x.rank) {
      throw shapeError("Conv", `data [${x.shape}] and kernel [${w.shape}] must have one rank, 3 or more`);
    }
    const [outputs, perGroup, ...kernel] = w.staticShape;
    if (multiplyDims(perGroup, group) !== x.shape[1] && typeof x.shape[1] === "number") {
      throw shapeError("Conv", `data have ${x.shape[1]} channels, the kernel expects ${perGroup} × ${group} groups`);
    }
    if (outputs % group !== 0) throw shapeError("Conv", `${outputs} filters do not divide into ${group} groups`);
    if (b !== undefined && (b.rank !== 1 || b.shape[0] !== outputs)) {
      throw shapeError("Conv", `bias [${b.shape}] does not fit ${outputs} filters`);
    }
    const spatial = x.shape.slice(2);
    const window = resolveWindow("Conv", attributes, kernel, spatial);
    return [{ dtype: x.dtype, shape: [x.shape[0], outputs, ...slidLengths("Conv", window, spatial)] }];
  },
  vjp: ([dy], { inputs: [x, w], attributes }): Value[] => {
    const { group } = attributes;
    const window = resolveWindow("Conv", attributes, w.staticShape.slice(2), x.shape.slice(2));
    const spatialAxes = x.staticShape.slice(2).map((_, i) => i + 2);
    return [
      inputGradient(dy, w, x.staticShape, window, group),
      weightGradient(dy, x, w.staticShape, window, group),
      reduceSum(dy, [0, ...spatialAxes], { keepdims: 0 }),
    ];
  },
});
