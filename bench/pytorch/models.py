"""The networks of the benchmark in plain PyTorch: the same layers as src/backbones, so that both sides do the same work."""

from torch import nn
from torch.nn import functional as F


def norm_conv(inputs, outputs, kernel, stride=1, groups=1):
    padding = (kernel - 1) // 2
    conv = nn.Conv2d(inputs, outputs, kernel, stride, padding, groups=groups, bias=False)
    return [conv, nn.BatchNorm2d(outputs)]


class BasicBlock(nn.Module):
    def __init__(self, inputs, outputs, stride, shortcut):
        super().__init__()
        self.body = nn.Sequential(
            *norm_conv(inputs, outputs, 3, stride), nn.ReLU(inplace=True), *norm_conv(outputs, outputs, 3)
        )
        self.shortcut = shortcut

    def forward(self, x):
        return F.relu(self.body(x) + self.shortcut(x), inplace=True)


def resnet18(classes=1000):
    layers = [*norm_conv(3, 64, 7, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2, 1)]
    channels = 64
    for width, first in ((64, 1), (128, 2), (256, 2), (512, 2)):
        for stride in (first, 1):
            same = stride == 1 and channels == width
            shortcut = nn.Identity() if same else nn.Sequential(*norm_conv(channels, width, 1, stride))
            layers.append(BasicBlock(channels, width, stride, shortcut))
            channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(channels, classes))


class InvertedResidual(nn.Module):
    def __init__(self, inputs, outputs, stride, expansion):
        super().__init__()
        inner = inputs * expansion
        expand = [] if expansion == 1 else [*norm_conv(inputs, inner, 1), nn.ReLU6(inplace=True)]
        depthwise = [*norm_conv(inner, inner, 3, stride, inner), nn.ReLU6(inplace=True)]
        self.body = nn.Sequential(*expand, *depthwise, *norm_conv(inner, outputs, 1))
        self.residual = stride == 1 and inputs == outputs

    def forward(self, x):
        return x + self.body(x) if self.residual else self.body(x)


def mobilenet_v2(classes=1000):
    layers = [*norm_conv(3, 32, 3, 2), nn.ReLU6(inplace=True)]
    channels = 32
    stages = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
    for expansion, width, count, first in stages:
        for i in range(count):
            layers.append(InvertedResidual(channels, width, first if i == 0 else 1, expansion))
            channels = width
    layers += [*norm_conv(channels, 1280, 1), nn.ReLU6(inplace=True)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, classes))


def vgg16(classes=1000):
    layers = []
    channels = 3
    for width, count in ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3)):
        for _ in range(count):
            layers += [nn.Conv2d(channels, width, 3, padding=1), nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


class PaddedShortcut(nn.Module):
    def __init__(self, inputs, outputs):
        super().__init__()
        self.side = (outputs - inputs) // 2

    def forward(self, x):
        return F.pad(x[:, :, ::2, ::2], (0, 0, 0, 0, self.side, self.side))


def cifar_resnet20(classes=10):
    layers = [*norm_conv(3, 16, 3), nn.ReLU(inplace=True)]
    channels = 16
    for width, first in ((16, 1), (32, 2), (64, 2)):
        for stride in (first, 1, 1):
            shortcut = nn.Identity() if stride == 1 else PaddedShortcut(channels, width)
            layers.append(BasicBlock(channels, width, stride, shortcut))
            channels = width
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(64, classes))


MODELS = {
    "resnet18": (resnet18, 16, 224, 1000),
    "mobilenetV2": (mobilenet_v2, 16, 224, 1000),
    "vgg16": (vgg16, 64, 32, 1000),
    "cifarResnet20": (cifar_resnet20, 128, 32, 10),
}
