"""A counted share as a plain value."""

from __future__ import annotations

from typing import Any

from stillwatch.lab.intervals import clopper_pearson


def share(hits: int, total: int) -> dict[str, Any]:
    """``value`` (None of nothing), ``hits``, ``of``, and the exact interval ``low``, ``high``."""
    low, high = clopper_pearson(hits, total)
    return {"value": hits / total if total else None, "hits": hits, "of": total, "low": low, "high": high}
