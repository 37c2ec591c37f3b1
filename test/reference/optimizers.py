"""Writes optimizers.json: parameters after some steps of PyTorch's optimisers, in float32, on given gradients.

The gradient of step t is a fixed array, so no model is needed. Options carry PyTorch's names.
`clipNorm` is torch.nn.utils.clip_grad_norm_ before each step: gradients * min(1, clipNorm / (norm + 1e-6)).
"""

import numpy as np
import torch

from fixture import grid, numbers, tensor, write

STEPS = 20
RECORDED = (1, 2, 5, 20)
rng = np.random.default_rng(20240608)
start = {"w": grid(rng, [3, 4]), "b": grid(rng, [4])}
# Every third gradient is small, so that clipping leaves it alone.
scales = [1 / 64 if step % 3 == 2 else 1 for step in range(STEPS)]
gradients = {name: [scale * grid(rng, x.shape, -1, 1) for scale in scales] for name, x in start.items()}


def run(name, optimizer, options, parameters=("w",), clip=None):
    values = {key: torch.nn.Parameter(torch.tensor(start[key], dtype=torch.float32)) for key in parameters}
    rule = getattr(torch.optim, optimizer)(list(values.values()), foreach=False, **options)
    after = {}
    for step in range(1, STEPS + 1):
        for key, value in values.items():
            value.grad = torch.tensor(gradients[key][step - 1], dtype=torch.float32)
        if clip is not None:
            torch.nn.utils.clip_grad_norm_(list(values.values()), clip)
        rule.step()
        if step in RECORDED:
            after[step] = {key: numbers(value.detach().numpy()) for key, value in values.items()}
    case = {"name": name, "optimizer": optimizer, "options": options, "parameters": list(parameters)}
    return {**case, **({} if clip is None else {"clipNorm": clip}), "after": after}


rate = {"lr": 0.05}
cases = [
    run("SGD", "SGD", rate),
    run("SGD with momentum", "SGD", {**rate, "momentum": 0.9}),
    run("SGD with Nesterov momentum", "SGD", {**rate, "momentum": 0.9, "nesterov": True}),
    run("SGD with momentum and weight decay", "SGD", {**rate, "momentum": 0.9, "weight_decay": 0.01}),
    run("RMSprop", "RMSprop", {**rate, "alpha": 0.9, "eps": 1e-7}),
    run("RMSprop with momentum", "RMSprop", {**rate, "alpha": 0.9, "eps": 1e-7, "momentum": 0.9}),
    run("RMSprop, centred", "RMSprop", {**rate, "alpha": 0.9, "eps": 1e-7, "centered": True}),
    run("Adam", "Adam", {**rate, "betas": [0.9, 0.999], "eps": 1e-8}),
    run("Adam, epsilon 1e-7", "Adam", {**rate, "betas": [0.9, 0.999], "eps": 1e-7}),
    run("AdamW", "AdamW", {**rate, "betas": [0.9, 0.999], "eps": 1e-8, "weight_decay": 0.01}),
    run("Adam, clipped", "Adam", {**rate, "betas": [0.9, 0.999], "eps": 1e-8}, parameters=("w", "b"), clip=0.5),
]
write("optimizers.json", {
    "steps": list(RECORDED),
    "start": {name: tensor(value) for name, value in start.items()},
    "gradients": {name: [numbers(gradient) for gradient in steps] for name, steps in gradients.items()},
    "cases": cases,
})
