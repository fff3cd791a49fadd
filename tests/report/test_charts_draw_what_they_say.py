"""Charts: bounded, deterministic, and true to their figures."""

from __future__ import annotations

import re

import msgspec
import numpy as np

from stillwatch.domain.verdict import Charts, Family, FamilyFinding
from stillwatch.report import charts
from stillwatch.report.charts.axis import LEFT, RIGHT, TimeAxis
from stillwatch.report.charts.layout import force_layout
from stillwatch.report.charts.svg import WIDTH
from stillwatch.report.strength import strength
from tests.report.example import HOUR, START
from tests.report.example import charts as series

SERIES = series(1, 100, range(30, 170))


def finding(**changes: object) -> FamilyFinding:
    base = FamilyFinding(family=Family.TIMING, available=True, formed_group=False, p_value=1e-5)
    return msgspec.structs.replace(base, **changes)


def test_the_states_of_a_family_are_told_apart() -> None:
    assert strength(finding()).supports
    assert not strength(finding(p_value=0.01)).supports
    assert strength(finding(available=False)).state == "unavailable"
    assert strength(finding(p_value=None, formed_group=True)).state == "formed"
    assert strength(finding(p_value=None)).state == "untested"
    assert strength(finding(p_value=float("nan"))).state == "untested"
    assert strength(finding(p_value=0.0)).strength == 300


def test_a_longer_bar_is_stronger_and_no_bar_leaves_the_chart() -> None:
    drawn = charts.strength_chart([strength(finding(p_value=p)) for p in (0.5, 1e-3, 1e-9, 1e-40, 0.0)])
    widths = [float(w) for w in re.findall(r'<rect x="110" y="[\d.]+" width="([\d.]+)"', drawn or "")]
    assert widths == sorted(widths) and len(widths) == 5 and max(widths) < WIDTH - 110


def test_volume_and_raster_share_their_axis() -> None:
    axis = TimeAxis.of(SERIES)
    assert axis == (START, START + 336 * HOUR)
    assert axis.x(axis.start) == LEFT and axis.x(axis.end) == WIDTH - RIGHT
    assert axis.x(axis.end + HOUR) == WIDTH - RIGHT, "times outside stay on the edge"
    assert 3 <= len(axis.ticks()) <= 8


def test_ticks_are_round_from_minutes_to_years() -> None:
    for length in (60, 3_600, 86_400, 30 * 86_400, 400 * 86_400, 20_000 * 86_400):
        ticks = TimeAxis(START, START + length * 1_000_000).ticks()
        assert len(ticks) <= 9
    assert TimeAxis(0, 10**20).ticks() == [(0, "1 Jan 1970")], "the calendar ends before the axis"


def test_the_raster_is_thinned_evenly_and_keeps_its_bounds() -> None:
    small, full = charts.raster_chart(SERIES, most=300), charts.raster_chart(SERIES)
    assert small and full and len(small) < len(full)
    assert small.count("h0") <= 300


def test_the_layout_is_the_same_every_time_and_inside_the_frame() -> None:
    edges = np.array([(i, 40 + i % 5) for i in range(40)], np.int64)
    a, b = force_layout(45, edges, 50), force_layout(45, edges, 50)
    assert (a == b).all() and np.isfinite(a).all() and a.min() >= 0 and a.max() <= 1
    tied = np.linalg.norm(a[edges[:, 0]] - a[edges[:, 1]], axis=1).mean()
    assert tied < 0.6 * np.linalg.norm(a[:, None] - a[None], axis=2).mean(), "what is tied lies together"


def test_degenerate_series_draw_nothing_or_something_but_never_fail() -> None:
    empty = Charts(bucket_us=HOUR, bucket_start_us=START, volume_campaign=(0, 0), volume_other=(0, 0), raster_us=(),
                   raster_account=(), graph_nodes=(("a1", "account"),), graph_edges=((0, 7), (-1, 0)))  # fmt: skip
    assert charts.volume_chart(empty) and charts.raster_chart(empty) is None and charts.graph_chart(empty) is None
    dot = msgspec.structs.replace(empty, bucket_us=0, raster_us=(START,), raster_account=(0,))
    assert charts.volume_chart(dot) is None and charts.raster_chart(dot)
    pair = msgspec.structs.replace(empty, graph_nodes=(("a1", "account"), ("x", "new kind")), graph_edges=((0, 1),))
    assert "new kind" in (charts.graph_chart(pair) or "")
