import { shapeError } from "../graph/infer.ts";
import { defineOp, int, ints } from "../graph/operator.ts";
import { resolveWindow, windowFields } from "./window.ts";

/**
 * Transposed convolution of x [N, C, …] with w [C, O/group, …]: the input gradient of a convolution, as a forward operator.
 * Lengths: stride·(length−1) + output_padding + dilation·(kernel−1) + 1 − pads.
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
    if (attributes.auto_pad !== "NOTSET")
      throw shapeError("ConvTranspose", `auto_pad ${attributes.auto_pad} is not supported`);
    const [channels, perGroup, ...kernel] = w.staticShape;
    const [count, given, ...lengths] = x.staticShape;
    if (given !== channels)
      throw shapeError("ConvTranspose", `data have ${given} channels, the kernel expects ${channels}`);
    const { strides, dilations, padsBegin, padsEnd } = resolveWindow("ConvTranspose", attributes, kernel, lengths);
    const spatial = lengths.map((length, i) => {
      const reach = strides[i] * (length - 1) + dilations[i] * (kernel[i] - 1) + 1;
      return reach + (attributes.output_padding?.[i] ?? 0) - padsBegin[i] - padsEnd[i];
    });
    return [{ dtype: x.dtype, shape: [count, perGroup * attributes.group, ...spatial] }];
  },
});
