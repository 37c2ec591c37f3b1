"""One side of the benchmark. Reads one job a line from standard input, times one run of it, answers with milliseconds."""

import json
import random
import sys
import time
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from torch import nn

from models import MODELS

torch.set_num_threads(int(sys.argv[1]))


def step_job(name, statistics):
    """A full training step: forward, backward, SGD with momentum. Channels last is PyTorch's own advice for CPUs."""
    build, count, side, classes = MODELS[name]
    model = build(classes).to(memory_format=torch.channels_last).train()
    if statistics == "frozen":
        for module in model.modules():
            if isinstance(module, nn.BatchNorm2d):
                module.eval()
    optimizer = torch.optim.SGD(model.parameters(), 0.01, 0.9)
    x = torch.randn(count, 3, side, side).contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, classes, (count,))

    def run():
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), y).backward()
        optimizer.step()

    return run


def features_job(name):
    """Frozen features, without gradients."""
    build, count, side, classes = MODELS[name]
    model = build(classes).to(memory_format=torch.channels_last).eval()[:-1]
    x = torch.randn(count, 3, side, side).contiguous(memory_format=torch.channels_last)

    def run():
        with torch.inference_mode():
            model(x)

    return run


def partial_job(name, trained):
    """The last `trained` modules learn, the rest is frozen and runs in every step, as scripts in PyTorch do it."""
    build, count, side, classes = MODELS[name]
    model = build(classes).to(memory_format=torch.channels_last).eval()
    frozen, rest = model[:-trained], model[-trained:]
    optimizer = torch.optim.SGD(rest.parameters(), 0.01, 0.9)
    x = torch.randn(count, 3, side, side).contiguous(memory_format=torch.channels_last)
    y = torch.randint(0, classes, (count,))

    def run():
        with torch.no_grad():
            features = frozen(x)
        optimizer.zero_grad()
        nn.functional.cross_entropy(rest(features), y).backward()
        optimizer.step()

    return run


def whole_job(folder, epochs):
    """A classifier of photos as tutorials write it: decoded in every epoch, the frozen trunk in the loop, the head trained by Adam."""
    build = MODELS["mobilenetV2"][0]
    trunk = build(1000).to(memory_format=torch.channels_last).eval()[:-1]
    labels = sorted(path.name for path in (Path(folder) / "train").iterdir())

    def files(split):
        found = [(path, i) for i, label in enumerate(labels) for path in sorted((Path(folder) / split / label).iterdir())]
        return [(path, label) for path, label in found if path.suffix.lower() in (".jpg", ".jpeg", ".png")]

    def batch(samples):
        images = [pixels(Image.open(path).convert("RGB")) for path, _ in samples]
        return torch.stack(images).contiguous(memory_format=torch.channels_last), torch.tensor([y for _, y in samples])

    def run():
        head = nn.Linear(1280, len(labels))
        optimizer = torch.optim.Adam(head.parameters(), 1e-3)
        for _ in range(int(epochs)):
            train = files("train")
            random.shuffle(train)
            for start in range(0, len(train), 32):
                x, y = batch(train[start : start + 32])
                with torch.no_grad():
                    features = trunk(x)
                optimizer.zero_grad()
                nn.functional.cross_entropy(head(features), y).backward()
                optimizer.step()
            held_out = files("val")
            with torch.inference_mode():
                for start in range(0, len(held_out), 32):
                    x, _ = batch(held_out[start : start + 32])
                    head(trunk(x)).argmax(1)

    return run


def pixels(image):
    """Resize to 256, crop 224, normalise: what torchvision's transforms do."""
    scale = 256 / min(image.size)
    image = image.resize((round(image.width * scale), round(image.height * scale)), Image.BILINEAR)
    left, top = (image.width - 224) // 2, (image.height - 224) // 2
    array = np.asarray(image.crop((left, top, left + 224, top + 224)), dtype=np.float32) / 255
    return torch.from_numpy((array - 0.45) / 0.225).permute(2, 0, 1)


# The last stage of ResNet-18 is two blocks, then pooling, flattening and the linear layer.
KINDS = {
    "step": step_job,
    "features": features_job,
    "tuning": lambda name: partial_job(name, 5),
    "whole": whole_job,
    "head": lambda name: partial_job(name, 1),
}
jobs = {}
for line in sys.stdin:
    kind, *rest = key = tuple(json.loads(line))
    if key not in jobs:
        jobs.clear()
        jobs[key] = KINDS[kind](*rest)
    start = time.perf_counter()
    jobs[key]()
    print(json.dumps((time.perf_counter() - start) * 1000), flush=True)
