"""Writes metrics.json: classification and regression metrics of scikit-learn, with zero_division=0 and all classes counted, to 15 digits."""

import warnings

import numpy as np
from scipy import stats
from sklearn import calibration, metrics
from statsmodels.stats import contingency_tables, multitest, proportion

from fixture import grid, numbers, tensor, write

warnings.filterwarnings("ignore", module="sklearn")
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


def rounded(value):
    return float(f"{float(value):.15g}")


def exact(array):
    return [rounded(value) for value in np.asarray(array, dtype=np.float64).ravel()]


def tied(count, classes):
    """Rows of multiples of 1/16 that sum to 1, none of them 0: ties within rows and between them."""
    return (1 + rng.multinomial(16 - classes, np.ones(classes) / classes, count)) / 16


def classification(name, classes, count, skill, present=None, ignored=(), weights=None, ties=False):
    labels = rng.choice(classes if present is None else present, count)
    scores = tied(count, classes) if ties else probabilities(count, classes, labels, skill)
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
    # Which of equal scores goes first is ours to say: scikit-learn takes the last.
    top = [] if ties else [k for k in (1, 2, 5) if k < classes]
    return {
        "name": name,
        "classes": classes,
        "labels": numbers(labels),
        "probabilities": numbers(scores),
        **({} if weights is None else {"weights": numbers(weights)}),
        "expected": {
            "accuracy": rounded(metrics.accuracy_score(labels, predicted, sample_weight=weights)),
            "loss": rounded(metrics.log_loss(labels, scores, **options)),
            "brier": rounded(metrics.brier_score_loss(labels, scores, **options)),
            **areas(labels, scores, weights),
            "balancedAccuracy": rounded(metrics.balanced_accuracy_score(labels, predicted, sample_weight=weights)),
            "matthews": rounded(metrics.matthews_corrcoef(labels, predicted, sample_weight=weights)),
            "kappa": defined(metrics.cohen_kappa_score(labels, predicted, **options)),
            "specificity": [specificity(labels, predicted, c, weights) for c in range(classes)],
            "reliability": reliability(labels, predicted, scores, weights),
            "topK": {k: top_k(labels, scores, k, options) for k in top},
            "confusion": [numbers(row) for row in metrics.confusion_matrix(labels, predicted, **options)],
            "normalised": {kind: exact(metrics.confusion_matrix(labels, predicted, normalize=kind, **options)) for kind in ("true", "pred", "all")},
            "precision": exact(precision),
            "recall": exact(recall),
            "f1": exact(f1),
            "support": exact(support),
            "micro": named("micro"),
            "macro": named("macro"),
            "weighted": named("weighted"),
        },
    }


def defined(value):
    return None if np.isnan(value) else rounded(value)


def area(labels, scores, c, weights, score=metrics.roc_auc_score):
    """Of class c against the rest; None where there is nothing to compare."""
    positive = (labels == c).astype(int)
    counted = positive if weights is None else positive[weights > 0]
    wanted = (1,) if score is metrics.average_precision_score else (0, 1)
    if not all((counted == one).any() for one in wanted):
        return None
    return rounded(score(positive, scores[:, c], sample_weight=weights))


def pair_areas(labels, scores, weights):
    """Hand and Till's areas of pairs by definition, each with its prevalence: scikit-learn takes no weights here, and no absent classes."""
    ones = np.ones(len(labels)) if weights is None else weights
    for a in range(scores.shape[1]):
        for b in range(a + 1, scores.shape[1]):
            pair = (labels == a) | (labels == b)
            both = [area(labels[pair], scores[pair], c, ones[pair]) for c in (a, b)]
            if None not in both:
                yield np.mean(both), ones[pair].sum()


def areas(labels, scores, weights):
    classes = scores.shape[1]
    roc = [area(labels, scores, c, weights) for c in range(classes)]
    precision = [area(labels, scores, c, weights, metrics.average_precision_score) for c in range(classes)]
    pairs = np.array(list(pair_areas(labels, scores, weights))).reshape(-1, 2)
    supports = np.bincount(labels, weights, classes)
    mean = lambda of, by: defined(np.average([v for v in of if v is not None], weights=[w for v, w in zip(of, by) if v is not None])) if any(v is not None for v in of) else None
    found = {
        "auc": roc,
        "aucMacro": mean(roc, np.ones(classes)),
        "aucWeighted": mean(roc, supports),
        "aucOneVsOne": rounded(pairs[:, 0].mean()) if len(pairs) else None,
        "aucOneVsOneWeighted": rounded(np.average(pairs[:, 0], weights=pairs[:, 1])) if len(pairs) else None,
        "averagePrecision": precision,
        "averagePrecisionMacro": mean(precision, np.ones(classes)),
        "averagePrecisionWeighted": mean(precision, supports),
    }
    if classes > 2 and None not in roc:
        whole = lambda **kind: metrics.roc_auc_score(labels, scores, labels=np.arange(classes), **kind)
        assert np.isclose(found["aucMacro"], whole(multi_class="ovr", average="macro", sample_weight=weights), rtol=1e-12)
        assert np.isclose(found["aucWeighted"], whole(multi_class="ovr", average="weighted", sample_weight=weights), rtol=1e-12)
        if weights is None:
            assert np.isclose(found["aucOneVsOne"], whole(multi_class="ovo", average="macro"), rtol=1e-12)
            assert np.isclose(found["aucOneVsOneWeighted"], whole(multi_class="ovo", average="weighted"), rtol=1e-12)
    return found


