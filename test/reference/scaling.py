"""Writes scaling.json: temperature and vector scaling of logits, solved by SciPy on the objective written out with NumPy."""

import numpy as np
from scipy import optimize, special

from fixture import grid, numbers, write

rng = np.random.default_rng(20240617)


def exact(array):
    return [float(f"{value:.12g}") for value in np.atleast_1d(array)]


def objective(logits, labels, weights, factors, shifts):
    scaled = logits * factors + shifts
    return (weights * (special.logsumexp(scaled, 1) - scaled[np.arange(len(labels)), labels])).sum()


def case(name, count, classes, sharpness, weights=None, right=False):
    logits = grid(rng, [count, classes], -4, 4)
    chances = special.softmax(logits, 1)
    labels = logits.argmax(1) if right else np.array([rng.choice(classes, p=row) for row in chances])
    logits = logits * sharpness
    counted = np.ones(count) if weights is None else weights
    temperature = optimize.minimize_scalar(
        lambda x: objective(logits, labels, counted, np.exp(x), 0) + x**2 / 2, bracket=(-1, 1), tol=1e-12
    )
    vector = optimize.minimize(
        lambda x: objective(logits, labels, counted, 1 + x[:classes], x[classes:]) + (x**2).sum() / 2,
        np.zeros(2 * classes), method="BFGS", jac="3-point", options={"gtol": 1e-9},
    )
    return {
        "name": name,
        "classes": classes,
        "logits": numbers(logits),
        "labels": numbers(labels),
        **({} if weights is None else {"weights": numbers(weights)}),
        "temperature": exact(np.exp(-temperature.x))[0],
        "temperatureLoss": exact(temperature.fun)[0],
        "factors": exact(1 + vector.x[:classes]),
        "shifts": exact(vector.x[classes:]),
        "vectorLoss": exact(vector.fun)[0],
    }


write("scaling.json", {
    "cases": [
        case("three times too sure", 60, 4, 3),
        case("too timid", 60, 3, 0.25),
        case("weighted", 40, 3, 2, weights=grid(rng, [40], 0, 2)),
        case("all right", 20, 3, 1, right=True),
    ],
})
