"""What the generators share: exact inputs, rounding, and the JSON that the tests read."""

import json
from pathlib import Path

import numpy as np

SIGNIFICANT_DIGITS = 9


def grid(rng, shape, low=-2.0, high=2.0, avoid=(), step=1 / 64):
    """Values on a grid of 1/64, which float32 and the JSON hold exactly; all are at least one step from `avoid`."""
    points = np.arange(np.ceil(low / step), np.floor(high / step) + 1) * step
    for kink in avoid:
        points = points[np.abs(points - kink) >= step]
    return rng.choice(points, size=tuple(shape))


def distinct_grid(rng, shape, step=1 / 64):
    """No two values are closer than one step: a maximum has one winner."""
    count = int(np.prod(shape))
    return (rng.permutation(count) - count // 2).reshape(shape) * step


def rounded(value):
    return float(f"{float(value):.{SIGNIFICANT_DIGITS}g}")


def numbers(array):
    """A flat list, whole numbers without a fraction."""
    flat = [rounded(value) for value in np.asarray(array, dtype=np.float64).ravel()]
    return [int(value) if value == int(value) else value for value in flat]


def tensor(array):
    return {"shape": list(np.shape(array)), "data": numbers(array)}


def write(name, content):
    path = Path(__file__).with_name(name)
    path.write_text(json.dumps(content, separators=(",", ":")) + "\n")
    print(f"{path.name}: {path.stat().st_size} bytes")
