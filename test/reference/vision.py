"""Writes vision.json: as operators.json, for what vision models use beyond the first operators.

`MultiHeadAttention` and `AdaptiveAveragePool` are no ONNX operators: the test writes them with MatMul, Softmax and Transpose.
"""

import numpy as np
import torch
import torch.nn.functional as F

from cases import OperatorCases
from fixture import distinct_grid, grid, write

table = OperatorCases(20240609)
rng, case = table.rng, table.add
image = [2, 3, 5, 7]


def conv_transpose(title, x, w, bias=False, pads=(0, 0, 0, 0), **attributes):
    """Pads cut the result off, each side by itself: PyTorch's own padding is the same on both sides."""
    group = attributes.get("group", 1)
    inputs = [grid(rng, x), grid(rng, w, -1, 1)] + ([grid(rng, [w[1] * group], -1, 1)] if bias else [])
    top, left, bottom, right = pads

    def forward(x, w, b=None):
        y = F.conv_transpose2d(
            x, w, b, stride=attributes.get("strides", 1), output_padding=attributes.get("output_padding", 0),
            groups=group, dilation=attributes.get("dilations", 1),
        )
        return y[:, :, top:y.shape[2] - bottom, left:y.shape[3] - right]

    case("ConvTranspose", title, inputs, forward, pads=list(pads), **attributes)


conv_transpose("3x3, bias", [2, 3, 4, 5], [3, 2, 3, 3], bias=True)
conv_transpose("stride 2, pads 1, output padding", [1, 3, 4, 5], [3, 2, 3, 3], strides=[2, 2], pads=[1, 1, 1, 1], output_padding=[1, 1])
conv_transpose("4x2, strides 3 and 2, asymmetric pads", [1, 2, 3, 4], [2, 3, 4, 2], strides=[3, 2], pads=[0, 1, 2, 0])
conv_transpose("dilated, output padding on one axis", [1, 2, 3, 4], [2, 2, 2, 3], dilations=[2, 1], strides=[2, 1], output_padding=[1, 0])
conv_transpose("groups 2, bias", [1, 4, 3, 4], [4, 3, 3, 2], bias=True, group=2, strides=[2, 1])
conv_transpose("depthwise, stride 2", [1, 3, 3, 4], [3, 1, 2, 2], group=3, strides=[2, 2])


def normalisation(op, title, x, parameter, forward, **attributes):
    case(op, title, [grid(rng, x), grid(rng, parameter, 0.5, 2), grid(rng, parameter)], forward, **attributes)


for title, shape, groups in [("three groups", [2, 6, 3, 5], 3), ("one group", [2, 4, 3, 3], 1), ("a row each", [2, 4, 7], 4)]:
    normalisation(
        "GroupNormalization", title, shape, shape[1:2],
        lambda x, s, b: F.group_norm(x, groups, s, b, eps=1e-5), num_groups=groups, epsilon=1e-5,
    )
for title, shape in [("maps", image), ("rows", [2, 3, 9])]:
    normalisation(
        "InstanceNormalization", title, shape, shape[1:2],
        lambda x, s, b: F.instance_norm(x, weight=s, bias=b, eps=1e-5), epsilon=1e-5,
    )
for title, shape, axis in [("tokens", [2, 5, 8], -1), ("two axes", [3, 4, 5], 1), ("a larger epsilon", [4, 7], -1)]:
    epsilon = 0.01 if "epsilon" in title else 1e-5
    normalisation(
        "LayerNormalization", title, shape, shape[axis:],
        lambda x, s, b: F.layer_norm(x, shape[axis:], s, b, eps=epsilon), axis=axis, epsilon=epsilon,
    )
# Even sizes differ: PyTorch looks further back, ONNX further ahead.
for title, shape, size, alpha, beta, bias in [
    ("AlexNet's window", [1, 7, 2, 3], 5, 1e-4, 0.75, 2.0),
    ("three channels, strong", [2, 5, 3, 2], 3, 0.5, 0.5, 1.0),
]:
    case(
        "LRN", title, [grid(rng, shape)],
        lambda x: F.local_response_norm(x, size, alpha, beta, bias), size=size, alpha=alpha, beta=beta, bias=bias,
    )

