"""Writes architectures.json and stateDicts.txt.gz: what torchvision's and timm's own models give for weights that need not be stored.

A weight is a function of its name, its shape and the place in it (`values` below), which `src/backbones/parity.fixture.ts` computes too.
Models run in float64 and eval mode. For each: class scores, samples and the norm of the images' gradient of sum(scores * cotangent),
and the names and shapes of the whole state dict.
"""

import gzip
import json
import math
import sys
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from fixture import numbers, rounded, write

# torchvision's compiled operators need not load: classification models use none, but the package asks for their names.
library = torch.library.Library("torchvision", "DEF")
for operator in ("nms", "qnms"):
    library.define(f"{operator}(Tensor boxes, Tensor scores, float threshold) -> Tensor")

import timm  # noqa: E402
import torchvision  # noqa: E402

CLASSES = 10
BATCH = 2
SAMPLES = 64
# A prime, so that no row of a weight repeats another.
TABLE_LENGTH = 65521
MASK = 0xFFFFFFFF


def mix32(x):
    """As in src/base/random.ts."""
    x = ((x ^ (x >> 16)) * 0x7FEB352D) & MASK
    x = ((x ^ (x >> 15)) * 0x846CA68B) & MASK
    return x ^ (x >> 16)


def hash32(text):
    """FNV-1a, as in src/base/random.ts."""
    result = 0x811C9DC5
    for character in text:
        result = ((result ^ ord(character)) * 0x01000193) & MASK
    return result


table = np.array([mix32(i) for i in range(1, TABLE_LENGTH + 1)], dtype=np.float64) / 2.0**31 - 1


def values(name, shape, middle, reach):
    """middle ± reach, uniform: the table from a place that the name decides, again and again."""
    start = hash32(name) % TABLE_LENGTH
    count = math.prod(shape)
    unit = np.resize(np.roll(table, -start), count)
    return torch.tensor((middle + reach * unit).astype(np.float32).astype(np.float64).reshape(shape))


def weight(name, shape):
    last = name.split(".")[-1]
    if last == "running_var":
        return values(name, shape, 1, 0.5)
    if last in ("running_mean", "bias"):
        return values(name, shape, 0, 0.2)
    if last in ("gamma", "layer_scale"):
        return values(name, shape, 0.5, 0.25)
    if last in ("cls_token", "pos_embed"):
        return values(name, shape, 0, 0.5)
    if len(shape) == 1:
        return values(name, shape, 0.75, 0.25)
    return values(name, shape, 0, math.sqrt(6 / math.prod(shape[1:])))


def fill(model):
    """Gives every tensor of the state dict its values; returns lines with names and shapes."""
    state = model.state_dict()
    filled = {
        name: weight(name, list(tensor.shape)) if tensor.is_floating_point() else tensor
        for name, tensor in state.items()
    }
    model.double().load_state_dict(filled)
    return [f"{name} {'x'.join(map(str, tensor.shape))}".strip() for name, tensor in state.items()]


class CifarResnet(nn.Module):
    """He et al. 2015, section 4.2, with shortcuts without parameters: neither library has it."""

    class Block(nn.Module):
        def __init__(self, channels, filters, stride):
            super().__init__()
            self.conv1 = nn.Conv2d(channels, filters, 3, stride, 1, bias=False)
            self.bn1 = nn.BatchNorm2d(filters)
            self.conv2 = nn.Conv2d(filters, filters, 3, 1, 1, bias=False)
            self.bn2 = nn.BatchNorm2d(filters)
            self.stride, self.extra = stride, (filters - channels) // 2

        def forward(self, x):
            y = self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x)))))
            return F.relu(y + F.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, self.extra, self.extra)))

    def __init__(self, depth):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(16)
        count, channels = (depth - 2) // 6, 16
        for stage, filters in enumerate((16, 32, 64)):
            blocks = []
            for i in range(count):
                blocks.append(self.Block(channels, filters, 2 if stage > 0 and i == 0 else 1))
                channels = filters
            setattr(self, f"layer{stage + 1}", nn.Sequential(*blocks))
        self.linear = nn.Linear(64, CLASSES)

    def forward(self, x):
        x = F.relu(self.bn1(self.conv1(x)))
        x = self.layer3(self.layer2(self.layer1(x)))
        return self.linear(x.mean((2, 3)))