def specificity(labels, predicted, c, weights):
    return rounded(metrics.recall_score(labels != c, predicted != c, sample_weight=weights, zero_division=0))


def reliability(labels, predicted, scores, weights):
    """Accuracy and confidence of the bins that hold samples; calibration_curve takes no weights."""
    if weights is not None:
        return None
    accuracy, confidence = calibration.calibration_curve(labels == predicted, scores.max(1), n_bins=15)
    return {"accuracy": exact(accuracy), "confidence": exact(confidence)}


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
            # All units as one list of numbers.
            "r2": rounded(metrics.r2_score(
                targets.ravel(), predictions.ravel(),
                sample_weight=None if weights is None else np.repeat(weights, shape[1]),
            )),
        },
    }


def curves(name, count, weights=None):
    """Both curves of the second of two classes, with ties."""
    labels = rng.choice(2, count)
    scores = tied(count, 2)
    false_rate, true_rate, thresholds = metrics.roc_curve(labels, scores[:, 1], sample_weight=weights, drop_intermediate=False)
    precision, recall, cuts = metrics.precision_recall_curve(labels, scores[:, 1], sample_weight=weights)
    return {
        "name": name,
        "classes": 2,
        "labels": numbers(labels),
        "probabilities": numbers(scores),
        **({} if weights is None else {"weights": numbers(weights)}),
        "roc": {"falsePositiveRate": exact(false_rate), "truePositiveRate": exact(true_rate), "threshold": exact(thresholds[1:])},
        "precisionRecall": {"precision": exact(precision), "recall": exact(recall), "threshold": exact(cuts)},
    }


def wilson(successes, count, level):
    low, high = proportion.proportion_confint(successes, count, alpha=1 - level, method="wilson")
    return {"successes": successes, "count": count, "level": level, "lower": rounded(low), "upper": rounded(high)}


def mcnemar(only_first, only_second):
    exact_p = contingency_tables.mcnemar([[0, only_first], [only_second, 0]], exact=True).pvalue
    fewer = min(only_first, only_second)
    # By definition (Fagerland et al. 2013): statsmodels has no mid-p.
    mid_p = 2 * stats.binom.cdf(fewer, only_first + only_second, 0.5) - stats.binom.pmf(fewer, only_first + only_second, 0.5)
    return {"onlyFirst": only_first, "onlySecond": only_second, "exact": rounded(exact_p), "midP": rounded(mid_p)}


def holm(values):
    return {"values": values, "raised": exact(multitest.multipletests(values, method="holm")[1])}


cases = {
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
}
cases["classification"] += [
    classification("ties", 4, 40, 1, ties=True),
    classification("ties, weighted, some with 0", 3, 30, 1, ties=True, weights=rng.choice([0, 0.5, 1, 2], 30)),
    classification("one class only", 3, 12, 2, present=[1]),
    classification("two classes, weighted", 2, 16, 1, weights=grid(rng, [16], 0, 2)),
    classification("ten classes, three of them absent, ties", 10, 50, 1, present=[0, 1, 2, 3, 5, 7, 8], ties=True),
]
cases["curves"] = [curves("plain", 24), curves("weighted", 24, weights=grid(rng, [24], 1 / 64, 2))]
cases["wilson"] = [wilson(*case) for case in ((0, 10, 0.95), (10, 10, 0.95), (1, 1, 0.95), (150, 153, 0.95), (7, 20, 0.9), (501, 1000, 0.99), (3, 100000, 0.999999))]
cases["mcnemar"] = [mcnemar(*case) for case in ((0, 0), (0, 1), (5, 5), (2, 9), (30, 12), (0, 40), (700, 612), (4000, 0))]
cases["holm"] = [holm([0.01, 0.04, 0.03, 0.005]), holm([0.5, 0.9]), holm([0.02])]
cases["normalQuantile"] = [{"p": p, "value": rounded(stats.norm.ppf(p))} for p in (1e-300, 1e-12, 0.001, 0.025, 0.2, 0.499, 0.5, 0.6, 0.975, 0.9999)]
write("metrics.json", cases)
