"""Writes instanceWeights.json: kernel mean matching by CVXOPT's interior-point QP solver, KLIEP's likelihood maximised by SciPy's SLSQP."""

import numpy as np
from cvxopt import matrix, solvers
from scipy.optimize import minimize
from scipy.spatial.distance import cdist

from fixture import grid, numbers, write

rng = np.random.default_rng(20261127)
solvers.options.update({"show_progress": False, "abstol": 1e-10, "reltol": 1e-10, "feastol": 1e-10})


def gaussian(a, b, width):
    return np.exp(-cdist(a, b, "sqeuclidean") / (2 * width**2))


def kernel_mean_matching(source, target, width, bound, slack):
    n = len(source)
    kappa = n / len(target) * gaussian(source, target, width).sum(1)
    eye, ones = np.eye(n), np.ones((1, n))
    below = np.vstack([eye, -eye, ones, -ones])
    limits = np.concatenate([np.full(n, bound), np.zeros(n), [n * (1 + slack)], [-n * (1 - slack)]])
    found = solvers.qp(matrix(gaussian(source, source, width)), matrix(-kappa), matrix(below), matrix(limits))
    assert found["status"] == "optimal", found
    return np.array(found["x"]).ravel()


def kliep(source, target, width):
    basis, on_source = gaussian(target, target, width), gaussian(source, target, width)
    masses = on_source.mean(0)
    basis, on_source = basis / masses, on_source / masses
    found = minimize(
        lambda shares: -np.log(basis @ shares).mean(),
        np.full(len(target), 1 / len(target)),
        jac=lambda shares: -(basis / (basis @ shares)[:, None]).mean(0),
        bounds=[(0, 1)] * len(target),
        constraints={"type": "eq", "fun": lambda shares: shares.sum() - 1, "jac": lambda shares: np.ones_like(shares)},
        method="SLSQP",
        options={"ftol": 1e-15, "maxiter": 5000},
    )
    assert found.success, found.message
    return on_source @ found.x, -found.fun


def rows(count, width, shift=0.0):
    return grid(rng, (count, width)) / 2 + shift


def matching(name, source, target, width, bound, slack):
    weights = kernel_mean_matching(source, target, width, bound, slack)
    print(name, "sum", weights.sum(), "least", weights.min(), "largest", weights.max(), "condition", np.linalg.cond(gaussian(source, source, width)))
    return {
        "name": name,
        "features": source.shape[1],
        "source": numbers(source),
        "target": numbers(target),
        "width": width,
        "bound": bound,
        "slack": slack,
        "weights": numbers(weights),
    }


def ratio(name, source, target, width):
    weights, likelihood = kliep(source, target, width)
    print(name, weights.mean(), likelihood)
    return {
        "name": name,
        "features": source.shape[1],
        "source": numbers(source),
        "target": numbers(target),
        "width": width,
        "weights": numbers(weights),
        "logLikelihood": likelihood,
    }


write(
    "instanceWeights.json",
    {
        "kernelMeanMatching": [
            matching("nothing but zero binds", rows(40, 2), rows(25, 2, 0.5), 0.25, 1000, 0.9),
            matching("the largest weight binds", rows(40, 2), rows(25, 2, 0.5), 0.25, 2, 0.9),
            matching("the least sum binds", rows(30, 2), rows(25, 2, 1.0), 0.25, 5, 0.1),
            matching("the largest sum binds", rows(12, 2), rows(3, 2) / 16 + 0.25, 0.5, 1000, 0.01),
            matching("five dimensions", rows(50, 5), rows(20, 5, 0.5), 1, 10, 0.9),
        ],
        "kliep": [
            ratio("a shift", rows(60, 2), rows(25, 2, 0.5), 0.5),
            ratio("wide kernels", rows(60, 2), rows(25, 2, 0.25), 1.5),
            ratio("five dimensions", rows(50, 5), rows(20, 5, 0.5), 1),
        ],
    },
)
