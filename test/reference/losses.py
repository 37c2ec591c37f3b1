"""Writes losses.json: losses of PyTorch with their gradients with respect to the logits (mse: the predictions), in float64.

`perSample` is the plain loss of each sample, without weights. `value` is the mean, weighted where there are weights:
sum(w * perSample) / sum(w); `gradient` is its gradient. Weighted cases also give `overCount`: sum(w * perSample) / N.
"""

import numpy as np
import torch
import torch.nn.functional as F

from fixture import grid, numbers, rounded, tensor, write

rng = np.random.default_rng(20240609)
cases = []


def case(name, loss, logits, targets, per_sample, weights=None, dtype="float32", **options):
    x = torch.tensor(logits, dtype=torch.float64, requires_grad=True)
    t = torch.tensor(targets, dtype=torch.int64 if dtype == "int32" else torch.float64)
    w = torch.ones(len(logits), dtype=torch.float64) if weights is None else torch.tensor(weights, dtype=torch.float64)

    def reduced(divisor):
        value = (w * per_sample(x, t)).sum() / divisor
        (gradient,) = torch.autograd.grad(value, x)
        return {"value": rounded(value.detach()), "gradient": tensor(gradient.numpy())}

    cases.append({
        "name": name,
        "loss": loss,
        **options,
        "logits": tensor(logits),
        "targets": {**tensor(targets), "dtype": dtype},
        **({} if weights is None else {"weights": numbers(weights)}),
        "perSample": numbers(per_sample(x, t).detach().numpy()),
        **reduced(w.sum()),
        **({} if weights is None else {"overCount": reduced(len(logits))}),
    })


def cross_entropy(smoothing=0.0):
    return lambda x, t: F.cross_entropy(x, t, reduction="none", label_smoothing=smoothing)


def binary(x, t):
    return F.binary_cross_entropy_with_logits(x, t, reduction="none").flatten(1).mean(1)


def squared(x, t):
    return F.mse_loss(x, t, reduction="none").flatten(1).mean(1)


def distilled(temperature, share):
    def per_sample(x, t):
        truth, teacher = t.chunk(2, 1)
        softened = F.kl_div(F.log_softmax(x / temperature, 1), teacher, reduction="none").sum(1)
        return (1 - share) * F.cross_entropy(x, truth, reduction="none") + share * temperature**2 * softened

    return per_sample


logits = grid(rng, [6, 5], -4, 4)
extreme = np.array([[80, -80, 0, 1, 2], [80, -80, 0, 1, 2], [-80, -80, -80, -80, -80], [80, 80, 79, -80, 0]], dtype=float)
labels = np.array([0, 4, 2, 2, 1, 3])
extreme_labels = np.array([0, 1, 3, 2])
weights = np.array([1, 0.5, 2, 0, 0.25, 3])
soft = np.round(rng.dirichlet(np.ones(5), 6) * 64) / 64
soft[:, 0] += 1 - soft.sum(1)

sparse = {"loss": "crossEntropy", "dtype": "int32"}
case("sparse labels", logits=logits, targets=labels, per_sample=cross_entropy(), **sparse)
case("sparse labels, smoothed", logits=logits, targets=labels, per_sample=cross_entropy(0.1), labelSmoothing=0.1, **sparse)
case("sparse labels, weighted", logits=logits, targets=labels, per_sample=cross_entropy(), weights=weights, **sparse)
case(
    "sparse labels, smoothed and weighted",
    logits=logits, targets=labels, per_sample=cross_entropy(0.1), weights=weights, labelSmoothing=0.1, **sparse,
)
case("sparse labels, extreme logits", logits=extreme, targets=extreme_labels, per_sample=cross_entropy(), **sparse)
case(
    "sparse labels, extreme logits, smoothed",
    logits=extreme, targets=extreme_labels, per_sample=cross_entropy(0.1), labelSmoothing=0.1, **sparse,
)
case("soft targets", "crossEntropy", logits, soft, cross_entropy())
case("soft targets, smoothed", "crossEntropy", logits, soft, cross_entropy(0.1), labelSmoothing=0.1)
case("binary, one unit", "binaryCrossEntropy", grid(rng, [6, 1], -4, 4), rng.integers(0, 2, [6, 1]), binary)
case("binary, three units", "binaryCrossEntropy", grid(rng, [4, 3], -4, 4), rng.integers(0, 2, [4, 3]), binary)
case("binary, between 0 and 1", "binaryCrossEntropy", grid(rng, [4, 1], -4, 4), grid(rng, [4, 1], 0, 1), binary)
case(
    "binary, extreme logits", "binaryCrossEntropy",
    np.array([[80.0], [80], [-80], [-80], [0]]), np.array([[0], [1], [0], [1], [1]]), binary,
)
case("binary, weighted", "binaryCrossEntropy", grid(rng, [6, 1], -4, 4), rng.integers(0, 2, [6, 1]), binary, weights=weights)
case("mean squared error", "meanSquaredError", grid(rng, [5, 3]), grid(rng, [5, 3]), squared)
case("mean squared error, weighted", "meanSquaredError", grid(rng, [6, 2]), grid(rng, [6, 2]), squared, weights=weights)

for temperature, share in [(4, 0.9), (1, 0.5), (2, 0)]:
    case(
        f"distillation at temperature {temperature}, share {share}", "distillation",
        logits, np.concatenate([np.eye(5)[labels], soft], 1), distilled(temperature, share),
        temperature=temperature, teacherShare=share,
    )

write("losses.json", cases)
