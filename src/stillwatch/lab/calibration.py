"""Do stated figures mean what they say? Scores against hostile shares, stated against realised false discoveries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from markupsafe import Markup

from stillwatch.lab.intervals import clopper_pearson
from stillwatch.lab.plot import Mark, diagonal

BINS = 10
NOMINAL = (1e-6, 1e-4, 1e-3, 0.01, 0.05, 0.1)
Mask = npt.NDArray[np.bool_]


def reliability(score: npt.NDArray[np.float64], hostile: Mask) -> list[dict[str, Any]]:
    """Accounts by score in ten equal bins: how many, their mean score, how many hostile; empty bins are left out."""
    place = np.clip((score * BINS).astype(np.int64), 0, BINS - 1)
    found = []
    for number in np.unique(place).tolist():
        here = place == number
        counts = {
            "accounts": int(here.sum()),
            "hostile": int((here & hostile).sum()),
            "total": float(score[here].sum()),
        }
        found.append({"bin": number, **counts})
    return [_with_share(row) for row in found]


def discoveries(groups: Iterable[tuple[float, bool]]) -> list[dict[str, Any]]:
    """For each nominal rate, the groups with q at or under it and the false ones among them. ``groups``: (q, false)."""
    known = list(groups)
    rows = []
    for rate in NOMINAL:
        mine = [false for q, false in known if q <= rate]
        rows.append({"nominal": rate, "groups": len(mine), "false": sum(mine)})
    return [_with_rate(row) for row in rows]


def pooled(parts: Sequence[Mapping[str, Any]]) -> dict[str, list[dict[str, Any]]]:
    """Calibrations of many worlds as one."""
    bins: dict[int, dict[str, Any]] = {}
    rates: dict[float, dict[str, Any]] = {}
    for part in parts:
        for row in part["scores"]:
            into = bins.setdefault(row["bin"], {"bin": row["bin"], "accounts": 0, "hostile": 0, "total": 0.0})
            for name in ("accounts", "hostile", "total"):
                into[name] += row[name]
        for row in part["discoveries"]:
            into = rates.setdefault(row["nominal"], {"nominal": row["nominal"], "groups": 0, "false": 0})
            into["groups"], into["false"] = into["groups"] + row["groups"], into["false"] + row["false"]
    return {
        "scores": [_with_share(bins[k]) for k in sorted(bins)],
        "discoveries": [_with_rate(rates[k]) for k in sorted(rates)],
    }


def picture(scores: Sequence[Mapping[str, Any]]) -> Markup:
    """Observed share of hostile accounts against the mean score of each bin."""
    marks = [(r["mean_score"], Mark(f"{r['mean_score']:.2f}", r["value"], r["low"], r["high"])) for r in scores]
    return diagonal("Hostile share by score", marks, below="mean score of the accounts in a bin")


def _with_share(row: dict[str, Any]) -> dict[str, Any]:
    low, high = clopper_pearson(row["hostile"], row["accounts"])
    shares = {"mean_score": row["total"] / row["accounts"], "value": row["hostile"] / row["accounts"]}
    return row | shares | {"low": low, "high": high}


def _with_rate(row: dict[str, Any]) -> dict[str, Any]:
    low, high = clopper_pearson(row["false"], row["groups"])
    return row | {"realised": row["false"] / row["groups"] if row["groups"] else None, "low": low, "high": high}
