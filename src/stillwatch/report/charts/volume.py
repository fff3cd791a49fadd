"""Volume over time: the campaign above, everything else of the log below, each on its own scale, one time axis."""

from __future__ import annotations

from markupsafe import Markup

from stillwatch.domain.verdict import Charts
from stillwatch.report.charts.area import area, merged
from stillwatch.report.charts.axis import LEFT, RIGHT, TimeAxis
from stillwatch.report.charts.svg import CAMPAIGN, MUTED, ORDINARY, WIDTH, line, svg, text
from stillwatch.report.numbers import short

PANEL, GAP, TOP = 74, 30, 20


def volume_chart(charts: Charts, *, axis: TimeAxis | None = None) -> Markup | None:
    """The figure, or None where the case has no series."""
    if not charts.volume_campaign or charts.bucket_us <= 0:
        return None
    axis = axis or TimeAxis.of(charts)
    unit = bucket_name(charts.bucket_us * merged(charts.volume_campaign)[1])
    rows = (
        (f"This campaign, exchanges per {unit}", charts.volume_campaign, CAMPAIGN),
        ("All other traffic", charts.volume_other, ORDINARY),
    )
    bottom = TOP + 2 * PANEL + GAP
    parts = axis.draw(TOP, bottom)
    peaks = []
    for i, (name, values, colour) in enumerate(rows):
        top = TOP + i * (PANEL + GAP)
        shape, peak = area(axis, charts.bucket_start_us, charts.bucket_us, values, top, top + PANEL, colour)
        peaks.append(peak)
        parts += [shape, line(LEFT, top + PANEL, WIDTH - RIGHT, top + PANEL, MUTED)]
        parts += [text(LEFT, top - 7, name, kind="b"), text(LEFT - 8, top + PANEL, "0", anchor="end", kind="m")]
        parts.append(text(LEFT - 8, top + 10, short(peak) if peak else "none", anchor="end", kind="m"))
    return svg(
        WIDTH,
        bottom + 24,
        "Exchanges over time",
        f"Exchanges per {unit}; the campaign peaks at {peaks[0]:,}, all other traffic at {peaks[1]:,}",
        parts,
    )


def bucket_name(us: int) -> str:
    """The width of a bucket.

    >>> bucket_name(3_600_000_000), bucket_name(900_000_000)
    ('hour', '15 minutes')
    """
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        n, rest = divmod(us, size * 1_000_000)
        if n >= 1 and rest == 0:
            return unit if n == 1 else f"{n:,} {unit}s"
    return f"{us / 1e6:,.0f} seconds"
