"""Exact intervals for a proportion."""

from __future__ import annotations

from scipy import special


def clopper_pearson(hits: float, trials: int, level: float = 0.95) -> tuple[float, float]:
    """Clopper and Pearson (1934): never too narrow; (0, 1) without trials.

    >>> clopper_pearson(0, 100)[1] < 0.0363
    True
    """
    if trials == 0:
        return 0.0, 1.0
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(special.betaincinv(hits, trials - hits + 1, tail))
    high = 1.0 if hits == trials else float(special.betaincinv(hits + 1, trials - hits, 1 - tail))
    return low, high
