"""Writes transferability.json: LogME as the largest Gaussian marginal likelihood (SciPy), H-score with scikit-learn's Ledoit-Wolf covariance."""

import numpy as np
from scipy.optimize import minimize
from scipy.stats import multivariate_normal
from sklearn.covariance import ledoit_wolf

from fixture import grid, numbers, rounded, write

rng = np.random.default_rng(20261124)


def log_me(features, labels, classes):
    scores = []
    for c in range(classes):
        y = (labels == c).astype(float)
        if not y.any():
            continue

        def surprise(logs):
            alpha, beta = np.exp(logs)
            covariance = features @ features.T / alpha + np.eye(len(y)) / beta
            return -multivariate_normal.logpdf(y, np.zeros(len(y)), covariance)

        starts = [(0, 0), (2, 2), (4, 1), (1, 4)]
        best = min(
            (minimize(surprise, start, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 4000}) for start in starts),
            key=lambda found: found.fun,
        )
        scores.append(-best.fun / len(y))
    return np.mean(scores)


def h_score(features, labels, classes):
    covariance, shrinkage = ledoit_wolf(features)
    centred = features - features.mean(0)
    means = np.zeros_like(features)
    for c in range(classes):
        means[labels == c] = centred[labels == c].mean(0) if (labels == c).any() else 0
    between = means.T @ means / len(labels)
    return (1 - shrinkage) * np.trace(np.linalg.pinv(covariance) @ between)


def case(name, count, width, classes, skill, present=None):
    labels = rng.permutation(np.resize(present or range(classes), count))
    features = grid(rng, (count, width))
    for c in range(min(classes, width)):
        features[labels == c, c] += skill
    return {
        "name": name,
        "classes": classes,
        "width": width,
        "labels": numbers(labels),
        "features": numbers(features),
        "logMe": rounded(log_me(features, labels, classes)),
        "hScore": rounded(h_score(features, labels, classes)),
    }


write(
    "transferability.json",
    {
        "cases": [
            case("more images than features", 40, 4, 3, 5),
            case("more features than images", 12, 20, 3, 3),
            case("as many of both", 10, 10, 2, 5),
            case("an absent class", 24, 5, 4, 2, present=[0, 1, 3]),
        ]
    },
)
