"""Writes domainTerms.json: terms of domain adaptation in PyTorch with their gradients, in float64.

Ten images of three classes, six of the source and four of the target, mixed. `features` and `margin` (the logits of
MDD's second classifier) are given, `scores` go through a softmax. Gradients are with respect to the input that is named.
"""

import numpy as np
import torch
import torch.nn.functional as F

from fixture import grid, rounded, tensor, write

rng = np.random.default_rng(20261128)
is_target = torch.tensor([0, 1, 0, 0, 1, 0, 1, 0, 1, 0], dtype=torch.bool)
inputs = {
    "features": grid(rng, (10, 4), -1, 1),
    "scores": grid(rng, (10, 3), -4, 4),
    "margin": grid(rng, (10, 3), -2, 2),
}


def multi_kernel(x):
    squares = torch.cdist(x, x).square() if not x.requires_grad else ((x[:, None] - x[None]) ** 2).sum(2)
    above = squares.detach()[tuple(torch.triu_indices(10, 10, 1))].sort().values
    median = above[len(above) // 2]
    return sum(torch.exp(-squares / (median * factor)) for factor in (0.25, 0.5, 1, 2, 4)) / 5


def joint(features, scores, margin):
    answers = scores.softmax(1)
    kernel = multi_kernel(features) * torch.exp(-((answers[:, None] - answers[None]) ** 2).sum(2) / 1.68)
    s, t = ~is_target, is_target
    return kernel[s][:, s].mean() + kernel[t][:, t].mean() - 2 * kernel[s][:, t].mean()


def disparity(features, scores, margin):
    label = scores.argmax(1)
    on_source = F.cross_entropy(margin[~is_target], label[~is_target])
    others = 1 - margin.softmax(1)[is_target].gather(1, label[is_target, None])
    return 4 * on_source - torch.log(others).mean()


def pseudo(features, scores, margin):
    own = scores[is_target]
    probability, label = own.softmax(1).max(1)
    return ((probability >= 0.95) * F.cross_entropy(own, label, reduction="none")).mean()


def information(features, scores, margin):
    p = scores[is_target].softmax(1)
    mean = p.mean(0)
    return -(p * p.log()).sum(1).mean() + (mean * mean.log()).sum()


def boundary(features, scores, margin):
    unknown = scores[is_target].softmax(1)[:, -1]
    return F.binary_cross_entropy(unknown, torch.full_like(unknown, 0.5))


cases = []
for name, term, names in (
    ("jan", joint, ("features", "scores")),
    ("mdd", disparity, ("margin",)),
    ("pseudo-labels", pseudo, ("scores",)),
    ("information-maximisation", information, ("scores",)),
    ("osbp", boundary, ("scores",)),
):
    at = {key: torch.tensor(value, dtype=torch.float64, requires_grad=True) for key, value in inputs.items()}
    value = term(**at)
    gradients = torch.autograd.grad(value, [at[key] for key in names])
    cases.append({
        "name": name,
        "value": rounded(value.detach()),
        "gradients": {key: tensor(gradient.numpy()) for key, gradient in zip(names, gradients)},
    })

write("domainTerms.json", {
    "isTarget": is_target.int().tolist(),
    "inputs": {key: tensor(value) for key, value in inputs.items()},
    "cases": cases,
})