row = [3, 7]
case("Gelu", "exact", [grid(rng, row, -4, 4)], F.gelu)
case("Gelu", "by tanh", [grid(rng, row, -4, 4)], lambda x: F.gelu(x, approximate="tanh"), approximate="tanh")
case("HardSwish", "away from its kinks", [grid(rng, row, -5, 5, avoid=[-3, 3])], F.hardswish)
case("HardSigmoid", "PyTorch's slope", [grid(rng, row, -5, 5, avoid=[-3, 3])], F.hardsigmoid, alpha=1 / 6, beta=0.5)
case("Mish", "any", [grid(rng, row, -6, 6)], F.mish)
case("Elu", "alpha 0.5", [grid(rng, row, avoid=[0])], lambda x: F.elu(x, 0.5), alpha=0.5)
case("Selu", "any", [grid(rng, row, avoid=[0])], F.selu)
case("Celu", "alpha 2", [grid(rng, row, avoid=[0])], lambda x: F.celu(x, 2.0), alpha=2.0)
case("Softplus", "any", [grid(rng, row, -6, 6)], F.softplus)
case("Erf", "any", [grid(rng, row, -3, 3)], torch.erf)


def prelu(x, slope):
    return F.prelu(x, slope.flatten())


case("PRelu", "a slope for each channel", [grid(rng, image, avoid=[0]), grid(rng, [3, 1, 1], 0, 1)], prelu)

# PyTorch's modes in ONNX's words.
modes = {
    "nearest": {"mode": "nearest", "coordinate_transformation_mode": "asymmetric", "nearest_mode": "floor"},
    "nearest-exact": {"mode": "nearest", "coordinate_transformation_mode": "half_pixel", "nearest_mode": "round_prefer_ceil"},
    "bilinear": {"mode": "linear", "coordinate_transformation_mode": "half_pixel"},
    "bicubic": {"mode": "cubic", "coordinate_transformation_mode": "half_pixel", "cubic_coeff_a": -0.75},
}
small = [1, 2, 4, 5]
for mode, attributes in modes.items():
    for title, sizes in [("grows", [7, 9]), ("shrinks and grows", [3, 8])]:
        case("Resize", f"{mode} {title}", [grid(rng, small)], lambda x: F.interpolate(x, sizes, mode=mode), sizes=[1, 2, *sizes], **attributes)
    case(
        "Resize", f"{mode} by 1.5 and 2", [grid(rng, small)],
        lambda x: F.interpolate(x, scale_factor=(1.5, 2.0), mode=mode), scales=[1, 1, 1.5, 2], **attributes,
    )
for mode in ("bilinear", "bicubic"):
    aligned = {**modes[mode], "coordinate_transformation_mode": "align_corners"}
    case(
        "Resize", f"{mode}, corners aligned", [grid(rng, small)],
        lambda x: F.interpolate(x, (7, 3), mode=mode, align_corners=True), sizes=[1, 2, 7, 3], **aligned,
    )
    # Pillow's filter: a = -0.5, and what lies outside does not count.
    smooth = {**modes[mode], "antialias": 1, "exclude_outside": 1, **({"cubic_coeff_a": -0.5} if mode == "bicubic" else {})}
    case(
        "Resize", f"{mode}, antialias", [grid(rng, [1, 2, 9, 11])],
        lambda x: F.interpolate(x, (4, 5), mode=mode, antialias=True), sizes=[1, 2, 4, 5], **smooth,
    )


def places(shape, lengths, aligned):
    """Places up to a pixel outside the image, none near a pixel, a border or the middle between pixels, where there are kinks."""
    axes = []
    for length in lengths:
        points = np.arange(-96, 97) / 64
        place = (points + 1) / 2 * (length - 1) if aligned else ((points + 1) * length - 1) / 2
        fraction = np.mod(2 * place, 1) / 2
        axes.append(rng.choice(points[(fraction > 0.1) & (fraction < 0.4) & (place > -1.4) & (place < length + 0.4)], size=shape))
    return np.stack(axes, axis=-1)


