"""Writes multiTask.json: losses of several tasks by PyTorch, some labels missing, with fixed weights and weighted by uncertainty, in float64.

`counts` is what each sample counts in each task, 0 where its label is missing. `perSample` is the sum over the tasks; `gradients` are those of
its mean over the batch, with respect to the logits, the numbers and the log-variances.
"""

import numpy as np
import torch
import torch.nn.functional as F

from fixture import grid, numbers, tensor, write

rng = np.random.default_rng(20180319)
samples = 7
logits = torch.tensor(grid(rng, [samples, 4], -3, 3), requires_grad=True)
values = torch.tensor(grid(rng, [samples, 1]), requires_grad=True)
log_variance = torch.tensor([0.75, -1.25], dtype=torch.float64, requires_grad=True)
labels = torch.tensor([0, 3, 1, 0, 2, 2, 1])
truth = torch.tensor(grid(rng, [samples, 1]))
counts = torch.tensor([[1, 1], [1, 0], [0, 1], [0, 0], [0.5, 1], [2, 1.5], [1, 0]], dtype=torch.float64)
weights = [0.25, 2.0]


def losses():
    return F.cross_entropy(logits, labels, reduction="none"), F.mse_loss(values, truth, reduction="none")[:, 0]


def case(name, per_sample, inputs):
    gradients = torch.autograd.grad(per_sample.mean(), inputs)
    return {
        "name": name,
        "perSample": numbers(per_sample.detach().numpy()),
        "gradients": [numbers(gradient.numpy()) for gradient in gradients],
    }


classes, squares = losses()
fixed = counts[:, 0] * weights[0] * classes + counts[:, 1] * weights[1] * squares
classes, squares = losses()
variance = torch.exp(log_variance)
# -log of softmax(f / sigma^2) in Kendall's approximation, and of the normal density without its constant.
learned = counts[:, 0] * (classes / variance[0] + log_variance[0] / 2) + counts[:, 1] * (
    squares / (2 * variance[1]) + log_variance[1] / 2
)

write("multiTask.json", {
    "logits": tensor(logits.detach().numpy()),
    "values": tensor(values.detach().numpy()),
    "logVariance": numbers(log_variance.detach().numpy()),
    "labels": numbers(labels.numpy()),
    "truth": numbers(truth.numpy()),
    "counts": tensor(counts.numpy()),
    "weights": weights,
    "fixed": case("fixed", fixed, [logits, values]),
    "uncertainty": case("uncertainty", learned, [logits, values, log_variance]),
})
