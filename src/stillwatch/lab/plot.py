"""Figures of measured shares as inline SVG: points, exact intervals, one line per series; no script, no network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from markupsafe import Markup, escape

WIDTH, LEFT, RIGHT, TOP, BOTTOM, HEIGHT = 820, 56, 20, 34, 40, 250
COLOURS = ("#b3430a", "#33617f", "#00694e", "#7a5600", "#6a3d8f", "#5b6672")
INK, MUTED, RULE = "#1b2430", "#5b6672", "#d9dee4"


class Mark(NamedTuple):
    """One measured share, 0…1, with its interval."""

    label: str
    value: float
    low: float
    high: float


class Series(NamedTuple):
    """Marks in the order of an axis; ``bars`` false draws the line alone."""

    name: str
    marks: Sequence[Mark]
    bars: bool = True


def curves(title: str, labels: Sequence[str], series: Sequence[Series], *, below: str) -> Markup:
    """Shares against the values of a dial, evenly spaced (dials are often ratios or words)."""
    across = WIDTH - LEFT - RIGHT
    lift = 18 * ((len(series) - 1) // 4)
    step = across / max(len(labels), 1)
    floor = HEIGHT - BOTTOM
    place = {label: LEFT + step * (i + 0.5) for i, label in enumerate(labels)}
    parts = _scale(floor)
    every = -(-len(labels) // 14)
    for i, label in enumerate(labels):
        if i % every == 0:
            parts.append(_text(place[label], floor + 17, label[:18], "middle", MUTED))
    parts.append(_text(LEFT + across / 2, HEIGHT - 4, below, "middle", MUTED))
    for number, one in enumerate(series):
        colour, shift = COLOURS[number % len(COLOURS)], (number - (len(series) - 1) / 2) * 5
        at = [(place[m.label] + shift, m) for m in one.marks if m.label in place]
        route = "L".join(f"{x:.1f} {_y(m.value, floor):.1f}" for x, m in at)
        if route:
            parts.append(Markup('<path d="M{}" fill="none" stroke="{}" stroke-width="1.6"/>').format(route, colour))
        for x, m in at:
            parts += _mark(x, m, floor, colour, bars=one.bars)
        x, y = LEFT + 8 + 190 * (number % 4), 12 + 18 * (number // 4) - lift
        parts += [_dot(x, y, colour), _text(x + 10, y + 4, _short(one.name, 30), "start", INK)]
    spoken = "; ".join(f"{s.name}: " + ", ".join(f"{m.label} {m.value:.0%}" for m in s.marks) for s in series)
    return _svg(HEIGHT, title, spoken, parts, top=-lift)


def rows(title: str, marks: Sequence[Mark]) -> Markup:
    """Shares of named cases, one row each."""
    left, line = min(400, 30 + 6.6 * max((len(m.label) for m in marks), default=0)), 24
    floor = TOP + line * len(marks)
    across = WIDTH - left - 60
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        x = left + across * share
        parts += [_line(x, TOP - 8, x, floor, RULE), _text(x, TOP - 14, f"{share:.0%}", "middle", MUTED)]
    for i, m in enumerate(marks):
        y = TOP + line * (i + 0.5)
        parts.append(_text(left - 14, y + 4, _short(m.label), "end", INK))
        parts.append(_line(left + across * m.low, y, left + across * m.high, y, COLOURS[0], 2))
        parts += [_dot(left + across * m.value, y, COLOURS[0]), _text(WIDTH - 8, y + 4, f"{m.value:.0%}", "end", INK)]
    spoken = "; ".join(f"{m.label}: {m.value:.0%}" for m in marks)
    return _svg(floor + 8, title, spoken, parts)


def diagonal(title: str, marks: Sequence[tuple[float, Mark]], *, below: str) -> Markup:
    """Observed shares against stated ones, with the line on which they agree."""
    side, floor = WIDTH - LEFT - RIGHT, HEIGHT - BOTTOM
    parts = _scale(floor)
    parts.append(_line(LEFT, floor, LEFT + side, TOP, MUTED, 1, "4 4"))
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(_text(LEFT + side * share, floor + 17, f"{share:g}", "middle", MUTED))
    parts.append(_text(LEFT + side / 2, HEIGHT - 4, below, "middle", MUTED))
    for stated, m in marks:
        parts += _mark(LEFT + side * stated, m, floor, COLOURS[0])
    spoken = "; ".join(f"stated {stated:g}, observed {m.value:.0%}" for stated, m in marks)
    return _svg(HEIGHT, title, spoken, parts)


def standalone(picture: Markup) -> str:
    """A figure as a file of its own."""
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" font-family="system-ui,sans-serif" font-size="12" '
    return str(picture).replace("<svg ", head, 1) + "\n"


def _short(label: str, most: int = 56) -> str:
    return label if len(label) <= most else f"{label[: most - 1]}…"


def _scale(floor: float) -> list[Markup]:
    parts = []
    for share in (0.0, 0.25, 0.5, 0.75, 1.0):
        y = _y(share, floor)
        parts += [_line(LEFT, y, WIDTH - RIGHT, y, RULE), _text(LEFT - 8, y + 4, f"{share:.0%}", "end", MUTED)]
    return parts


def _mark(x: float, m: Mark, floor: float, colour: str, *, bars: bool = True) -> list[Markup]:
    whisker = [_line(x, _y(m.low, floor), x, _y(m.high, floor), colour, 1.4)] if bars else []
    return [*whisker, _dot(x, _y(m.value, floor), colour)]


def _y(share: float, floor: float) -> float:
    return floor - (floor - TOP) * min(max(share, 0.0), 1.0)


def _dot(x: float, y: float, colour: str) -> Markup:
    return Markup('<circle cx="{}" cy="{}" r="3.4" fill="{}"/>').format(f"{x:.1f}", f"{y:.1f}", colour)


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float = 1, dash: str = "") -> Markup:
    extra = Markup(' stroke-dasharray="{}"').format(dash) if dash else ""
    d = f"M{x1:.1f} {y1:.1f}L{x2:.1f} {y2:.1f}"
    return Markup('<path d="{}" fill="none" stroke="{}" stroke-width="{}"{}/>').format(d, colour, width, extra)


def _text(x: float, y: float, words: str, anchor: str, colour: str) -> Markup:
    return Markup('<text x="{}" y="{}" text-anchor="{}" fill="{}">{}</text>').format(
        f"{x:.1f}", f"{y:.1f}", anchor, colour, escape(words)
    )


def _svg(height: float, title: str, spoken: str, parts: Sequence[Markup], *, top: float = 0) -> Markup:
    box = f"0 {top:.0f} {WIDTH} {height - top:.0f}"
    return Markup('<svg viewBox="{}" role="img" aria-label="{}"><title>{}</title><desc>{}</desc>{}</svg>').format(
        box, title, title, spoken, Markup("").join(parts)
    )
