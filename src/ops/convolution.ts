import { addDims, type Dim, multiplyDims } from "../base/shapes.ts";
import { shapeError } from "../graph/infer.ts";
import { defineOp, int, ints } from "../graph/operator.ts";
import type { Value } from "../graph/value.ts";
import { filterGradient } from "./convolutionGradient.ts";
import { reduceSum } from "./reductions.ts";
import { resolveTransposedWindow, resolveWindow, slidLengths, type Window, windowFields } from "./window.ts";

/** Convolution of x [N, C, …] with w [O, C/group, …], plus b [O]. dx is a transposed convolution, dw one matrix product. */
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
    return [
      inputGradient(dy, w, x.staticShape, window, group),
      filterGradient(dy, x, window, group),
      sumPerChannel(dy),
    ];
  },
});

/**
 * Transposed convolution of x [N, C, …] with w [C, O/group, …], plus b [O]: the input gradient of a convolution, as a forward operator.
 * Lengths: stride·(length−1) + output_padding + dilation·(kernel−1) + 1 − pads. So dx is a convolution of dy with the same kernel,
 * and dw its weight gradient with x and dy in each other's place.
 */
export const convTranspose = defineOp("ConvTranspose", {
  inputs: ["x", "w", "b?"],
  weights: ["w", "b?"],
  attributes: {
    ...windowFields,
    group: int(1),
    kernel_shape: ints<readonly number[] | undefined>(undefined),
    output_padding: ints<readonly number[] | undefined>(undefined),
  },
  infer: ([x, w], attributes) => {
    const [channels, perGroup, ...kernel] = w.staticShape;
    const [count, given, ...lengths] = x.shape;
    if (typeof given === "number" && given !== channels) {
      throw shapeError("ConvTranspose", `data have ${given} channels, the kernel expects ${channels}`);
    }
    const window = resolveTransposedWindow("ConvTranspose", attributes, kernel, lengths);
    const { outputPadding, strides } = window;
    // The runtime's own limit, narrower than the specification's; without it the input gradient would be longer than x.
    if (outputPadding.some((width, i) => width >= strides[i])) {
      throw shapeError("ConvTranspose", `output_padding [${outputPadding}] must be below the strides [${strides}]`);
    }
    const spatial = lengths.map((length, i): Dim => {
      const extra = window.outputPadding[i] - window.padsBegin[i] - window.padsEnd[i];
      const reach = window.dilations[i] * (kernel[i] - 1) + 1;
      return addDims(multiplyDims(addDims(length, -1), window.strides[i]), reach + extra);
    });
    return [{ dtype: x.dtype, shape: [count, perGroup * attributes.group, ...spatial] }];
  },
  vjp: ([dy], { inputs: [x, w], attributes }): Value[] => {
    const { group } = attributes;
    const kernel = w.staticShape.slice(2);
    const window = resolveTransposedWindow("ConvTranspose", attributes, kernel, x.shape.slice(2));
    const { strides, dilations, padsBegin, padsEnd } = window;
    const pads = [...padsBegin, ...padsEnd];
    return [
      conv(dy, w, { strides, dilations, pads, group, kernel_shape: kernel }),
      filterGradient(x, dy, window, group),
      sumPerChannel(dy),
    ];
  },
});

/**
 * dL/dx of a convolution: the transposed convolution of dy with the same kernel.
 * What the strides left over at the far end comes back as output padding; what a window in ceil mode saw beyond it is cut off.
 *
 * @param shape of x, [N, C, …]
 */
export function inputGradient(dy: Value, w: Value, shape: readonly number[], window: Window, group: number): Value {
  const { kernel, strides, dilations, padsBegin, padsEnd } = window;
  const rests = dy.staticShape.slice(2).map((length, i) => {
    const reach = (length - 1) * strides[i] + dilations[i] * (kernel[i] - 1) + 1;
    return shape[i + 2] + padsBegin[i] + padsEnd[i] - reach;
  });
  return convTranspose(dy, w, {
    strides,
    dilations,
    group,
    pads: [...padsBegin, ...padsEnd.map((width, i) => width - Math.min(0, rests[i]))],
    output_padding: rests.map((rest) => Math.max(0, rest)),
    kernel_shape: kernel,
  });
}

function sumPerChannel(dy: Value): Value {
  const [, , ...spatialAxes] = dy.shape.keys();
  return reduceSum(dy, [0, ...spatialAxes], { keepdims: 0 });
}