class LeNet5(nn.Module):
    """LeCun et al. 1998, figure 2, with plain tanh, plain averages and full connections: neither library has it."""

    def __init__(self):
        super().__init__()
        self.conv1, self.conv2 = nn.Conv2d(1, 6, 5), nn.Conv2d(6, 16, 5)
        self.fc1, self.fc2, self.fc3 = nn.Linear(400, 120), nn.Linear(120, 84), nn.Linear(84, CLASSES)

    def forward(self, x):
        for layer in (self.conv1, self.conv2):
            x = F.avg_pool2d(torch.tanh(layer(x)), 2)
        return self.fc3(torch.tanh(self.fc2(torch.tanh(self.fc1(x.flatten(1))))))


def torchvision_model(name):
    extra = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return torchvision.models.get_model(name, weights=None, num_classes=CLASSES, **extra)


def timm_model(name, **extra):
    return timm.create_model(name, pretrained=False, num_classes=CLASSES, **extra)


def keras_mobilenet(name):
    """timm's MobileNetV1, narrower, padded and normalised as TensorFlow does."""
    width = int(name.removeprefix("tf_mobilenetv1_")) / 100
    make = timm.models.efficientnet._gen_mobilenet_v1
    return make(name, channel_multiplier=width, pad_type="same", bn_eps=1e-3, num_classes=CLASSES)


