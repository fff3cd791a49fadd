"""The report: one HTML file that needs nothing else and runs nothing."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined
from markupsafe import Markup

from stillwatch.domain.verdict import CaseResult
from stillwatch.report import numbers, words
from stillwatch.report.strength import STRONG
from stillwatch.report.text import clean
from stillwatch.report.view import MOST_ROWS, view

POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'"


def render_report(case: CaseResult) -> str:
    """The whole report as text. The same case gives the same text; no clock, no network, no file is touched."""
    page: str = _environment().get_template("report.html.j2").render(v=view(case), policy=Markup(POLICY))
    return page


@lru_cache(maxsize=1)
def _environment() -> Environment:
    """Everything printed is escaped and goes through :func:`clean`, whichever template prints it."""
    env = Environment(
        loader=FunctionLoader(_template),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_shown,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    env.filters |= {
        "count": numbers.count,
        "short": numbers.short,
        "percent": numbers.percent,
        "p": numbers.probability,
        "moment": numbers.moment,
        "shortly": numbers.shortly,
        "verdict": words.verdict,
        "kind_of": words.kind_of,
        "lookalike": words.lookalike,
        "long": lambda text: Markup("{}").format(clean(text, 4_000)),
    }
    env.globals |= {
        "css": Markup(_template("report.css")),
        "families": words.FAMILIES,
        "dispositions": words.DISPOSITIONS,
        "most": MOST_ROWS,
        "strong": STRONG,
    }
    return env


def _template(name: str) -> str:
    return files("stillwatch.report").joinpath("templates", name).read_text("utf-8")


def _shown(value: Any) -> Any:
    return clean(value) if isinstance(value, str) and not isinstance(value, Markup) else value
