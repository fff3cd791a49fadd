"""The dossier: one HTML page for lawyers and policy people, made to be printed. It runs nothing and links nowhere."""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import lru_cache
from importlib.resources import files
from typing import Any, NamedTuple

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from stillwatch.domain.verdict import Campaign, Evidence
from stillwatch.evidence.impact import ImpactRange, Range
from stillwatch.evidence.text import visible

POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
STRONG = 0.001
"""A family below this supports the finding; the same line that the detector's confidence draws."""
RARE = 1e-6
"""Chances below it are read off a fitted tail, not counted in draws."""


class DossierInput(NamedTuple):
    """What a dossier prints: sealed groups with their impact, the run, provenance, and facts of the seal."""

    groups: tuple[Campaign, ...]
    impacts: tuple[ImpactRange, ...]
    run: Mapping[str, Any]
    facts: Mapping[str, Any]
    seal: Mapping[str, Any] | None
    """None where no bag is made: the dossier says so."""
    evidence: tuple[Evidence, ...] = ()


def render_dossier(given: DossierInput) -> str:
    """The page as text; the same input, the same text."""
    nulls = {(e.campaign_id, e.family): e.null for e in given.evidence}
    pairs = list(zip(given.groups, given.impacts, strict=True))
    rate = float(dict(given.run.get("settings") or {}).get("rate", 0.01))
    page: str = (
        _environment()
        .get_template("dossier.html.j2")
        .render(
            pairs=pairs,
            nulls=nulls,
            run=given.run,
            facts=given.facts,
            seal=given.seal,
            rate=rate,
            policy=Markup(POLICY),
        )
    )
    return page


def chance(p: float | None) -> str:
    """A p-value in plain words.

    >>> [chance(p) for p in (0.2, 0.004, 1e-40, None)]
    ['about 1 in 5', 'about 1 in 250', 'less than 1 in a million', 'not tested']
    """
    if p is None or not math.isfinite(p):
        return "not tested"
    if p < RARE:
        return "less than 1 in a million"
    return "more often than not" if p > 0.5 else f"about 1 in {1 / p:,.0f}"


def interval(found: Range | None, unit: str = "") -> str:
    """Both ends, never one.

    >>> interval(Range(1200, 3400)), interval(None)
    ('1,200 – 3,400', 'not known')
    """
    if found is None:
        return "not known"
    low, high = (f"{x:,.2f}" if unit == "money" else f"{x:,.0f}" for x in (found.low, found.high))
    return f"{low} – {high}"


def shares(found: Range | None) -> str:
    """An interval of shares in per cent.

    >>> shares(Range(0.123, 0.5))
    '12 % – 50 %'
    """
    return "not known" if found is None else f"{math.floor(found.low * 100)} % – {math.ceil(found.high * 100)} %"


def power(p: float) -> str:
    """The figure behind the words.

    >>> power(3.2e-12), power(0.01)
    ('3.2e-12', '0.01')
    """
    return f"{p:.2g}"


@lru_cache(maxsize=1)
def _environment() -> Environment:
    env = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "chance": chance,
        "interval": interval,
        "shares": shares,
        "power": power,
        "count": lambda n: f"{n:,}",
        "day": lambda text: str(text).replace("T", " ").replace("Z", " UTC"),
    }
    env.globals |= {"css": Markup(_template("dossier.css")), "strong": STRONG}
    return env


def _template(name: str) -> str:
    return files("stillwatch.evidence").joinpath("templates", name).read_text("utf-8")


def _shown(value: Any) -> Any:
    return visible(value) if isinstance(value, str) and not isinstance(value, Markup) else value