for mode in ("bilinear", "nearest"):
    for padding in ("zeros", "border", "reflection"):
        for aligned in (False, True):
            case(
                "GridSample", f"{mode}, {padding}, corners {'aligned' if aligned else 'not aligned'}",
                [grid(rng, small), places([1, 3, 4], [5, 4], aligned)],
                lambda x, at: F.grid_sample(x, at, mode, padding, aligned),
                mode={"bilinear": "linear"}.get(mode, mode), padding_mode=padding, align_corners=int(aligned),
            )


def attention(title, tokens, heads, causal):
    """Self-attention of nn.MultiheadAttention: x [N, L, E], one matrix [3E, E] for queries, keys and values, one [E, E] behind."""
    count, length, width = tokens
    inputs = [grid(rng, tokens), *(grid(rng, shape, -0.5, 0.5) for shape in ([3 * width, width], [3 * width], [width, width], [width]))]
    mask = torch.triu(torch.full([length, length], -torch.inf, dtype=torch.float64), 1) if causal else None

    def forward(x, w_in, b_in, w_out, b_out):
        turned = x.transpose(0, 1)
        y, _ = F.multi_head_attention_forward(
            turned, turned, turned, width, heads, w_in, b_in, None, None, False, 0.0, w_out, b_out,
            need_weights=False, attn_mask=mask,
        )
        return y.transpose(0, 1)

    case("MultiHeadAttention", title, inputs, forward, num_heads=heads, causal=int(causal))


attention("two heads", [2, 5, 6], 2, causal=False)
attention("three heads, causal", [1, 4, 6], 3, causal=True)


def pool(op, title, shape, kernel, strides, pads, count=None, ceil=1):
    if op == "MaxPool":
        forward = lambda x: F.max_pool2d(x, kernel, strides, pads, ceil_mode=ceil == 1)
    else:
        forward = lambda x: F.avg_pool2d(x, kernel, strides, pads, ceil_mode=ceil == 1, count_include_pad=count == 1)
    counted = {} if count is None else {"count_include_pad": count}
    x = distinct_grid(rng, shape) if op == "MaxPool" else grid(rng, shape)
    case(op, title, [x], forward, kernel_shape=kernel, strides=strides, pads=pads * 2, ceil_mode=ceil, **counted)


pool("MaxPool", "ceil mode", [1, 2, 6, 8], [3, 3], [2, 2], [0, 0])
pool("MaxPool", "ceil mode, padded, the last window left out", [1, 2, 5, 7], [2, 3], [2, 2], [1, 1])
pool("AveragePool", "ceil mode, pads not counted", [1, 2, 6, 8], [3, 3], [2, 2], [1, 1], count=0)
pool("AveragePool", "ceil mode, pads counted", [1, 2, 6, 8], [3, 3], [2, 2], [1, 1], count=1)

holed = grid(rng, [4, 5], -2, 2, avoid=[0])
holed[1, 2] = holed[2, 0] = holed[2, 4] = 0
case("ReduceProd", "none, one and two zeros in a row", [holed], lambda x: x.prod(1, keepdim=True), axes=[1], keepdims=1)
case("ReduceLogSumExp", "one axis", [grid(rng, [3, 5], -20, 20)], lambda x: x.logsumexp(0), axes=[0], keepdims=0)
case("ReduceL2", "one axis", [grid(rng, [3, 5])], lambda x: x.norm(2, 1), axes=[1], keepdims=0)
case("TopK", "two of five", [distinct_grid(rng, [3, 5])], lambda x: x.topk(2).values, k=[2])
case("Mod", "the dividend's sign", [grid(rng, [3, 5]), grid(rng, [5], 0.25, 1)], torch.fmod, fmod=1)
for title, height, width in [("one and two windows a place", 7, 6), ("overlapping windows", 3, 4), ("one axis", 5, 7)]:
    shape = [1, 2, 5, 6]
    case(
        "AdaptiveAveragePool", title, [grid(rng, shape)], lambda x: F.adaptive_avg_pool2d(x, (height, width)),
        height=height, width=width,
    )

write("vision.json", table.cases)
