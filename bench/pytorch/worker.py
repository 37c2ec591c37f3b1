"""One side of the benchmark. Reads one job a line from standard input, times one run of it, answers with milliseconds."""

import json
import sys
import time

import torch
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


# The last stage of ResNet-18 is two blocks, then pooling, flattening and the linear layer.
KINDS = {
    "step": step_job,
    "features": features_job,
    "tuning": lambda name: partial_job(name, 5),
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
