"""Agreement of a detector's groups and scores with the truth, by the measures that the literature uses."""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]


def adjusted_rand(truth: Sequence[Hashable], found: Sequence[Hashable]) -> float:
    """Adjusted Rand index (Hubert and Arabie 1985): 1 for the same partition, about 0 for one by chance."""
    if len(truth) < 2:
        return 1.0
    cells, rows, columns = Counter(zip(truth, found, strict=True)), Counter(truth), Counter(found)
    together, by_truth, by_found = (sum(n * (n - 1) / 2 for n in c.values()) for c in (cells, rows, columns))
    expected = by_truth * by_found / (len(truth) * (len(truth) - 1) / 2)
    most = (by_truth + by_found) / 2
    return 1.0 if most == expected else (together - expected) / (most - expected)


def b_cubed(truth: Sequence[Hashable], found: Sequence[Hashable]) -> tuple[float, float]:
    """B-cubed precision and recall (Bagga and Baldwin 1998): per account, then averaged; (1, 1) for nobody."""
    if not truth:
        return 1.0, 1.0
    cells, rows, columns = Counter(zip(truth, found, strict=True)), Counter(truth), Counter(found)
    precision = sum(n * n / columns[f] for (_, f), n in cells.items()) / len(truth)
    recall = sum(n * n / rows[t] for (t, _), n in cells.items()) / len(truth)
    return precision, recall


def average_precision(hostile: Mask, score: F64) -> float | None:
    """Area under the precision–recall steps, ties taken together; None without hostile accounts."""
    if not hostile.any():
        return None
    hits, taken = _steps(hostile, score)
    gained = np.diff(hits, prepend=0) / hits[-1]
    return float((gained * hits / taken).sum())


def roc_auc(hostile: Mask, score: F64) -> float | None:
    """Probability that a hostile account has a higher score than an honest one, ties by half; None without both."""
    if hostile.all() or not hostile.any():
        return None
    hits, taken = _steps(hostile, score)
    y, x = np.concatenate([[0.0], hits / hits[-1]]), np.concatenate([[0.0], (taken - hits) / (taken - hits)[-1]])
    return float(np.trapezoid(y, x))


def _steps(hostile: Mask, score: F64) -> tuple[F64, F64]:
    """At each distinct score from the top: hostile accounts and all accounts so far."""
    order = np.argsort(-score, kind="stable")
    last = np.append(np.flatnonzero(np.diff(score[order])), len(score) - 1)
    hits = np.cumsum(hostile[order])[last].astype(np.float64)
    return hits, (last + 1).astype(np.float64)
