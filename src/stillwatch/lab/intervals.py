"""Exact intervals for a proportion."""

from __future__ import annotations

from scipy import stats


def clopper_pearson(hits: float, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson (1934): never too narrow; (0, 1) without trials.

    >>> clopper_pearson(0, 100)[1] < 0.0363
    True
    """
    if trials == 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(stats.beta.ppf(tail, hits, trials - hits + 1))
    high = 1.0 if hits == trials else float(stats.beta.ppf(1 - tail, hits + 1, trials - hits))
    return low, high
