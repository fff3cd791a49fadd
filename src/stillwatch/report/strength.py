"""How strong a family's evidence is: in words, for the table, the chart and the terminal alike."""

from __future__ import annotations

import math
from typing import NamedTuple

from stillwatch.domain.verdict import FamilyFinding
from stillwatch.report.numbers import probability

STRONG = 0.001
"""Below this a family counts as independent support (the detector's own level)."""


class Strength(NamedTuple):
    """One family for one group."""

    family: str
    state: str
    """``tested`` | ``formed`` | ``unavailable`` | ``untested``."""
    p_value: float | None
    strength: float
    """−log10 p; 0 where there is no p-value."""
    supports: bool
    words: str


def strength(finding: FamilyFinding) -> Strength:
    """The state of one family."""
    p = finding.p_value if finding.p_value is not None and math.isfinite(finding.p_value) else None
    if not finding.available:
        return Strength(finding.family.value, "unavailable", None, 0.0, False, "not in the log")
    if p is None:
        state, words = ("formed", "drew the group") if finding.formed_group else ("untested", "not tested")
        return Strength(finding.family.value, state, None, 0.0, False, words)
    words = f"p = {probability(p)}".replace("= <", "< ").replace(" ", "\xa0")
    if finding.formed_group:
        words += ", also drew the group"
    return Strength(finding.family.value, "tested", p, -math.log10(max(p, 1e-300)), p <= STRONG, words)
