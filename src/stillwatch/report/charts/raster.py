"""Dispatch raster: one dot per exchange, time across, accounts down in the order in which they appear."""

from __future__ import annotations

from markupsafe import Markup

from stillwatch.domain.verdict import Charts
from stillwatch.report.charts.axis import LEFT, TimeAxis
from stillwatch.report.charts.svg import CAMPAIGN, MUTED, WIDTH, dots, line, svg, text

TOP, MOST_HEIGHT, LEAST_HEIGHT = 20, 230, 60


def raster_chart(charts: Charts, *, axis: TimeAxis | None = None, most: int = 4_000) -> Markup | None:
    """The figure, or None where the case has no samples. ``most`` bounds the dots (evenly thinned)."""
    n = min(len(charts.raster_us), len(charts.raster_account))
    if not n:
        return None
    axis = axis or TimeAxis.of(charts)
    if axis.end <= 1:
        axis = TimeAxis(min(charts.raster_us), max(charts.raster_us) + 1)
    accounts = max(max(charts.raster_account[:n]) + 1, 1)
    height = min(MOST_HEIGHT, max(LEAST_HEIGHT, 3 * accounts))
    stride = -(-n // max(most, 1))
    spots = {
        (round(axis.x(charts.raster_us[i])), round(TOP + (max(charts.raster_account[i], 0) + 0.5) * height / accounts))
        for i in range(0, n, stride)
    }
    bottom = TOP + height
    size = 2.6 if len(spots) < 1_500 else 1.7
    parts = [
        *axis.draw(TOP, bottom),
        line(LEFT, bottom, WIDTH - 14, bottom, MUTED),
        dots(sorted(spots), CAMPAIGN, size, 0.8),
        text(LEFT, TOP - 7, f"{accounts:,} accounts, one line each, in the order in which they appear", kind="b"),
        text(LEFT - 8, TOP + 10, "first", anchor="end", kind="m"),
        text(LEFT - 8, bottom, "last", anchor="end", kind="m"),
    ]
    return svg(
        WIDTH, bottom + 24, "Dispatch raster", f"{n:,} sampled exchanges of {accounts:,} accounts over time", parts
    )
