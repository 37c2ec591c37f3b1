"""Writes explanations.json: Grad-CAM, Grad-CAM++, Eigen-CAM and integrated gradients of a small ReLU network by PyTorch, in float64.

The network: convolution 3x3 (3 to 4 channels, padding 1), ReLU: the maps A [4, 6, 6]; a linear layer over all of A to 5, ReLU, and one to 3 logits.
Grad-CAM++ is computed as it is defined, by second and third derivatives of the exponential of the logit cell by cell (equation 10 of the paper),
not by the closed form; Eigen-CAM by NumPy's singular value decomposition.
"""

import numpy as np
import torch
import torch.nn.functional as F

from fixture import grid, numbers, tensor, write

rng = np.random.default_rng(20171022)
side = 6
chosen = 1
image = torch.tensor(grid(rng, [1, 3, side, side]))
kernel = torch.tensor(grid(rng, [4, 3, 3, 3], -0.5, 0.5))
bias = torch.tensor(grid(rng, [4], -0.5, 0.5))
hidden = torch.tensor(grid(rng, [5, 4 * side * side], -0.25, 0.25))
output = torch.tensor(grid(rng, [3, 5], -0.25, 0.25))


def maps_of(pixels):
    return F.relu(F.conv2d(pixels, kernel, bias, padding=1))


def logit_of(maps):
    return (F.relu(maps.flatten(1) @ hidden.T) @ output.T)[:, chosen]


def derivatives(maps, cell):
    """The first three derivatives of exp(logit) along one cell of the maps."""
    step = torch.zeros((), dtype=torch.float64, requires_grad=True)
    direction = torch.zeros(maps.numel(), dtype=torch.float64)
    direction[cell] = 1
    value = torch.exp(logit_of(maps + step * direction.reshape(maps.shape))[0])
    found = []
    for _ in range(3):
        (value,) = torch.autograd.grad(value, step, create_graph=True)
        found.append(value.item())
    return found


def weighted(maps, weights):
    return F.relu((weights[:, None, None] * maps).sum(0))


maps = maps_of(image).detach().requires_grad_()
(gradient,) = torch.autograd.grad(logit_of(maps).sum(), maps)
activations = maps.detach()[0]

first, second, third = np.array([derivatives(maps.detach(), cell) for cell in range(maps.numel())]).T.reshape(3, 4, side, side)
totals = activations.numpy().sum((1, 2), keepdims=True)
denominator = 2 * second + totals * third
alpha = np.divide(second, denominator, out=np.zeros_like(second), where=denominator != 0)
# The closed form leaves out exp(logit), which every weight has as a factor.
plus_weights = torch.tensor((alpha * np.maximum(first, 0)).sum((1, 2))) / torch.exp(logit_of(maps.detach()))[0]

cells = activations.numpy().reshape(4, -1).T
_, _, directions = np.linalg.svd(cells, full_matrices=False)
projected = cells @ directions[0]
eigen = projected * np.sign(projected.sum())

steps = 50
path = torch.cat([image * (step + 0.5) / steps for step in range(steps)]).requires_grad_()
(slopes,) = torch.autograd.grad(logit_of(maps_of(path)).sum(), path)
integrated = (slopes.mean(0, keepdim=True) * image)[0]

write(
    "explanations.json",
    {
        "chosen": chosen,
        "steps": steps,
        "image": tensor(image[0].permute(1, 2, 0).numpy()),
        "kernel": tensor(kernel.numpy()),
        "bias": tensor(bias.numpy()),
        "hidden": tensor(hidden.numpy()),
        "output": tensor(output.numpy()),
        "gradcam": numbers(weighted(activations, gradient[0].mean((1, 2))).numpy()),
        "gradcam++": numbers(weighted(activations, plus_weights).numpy()),
        "eigencam": numbers(eigen),
        "integratedGradients": numbers(integrated.permute(1, 2, 0).detach().numpy()),
    },
)
