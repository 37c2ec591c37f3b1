"""Writes operators.json: outputs and gradients of operators as PyTorch computes them, in ONNX's terms (operator set 20).

Computed in float64 from inputs that float32 holds exactly. Gradients are those of sum(output * cotangent).
What ONNX takes as a constant integer or scalar input (axes, pads, bounds, shape) stands in `attributes` under its ONNX name.
"""

import numpy as np
import torch
import torch.nn.functional as F

from cases import OperatorCases
from fixture import distinct_grid, grid, tensor, write

table = OperatorCases(20240607)
rng, cases, case = table.rng, table.cases, table.add


def conv(title, x, w, bias=False, **attributes):
    pads = attributes.get("pads", [0, 0, 0, 0])
    inputs = [grid(rng, x), grid(rng, w, -1, 1)] + ([grid(rng, w[:1], -1, 1)] if bias else [])

    def forward(x, w, b=None):
        top, left, bottom, right = pads
        return F.conv2d(
            F.pad(x, (left, right, top, bottom)), w, b,
            stride=attributes.get("strides", 1), dilation=attributes.get("dilations", 1), groups=attributes.get("group", 1),
        )

    case("Conv", title, inputs, forward, **attributes)


conv("3x3, pads 1, bias", [2, 3, 5, 7], [4, 3, 3, 3], bias=True, pads=[1, 1, 1, 1])
conv("3x3, no pads", [1, 2, 5, 6], [3, 2, 3, 3])
conv("3x3, stride 2, odd sizes", [2, 3, 5, 7], [4, 3, 3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
conv("3x3, stride 2 leaves a row and a column over", [1, 2, 6, 8], [3, 2, 3, 3], strides=[2, 2])
conv("3x3, dilation 2", [1, 2, 7, 9], [3, 2, 3, 3], dilations=[2, 2], pads=[2, 2, 2, 2])
conv("3x3, groups 2, bias", [1, 4, 5, 7], [6, 2, 3, 3], bias=True, group=2, pads=[1, 1, 1, 1])
conv("depthwise, multiplier 1", [2, 3, 5, 7], [3, 1, 3, 3], group=3, pads=[1, 1, 1, 1])
conv("depthwise, multiplier 2, stride 2", [1, 3, 5, 7], [6, 1, 3, 3], bias=True, group=3, strides=[2, 2], pads=[1, 1, 1, 1])
conv("1x1", [2, 3, 5, 7], [4, 3, 1, 1], bias=True)
conv("1x1, stride 2", [1, 3, 5, 7], [4, 3, 1, 1], strides=[2, 2])
conv("3x3, asymmetric pads, stride 2", [1, 2, 6, 8], [3, 2, 3, 3], strides=[2, 2], pads=[0, 1, 1, 2])
conv("1x3 kernel", [1, 3, 4, 7], [2, 3, 1, 3], bias=True, pads=[0, 1, 0, 1])


def max_pool(title, shape, **attributes):
    pads = attributes.get("pads", [0, 0, 0, 0])
    forward = lambda x: F.max_pool2d(x, attributes["kernel_shape"], attributes.get("strides", [1, 1]), pads[:2])
    case("MaxPool", title, [distinct_grid(rng, shape)], forward, **attributes)


max_pool("2x2, stride 2", [2, 3, 4, 6], kernel_shape=[2, 2], strides=[2, 2])
max_pool("3x3, stride 2, pads 1", [2, 3, 5, 7], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
max_pool("3x3, stride 1, overlapping", [1, 3, 5, 7], kernel_shape=[3, 3], strides=[1, 1])


def average_pool(title, shape, **attributes):
    pads = attributes.get("pads", [0, 0, 0, 0])
    forward = lambda x: F.avg_pool2d(
        x, attributes["kernel_shape"], attributes["strides"], pads[:2],
        count_include_pad=attributes.get("count_include_pad", 0) == 1,
    )
    case("AveragePool", title, [grid(rng, shape)], forward, **attributes)


average_pool("2x2, stride 2", [2, 3, 4, 6], kernel_shape=[2, 2], strides=[2, 2])
average_pool("3x3, stride 2, pads 1, not counted", [2, 3, 5, 7], kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1])
average_pool(
    "3x3, stride 2, pads 1, counted", [2, 3, 5, 7],
    kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1], count_include_pad=1,
)
case("GlobalAveragePool", "odd map", [grid(rng, [2, 3, 5, 7])], lambda x: x.mean((2, 3), keepdim=True))


def gemm(title, a, b, c=None, **attributes):
    inputs = [grid(rng, shape) for shape in (a, b, c) if shape is not None]

    def forward(a, b, c=None):
        product = (a.T if attributes.get("transA") else a) @ (b.T if attributes.get("transB") else b)
        scaled = attributes.get("alpha", 1) * product
        return scaled if c is None else scaled + attributes.get("beta", 1) * c

    case("Gemm", title, inputs, forward, **attributes)


gemm("plain", [3, 5], [5, 4])
gemm("bias of a row", [3, 5], [5, 4], [4])
gemm("B transposed, bias of a row", [3, 5], [4, 5], [4], transB=1)
gemm("A transposed, bias of a column, alpha and beta", [5, 3], [5, 4], [3, 1], transA=1, alpha=0.5, beta=2.0)
gemm("both transposed, scalar bias", [5, 3], [4, 5], [1], transA=1, transB=1, alpha=1.5, beta=0.25)
gemm("full bias", [3, 5], [5, 4], [3, 4], beta=-0.5)

for title, a, b in [
    ("matrices", [3, 5], [5, 4]),
    ("batched", [2, 3, 5], [2, 5, 4]),
    ("broadcast leading axes", [2, 1, 3, 5], [4, 5, 2]),
    ("a batch by one matrix", [2, 3, 5], [5, 4]),
]:
    case("MatMul", title, [grid(rng, a), grid(rng, b)], torch.matmul)

for op, forward in [("Add", torch.add), ("Sub", torch.sub), ("Mul", torch.mul), ("Div", torch.div)]:
    for title, a, b in [
        ("same shape", [2, 3, 5], [2, 3, 5]),
        ("a row to a batch", [2, 3, 5], [5]),
        ("both ways", [2, 1, 5], [3, 1]),
        ("a scalar", [3, 5], []),
    ]:
        avoid = np.arange(-16, 17) / 64 if op == "Div" else ()
        case(op, title, [grid(rng, a), grid(rng, b, avoid=avoid)], forward)

row = [3, 7]
case("Relu", "away from 0", [grid(rng, row, avoid=[0])], torch.relu)
case("Sigmoid", "any", [grid(rng, row, -6, 6)], torch.sigmoid)
case("Tanh", "any", [grid(rng, row, -3, 3)], torch.tanh)
case("LeakyRelu", "slope 0.2", [grid(rng, row, avoid=[0])], lambda x: F.leaky_relu(x, 0.2), alpha=0.2)
case("Clip", "both limits", [grid(rng, row, avoid=[-1, 0.75])], lambda x: x.clamp(-1, 0.75), min=-1.0, max=0.75)
case("Clip", "only below", [grid(rng, row, avoid=[0])], lambda x: x.clamp(min=0), min=0.0)
case("Clip", "only above", [grid(rng, row, avoid=[0.5])], lambda x: x.clamp(max=0.5), max=0.5)
for op, forward in [("Softmax", torch.softmax), ("LogSoftmax", torch.log_softmax)]:
    case(op, "last axis", [grid(rng, row, -4, 4)], lambda x: forward(x, -1), axis=-1)
    case(op, "axis 1 of three", [grid(rng, [2, 3, 5], -4, 4)], lambda x: forward(x, 1), axis=1)
    case(op, "large logits", [grid(rng, row, -80, 80)], lambda x: forward(x, -1), axis=-1)
case("Exp", "any", [grid(rng, row)], torch.exp)
case("Log", "positive", [grid(rng, row, 0.25, 3)], torch.log)
case("Sqrt", "positive", [grid(rng, row, 0.25, 3)], torch.sqrt)
case("Pow", "positive base, any exponent", [grid(rng, row, 0.25, 3), grid(rng, row)], torch.pow)
case("Pow", "broadcast exponent", [grid(rng, row, 0.25, 3), grid(rng, [7])], torch.pow)
case("Pow", "square of any base", [grid(rng, row), np.array(2.0)], torch.pow, fixed=(1,))
case("Neg", "any", [grid(rng, row)], torch.neg)
case("Abs", "away from 0", [grid(rng, row, avoid=[0])], torch.abs)

block = [2, 3, 5]
case("Reshape", "keeps one length, infers one", [grid(rng, block)], lambda x: x.reshape(2, 15), shape=[0, -1])
case("Reshape", "to a higher rank", [grid(rng, block)], lambda x: x.reshape(5, 1, 6), shape=[5, 1, 6])
case("Flatten", "axis 1", [grid(rng, [2, 3, 2, 2])], lambda x: x.flatten(1), axis=1)
case("Flatten", "axis 2", [grid(rng, [2, 3, 2, 2])], lambda x: x.reshape(6, 4), axis=2)
case("Transpose", "a cycle", [grid(rng, block)], lambda x: x.permute(1, 2, 0), perm=[1, 2, 0])
case("Transpose", "channels last", [grid(rng, [2, 3, 2, 5])], lambda x: x.permute(0, 2, 3, 1), perm=[0, 2, 3, 1])
case("Concat", "three along axis 1", [grid(rng, [2, n, 3]) for n in (1, 3, 2)], lambda *x: torch.cat(x, 1), axis=1)
case("Concat", "last axis", [grid(rng, [2, 3]), grid(rng, [2, 4])], lambda *x: torch.cat(x, -1), axis=-1)


def slice_case(title, shape, starts, ends, axes, steps):
    def forward(x):
        for start, end, axis, step in zip(starts, ends, axes, steps):
            places = range(*slice(start, end, step).indices(x.shape[axis]))
            x = x.index_select(axis, torch.tensor(places))
        return x

    case("Slice", title, [grid(rng, shape)], forward, starts=starts, ends=ends, axes=axes, steps=steps)


slice_case("steps of 2", [3, 7], [1], [7], [1], [2])
slice_case("two axes, end beyond the length", [3, 7], [1, 2], [100, 6], [0, 1], [1, 3])
slice_case("backwards", [3, 7], [5], [1], [1], [-1])
slice_case("backwards by 2 from the end to the start", [3, 7], [-1], [-100], [1], [-2])


def pad_case(title, shape, mode, pads):
    rank = len(shape)
    torch_pads = [width for axis in reversed(range(rank)) for width in (pads[axis], pads[axis + rank])]
    while mode != "constant" and torch_pads[-2:] == [0, 0]:
        torch_pads = torch_pads[:-2]
    torch_mode = {"edge": "replicate"}.get(mode, mode)
    case("Pad", title, [grid(rng, shape)], lambda x: F.pad(x, torch_pads, torch_mode), mode=mode, pads=pads)


pad_case("zeros", [2, 3, 4], "constant", [0, 1, 2, 1, 0, 1])
pad_case("zeros, negative widths cut off", [4, 5], "constant", [-1, 0, 1, -2])
pad_case("reflect", [1, 2, 4, 5], "reflect", [0, 0, 2, 1, 0, 0, 1, 3])
pad_case("edge", [1, 2, 4, 5], "edge", [0, 0, 1, 2, 0, 0, 2, 1])

for op, forward in [("ReduceSum", torch.sum), ("ReduceMean", torch.mean)]:
    for axes in ([1], [0, 2]):
        for keep in (0, 1):
            case(
                op, f"axes {axes}, {'kept' if keep else 'dropped'}", [grid(rng, block)],
                lambda x: forward(x, axes, keepdim=keep == 1), axes=axes, keepdims=keep,
            )


def batch_norm_training(title, shape):
    """Outputs 1 and 2 by ONNX's rule, old * momentum + batch * (1 - momentum), with the population variance."""
    momentum, epsilon, channels = 0.9, 1e-5, shape[1]
    mean, variance = grid(rng, [channels], -1, 1), grid(rng, [channels], 0.5, 2)
    inputs = [grid(rng, shape), grid(rng, [channels], 0.5, 2), grid(rng, [channels]), mean, variance]
    forward = lambda x, s, b, m, v: F.batch_norm(
        x, m.clone(), v.clone(), s, b, training=True, momentum=1 - momentum, eps=epsilon
    )
    case("BatchNormalization", title, inputs, forward, fixed=(3, 4), training_mode=1, momentum=momentum, epsilon=epsilon)
    axes = tuple(axis for axis in range(len(shape)) if axis != 1)
    cases[-1]["runningMean"] = tensor(momentum * mean + (1 - momentum) * inputs[0].mean(axes))
    cases[-1]["runningVar"] = tensor(momentum * variance + (1 - momentum) * inputs[0].var(axes, ddof=0))


batch_norm_training("training", [2, 3, 5, 7])
batch_norm_training("training on rows", [6, 3])


def frozen_batch_norm(x, s, b, m, v):
    """The formula, because F.batch_norm does not differentiate its statistics; the values must agree."""
    by_channel = lambda statistic: statistic.reshape(1, -1, 1, 1)
    y = (x - by_channel(m)) / torch.sqrt(by_channel(v) + 1e-5) * by_channel(s) + by_channel(b)
    torch.testing.assert_close(y, F.batch_norm(x, m.detach(), v.detach(), s, b, training=False, eps=1e-5))
    return y


case(
    "BatchNormalization", "frozen",
    [grid(rng, [2, 3, 5, 7])] + [grid(rng, [3], low, 2) for low in (0.5, -2, -2, 0.5)],
    frozen_batch_norm, training_mode=0, epsilon=1e-5,
)

write("operators.json", cases)
