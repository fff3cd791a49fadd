"""How much an agreement on each kind of value says, learned from the log itself."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from stillwatch.kernels.groups import agreeing_pairs
from stillwatch.signals.population import Population, Values
from stillwatch.signals.registry import KINDS

I32 = npt.NDArray[np.int32]
RARE = 60
MOST_PAIRS = 20_000
PRIOR_PAIRS = 50.0


def _pairs(values: Values) -> tuple[I32, I32]:
    """Neighbouring holders of rare values: at most one pair per holder, so that no value dominates."""
    rare = np.flatnonzero((values.frequency >= 2) & (values.frequency <= RARE))
    left, right = [], []
    total = 0
    for value in rare.tolist():
        holders = values.holders_of(value)
        left.append(holders[:-1])
        right.append(holders[1:])
        total += len(holders)
        if total > MOST_PAIRS:
            break
    if not left:
        return np.zeros(0, np.int32), np.zeros(0, np.int32)
    return np.concatenate(left), np.concatenate(right)


def _agree(values: Values, left: I32, right: I32) -> float:
    """Share of pairs that hold a common value which is not a hub (at most 5 % of accounts)."""
    limit = int(max(0.05 * (len(values.indptr) - 1), 10))
    return agreeing_pairs(left, right, values.indptr, values.values, values.frequency, limit) / max(len(left), 1)


def kind_weights(population: Population) -> dict[str, float]:
    """Log likelihood ratio per kind: how much likelier pairs that agree on it also agree on another family.

    m is the rate of agreement on some other family's kind among pairs that share a rare value of this kind, u the rate
    among shuffled pairs of the same accounts (Fellegi & Sunter 1969, with the other families as the unknown truth's
    stand-in). Shrunk towards 1 by a prior of 50 pairs; never negative.
    """
    cached = population.cache.get("kind_weights")
    if cached is not None:
        return dict(cached)
    out: dict[str, float] = {}
    for kind in KINDS:
        left, right = _pairs(population.kinds[kind.name])
        left, right = left[:2000], right[:2000]
        best = 0.0
        if len(left) >= 10:
            shift = np.roll(right, len(right) // 2)
            apart = left != shift  # nobody is a pair with himself
            some, others = left[apart], shift[apart]
            for other in KINDS:
                values = population.kinds[other.name]
                if other.family == kind.family or not values.size or other.name == "cohort":
                    continue
                m = (_agree(values, left, right) * len(left) + PRIOR_PAIRS * 0.01) / (len(left) + PRIOR_PAIRS)
                u = (_agree(values, some, others) * len(some) + PRIOR_PAIRS * 0.01) / (len(some) + PRIOR_PAIRS)
                best = max(best, float(np.log(m / u)))
        out[kind.name] = 0.5 + best
    population.cache["kind_weights"] = out
    return dict(out)
