"""The few SVG pieces that the charts are made of; every string that enters is cleaned and escaped here."""

from __future__ import annotations

from collections.abc import Iterable

from markupsafe import Markup, escape

from stillwatch.report.text import one_line

WIDTH = 820
CAMPAIGN, ORDINARY, INK, MUTED, RULE = "#b3430a", "#6f8aa3", "#1b2430", "#5b6672", "#d9dee4"
"""Vermilion against slate blue: told apart under every common colour blindness, and in grey by lightness."""


def svg(width: float, height: float, title: str, description: str, parts: Iterable[Markup]) -> Markup:
    """A whole figure with the words that a screen reader reads."""
    return Markup(
        '<svg viewBox="0 0 {w} {h}" role="img" aria-label="{t}. {d}"><title>{t}</title><desc>{d}</desc>{p}</svg>'
    ).format(w=num(width), h=num(height), t=one_line(title), d=one_line(description), p=Markup("").join(parts))


def num(x: float) -> str:
    """A coordinate in as few characters as it needs.

    >>> num(12.04), num(3.0)
    ('12', '3')
    """
    return f"{x:.1f}".removesuffix(".0")


def text(x: float, y: float, words: str, *, anchor: str = "start", kind: str = "") -> Markup:
    """Text; ``kind`` is a class of the style sheet (``m`` muted, ``b`` bold, ``s`` small)."""
    return Markup('<text x="{}" y="{}"{}{}>{}</text>').format(
        num(x),
        num(y),
        Markup(' text-anchor="{}"').format(anchor) if anchor != "start" else "",
        Markup(' class="{}"').format(kind) if kind else "",
        escape(one_line(words, 90)),
    )


def line(x1: float, y1: float, x2: float, y2: float, colour: str = RULE, width: float = 1, dash: str = "") -> Markup:
    """A straight line."""
    extra = Markup(' stroke-dasharray="{}"').format(dash) if dash else ""
    return Markup('<path d="M{} {}L{} {}" fill="none" stroke="{}" stroke-width="{}"{}/>').format(
        num(x1), num(y1), num(x2), num(y2), colour, num(width), extra
    )


def rect(x: float, y: float, w: float, h: float, fill: str, *, radius: float = 0, stroke: str = "") -> Markup:
    """A rectangle."""
    extra = Markup(' stroke="{}"').format(stroke) if stroke else ""
    return Markup('<rect x="{}" y="{}" width="{}" height="{}" rx="{}" fill="{}"{}/>').format(
        num(x), num(y), num(max(w, 0)), num(max(h, 0)), num(radius), fill, extra
    )


def dots(points: Iterable[tuple[int, int]], colour: str, size: float, opacity: float = 1.0) -> Markup:
    """Many equal dots as one path of zero-length strokes with round ends: a few bytes each, sharp in print."""
    pieces, at = [], (0, 0)
    for x, y in points:
        pieces.append(f"m{x - at[0]} {y - at[1]}h0")
        at = (x, y)
    if not pieces:
        return Markup("")
    return Markup(
        '<path d="M0 0{}" fill="none" stroke="{}" stroke-width="{}" stroke-linecap="round" stroke-opacity="{}"/>'
    ).format("".join(pieces), colour, num(size), num(opacity))
