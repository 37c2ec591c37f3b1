"""Writes metrics.json: classification and regression metrics of scikit-learn, with zero_division=0 and all classes counted."""

import numpy as np
from sklearn import metrics

from fixture import grid, numbers, rounded, tensor, write

PARTS = 1024
rng = np.random.default_rng(20240610)


def probabilities(count, classes, labels, skill):
    """Rows of distinct multiples of 1/1024 that sum to 1 and lean to the true class: exact in float32, and without ties."""
    rows = []
    while len(rows) < count:
        concentration = np.ones(classes) + skill * (np.arange(classes) == labels[len(rows)])
        parts = np.floor(rng.dirichlet(concentration) * PARTS)
        parts[0] += PARTS - parts.sum()
        if parts.min() > 0 and len(set(parts)) == classes:
            rows.append(parts / PARTS)
    return np.array(rows)


def classification(name, classes, count, skill, present=None, ignored=(), weights=None):
    labels = rng.choice(classes if present is None else present, count)
    scores = probabilities(count, classes, labels, skill)
    for column in ignored:
        # Never the largest: what it has beyond the smallest part goes to its neighbour.
        lowest = scores.argmin(1)
        rows = np.arange(count)
        swapped = scores[rows, lowest].copy()
        scores[rows, lowest] = scores[:, column]
        scores[:, column] = swapped
    predicted = scores.argmax(1)
    every = np.arange(classes)
    options = {"labels": every, "sample_weight": weights}
    average = lambda kind: metrics.precision_recall_fscore_support(
        labels, predicted, average=kind, zero_division=0, **options
    )
    precision, recall, f1, support = average(None)
    named = lambda kind: dict(zip(("precision", "recall", "f1"), map(rounded, average(kind)[:3])))
    top = [k for k in (1, 2, 5) if k < classes]
    return {
        "name": name,
        "classes": classes,
        "labels": numbers(labels),
        "probabilities": numbers(scores),
        **({} if weights is None else {"weights": numbers(weights)}),
        "expected": {
            "accuracy": rounded(metrics.accuracy_score(labels, predicted, sample_weight=weights)),
            "loss": rounded(metrics.log_loss(labels, scores, **options)),
            "auc": [area(labels, scores, c, options) for c in range(classes)],
            "topK": {k: top_k(labels, scores, k, options) for k in top},
            "confusion": [numbers(row) for row in metrics.confusion_matrix(labels, predicted, **options)],
            "precision": numbers(precision),
            "recall": numbers(recall),
            "f1": numbers(f1),
            "support": numbers(support),
            "macro": named("macro"),
            "weighted": named("weighted"),
        },
    }


def area(labels, scores, c, options):
    positive = [int(label == c) for label in labels]
    weights = options["sample_weight"]
    counted = positive if weights is None else [p for p, w in zip(positive, weights) if w > 0]
    if len(set(counted)) < 2:
        return None
    return rounded(metrics.roc_auc_score(positive, scores[:, c], sample_weight=weights))


def top_k(labels, scores, k, options):
    if scores.shape[1] > 2:
        return rounded(metrics.top_k_accuracy_score(labels, scores, k=k, **options))
    # For two classes scikit-learn wants the score of the second alone.
    return rounded(metrics.accuracy_score(labels, scores.argmax(1), sample_weight=options["sample_weight"]))


def regression(name, shape, weights=None):
    targets, predictions = grid(rng, shape), grid(rng, shape)
    return {
        "name": name,
        "predictions": tensor(predictions),
        "targets": tensor(targets),
        **({} if weights is None else {"weights": numbers(weights)}),
        "expected": {
            "mae": rounded(metrics.mean_absolute_error(targets, predictions, sample_weight=weights)),
            "mse": rounded(metrics.mean_squared_error(targets, predictions, sample_weight=weights)),
        },
    }


write("metrics.json", {
    "classification": [
        classification("two classes", 2, 20, 1),
        classification("four classes", 4, 40, 3),
        classification("a class without samples, one never predicted", 4, 24, 2, present=[0, 1, 3], ignored=[3]),
        classification("seven classes", 7, 40, 1),
        classification("weighted", 4, 24, 2, weights=grid(rng, [24], 0, 2)),
    ],
    "regression": [
        regression("one unit", [12, 1]),
        regression("three units", [8, 3]),
        regression("three units, weighted", [8, 3], weights=grid(rng, [8], 0, 2)),
    ],
})