def gluon_mobilenet(name):
    """torchvision's MobileNetV2 whose first block expands from 32 to 32 channels."""
    model = torchvision_model(name.removeprefix("gluon_"))
    expansion = nn.Sequential(nn.Conv2d(32, 32, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU6())
    model.features[1].conv.insert(0, expansion)
    return model


def transformer(name):
    """On images of any size, the position embedding interpolated; features are the class token."""
    return timm_model(name, dynamic_img_size=True, global_pool="token")


def own_model(name):
    return LeNet5() if name == "lenet5" else CifarResnet(int(name.removeprefix("cifar_resnet")))


# The name, the function that makes the model, the side of the images (or height and width), and what comes out: class scores,
# or means of the feature maps where the classifier alone has a hundred million weights. Small images keep the tests quick.
vggs = [f"vgg{depth}{norm}" for depth in (11, 13, 16, 19) for norm in ("", "_bn")]
cases = [
    ("lenet5", own_model, 32, "scores"),
    ("alexnet", torchvision_model, 95, "scores"),
    *[(name, torchvision_model, 32, "scores" if name == "vgg11" else "means") for name in vggs],
    *[(name, torchvision_model, 64, "scores") for name in ("resnet18", "resnet50")],
    *[(name, torchvision_model, 32, "scores") for name in ("resnet34", "resnet101", "resnet152")],
    *[(name, torchvision_model, 32, "scores") for name in ("wide_resnet50_2", "resnext50_32x4d")],
    ("seresnet50", timm_model, 32, "scores"),
    *[(f"cifar_resnet{depth}", own_model, 16, "scores") for depth in (20, 32, 44, 56)],
    *[(name, torchvision_model, 32, "scores") for name in ("densenet121", "densenet169")],
    *[(name, torchvision_model, 48, "scores") for name in ("squeezenet1_0", "squeezenet1_1")],
    ("mobilenetv1_100", timm_model, 48, "scores"),
    *[(f"tf_mobilenetv1_{width}", keras_mobilenet, (45, 34), "scores") for width in ("025", "050", "075", "100")],
    *[(name, torchvision_model, 48, "scores") for name in ("mobilenet_v2", "mobilenet_v3_large", "mobilenet_v3_small")],
    ("gluon_mobilenet_v2", gluon_mobilenet, 48, "scores"),
    *[(name, torchvision_model, 48, "scores") for name in ("shufflenet_v2_x0_5", "shufflenet_v2_x1_0")],
    ("googlenet", torchvision_model, 48, "scores"),
    ("inception_v3", torchvision_model, 75, "scores"),
    *[(f"efficientnet_b{i}", torchvision_model, 48 if i == 0 else 32, "scores") for i in range(4)],
    *[(f"efficientnet_lite{i}", timm_model, 48 if i == 0 else 32, "scores") for i in range(3)],
    # "Same" padding depends on the size.
    ("tf_efficientnet_lite0", timm_model, 48, "scores"),
    ("tf_efficientnet_lite1", timm_model, (45, 33), "scores"),
    ("tf_efficientnet_lite2", timm_model, 34, "scores"),
    ("convnext_tiny", torchvision_model, (64, 32), "scores"),
    ("convnext_small", torchvision_model, 32, "scores"),
    ("vit_small_patch16_224", transformer, 48, "scores"),
    ("vit_base_patch16_224", transformer, 32, "scores"),
    ("vit_small_patch14_dinov2", transformer, 42, "scores"),
    ("vit_base_patch14_dinov2", transformer, (28, 56), "scores"),
]


def gradient_of(model, images, output):
    """What the model gives for the images, and their gradient."""
    images = images.detach().requires_grad_()
    y = model(images) if output == "scores" else model.features(images).mean((2, 3))
    (y * values("cotangent", list(y.shape), 0, 1).to(y.dtype)).sum().backward()
    return y.detach(), images.grad


def smooth_images(model, shape, output):
    """The name of the first images whose gradient rounding does not change: no ReLU and no maximum lies near its kink.

    PyTorch's own gradients in float32, for these images and for images moved by 1e-6, must be within 1e-5 of that in float64.
    """
    for attempt in range(40):
        name = f"images {attempt}"
        images = values(name, shape, 0, 1)
        y, gradient = gradient_of(model, images, output)
        model.float()
        others = [gradient_of(model, (images + moved).float(), output)[1] for moved in (0, values("moved", shape, 0, 1e-6))]
        model.double()
        worst = max((gradient - other).abs().max() / gradient.abs().max() for other in others)
        if worst < 1e-5:
            return name, y, gradient
    raise RuntimeError("no images without a kink nearby: try smaller ones")


def run(name, make, side, output):
    torch.manual_seed(0)
    model = make(name).eval()
    names = fill(model)
    height, width = side if isinstance(side, tuple) else (side, side)
    shape = [BATCH, 1 if name == "lenet5" else 3, height, width]
    images, y, gradient = smooth_images(model, shape, output)
    flat = gradient.flatten()
    places = [i * (len(flat) // SAMPLES + 1) % len(flat) for i in range(SAMPLES)]
    print(f"{name}: {output} up to {y.abs().max():.3g}, gradient {flat.abs().max():.3g}, {images}", flush=True)
    return names, {
        "name": name,
        "images": images,
        "shape": shape,
        "output": output,
        "values": numbers(y),
        "gradientNorm": rounded(flat.norm()),
        "gradientSamples": numbers(flat[places]),
    }


def stored_names(path):
    """Lines of each model in the file that is there already."""
    sections = {}
    for line in gzip.decompress(path.read_bytes()).decode().splitlines() if path.exists() else []:
        if line.startswith("= "):
            sections[line[2:]] = []
        else:
            sections[[*sections][-1]].append(line)
    return sections


if __name__ == "__main__":
    results_path, names_path = (Path(__file__).with_name(name) for name in ("architectures.json", "stateDicts.txt.gz"))
    results = {one["name"]: one for one in json.loads(results_path.read_text())} if results_path.exists() else {}
    names = stored_names(names_path)
    # All of them, or those named as arguments.
    for case in cases:
        if len(sys.argv) > 1 and case[0] not in sys.argv[1:]:
            continue
        names[case[0]], results[case[0]] = run(*case)
        order = [name for name, *_ in cases if name in results]
        write(results_path.name, [results[name] for name in order])
        text = "".join(f"= {name}\n" + "".join(f"{line}\n" for line in names[name]) for name in order)
        names_path.write_bytes(gzip.compress(text.encode(), 9, mtime=0))
