"""Strength of evidence: −log10 p per family, with the families that formed the group or could not speak."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from stillwatch.report.charts.svg import CAMPAIGN, INK, MUTED, ORDINARY, RULE, WIDTH, line, rect, svg, text
from stillwatch.report.numbers import probability
from stillwatch.report.strength import STRONG, Strength

LEFT, ROW, TOP, LABELS = 110, 26, 26, 190
MOST = 15.0
"""Bars end here, as figures do."""


def strength_chart(families: Sequence[Strength]) -> Markup | None:
    """The figure, or None without families."""
    if not families:
        return None
    most = min(max([4.0, *(f.strength * 1.04 for f in families)]), MOST)
    scale = (WIDTH - LEFT - LABELS) / most
    bottom = TOP + ROW * len(families)
    step = 1 if most <= 5 else 2 if most <= 10 else 3
    parts = [text(LEFT, 12, "p = 1", anchor="middle", kind="m"), line(LEFT, TOP - 8, LEFT, bottom, MUTED)]
    for power in range(step, int(most) + 1, step):
        x = LEFT + power * scale
        parts += [
            line(x, TOP - 8, x, bottom, RULE),
            text(x, 12, probability(10.0**-power), anchor="middle", kind="m"),
        ]
    x = LEFT + 3 * scale
    parts.append(line(x, TOP - 8, x, bottom + 4, INK, 1.2, "3 3"))
    for i, family in enumerate(families):
        y = TOP + i * ROW
        parts.append(text(LEFT - 10, y + 15, family.family, anchor="end", kind="b"))
        parts += _row(family, y, scale, most)
    parts.append(text(x, bottom + 17, f"from here on a family supports the verdict (p ≤ {STRONG})", kind="m"))
    spoken = "; ".join(f"{f.family}: {f.words}" for f in families)
    return svg(WIDTH, bottom + 24, "Strength of evidence by family", spoken, parts)


def _row(family: Strength, y: float, scale: float, most: float) -> list[Markup]:
    if family.state != "tested":
        if family.state == "formed":
            box = rect(LEFT + 4, y + 5, 30, 13, "url(#hatch)", stroke=ORDINARY)
            return [box, text(LEFT + 44, y + 15, "formed the group, so it does not judge it", kind="m over")]
        return [
            line(LEFT + 4, y + 11, LEFT + 34, y + 11, MUTED, 1.2, "2 4"),
            text(LEFT + 44, y + 15, family.words, kind="m over"),
        ]
    length = min(family.strength, most) * scale
    bar = rect(LEFT, y + 5, max(length, 1.5), 13, CAMPAIGN if family.supports else ORDINARY, radius=1.5)
    return [bar, text(LEFT + length + 8, y + 15, family.words, kind="over")]
