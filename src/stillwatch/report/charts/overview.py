"""All campaigns on one time axis, a line of small areas each."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from stillwatch.domain.verdict import Campaign
from stillwatch.report.charts.area import area
from stillwatch.report.charts.axis import LEFT, RIGHT, TimeAxis
from stillwatch.report.charts.svg import CAMPAIGN, MUTED, ORDINARY, WIDTH, line, svg, text
from stillwatch.report.numbers import short

MOST_ROWS = 12


def overview_chart(campaigns: Sequence[Campaign]) -> Markup | None:
    """The figure, or None where no campaign has a series. The last row is the rest of the log."""
    held = [c for c in campaigns if c.charts.volume_campaign and c.charts.bucket_us > 0]
    if not held:
        return None
    axis = TimeAxis.of(*(c.charts for c in held))
    rows = [(c.id, c.charts, c.charts.volume_campaign, CAMPAIGN) for c in held[:MOST_ROWS]]
    if len(held) == 1:
        rows.append(("other traffic", held[0].charts, held[0].charts.volume_other, ORDINARY))
    row, gap = (26, 12) if len(rows) < 5 else (20, 8) if len(rows) < 7 else (16, 8)
    bottom = 8 + len(rows) * (row + gap)
    parts = axis.draw(4, bottom)
    for i, (name, charts, values, colour) in enumerate(rows):
        low = 8 + i * (row + gap) + row
        shape, peak = area(axis, charts.bucket_start_us, charts.bucket_us, values, low - row, low, colour)
        parts += [shape, line(LEFT, low, WIDTH - RIGHT, low, MUTED, 0.7)]
        parts += [text(LEFT - 8, low - 11, name[:14], anchor="end", kind="s")]
        parts += [text(LEFT - 8, low, f"peak {short(peak)}", anchor="end", kind="m")]
    return svg(WIDTH, bottom + 20, "Campaigns over time", f"{len(held):,} campaigns, each on its own scale", parts)
