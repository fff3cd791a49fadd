"""Inline SVG, drawn in Python: no script, no network, the same case the same picture."""

from __future__ import annotations

from stillwatch.report.charts.graph import graph_chart
from stillwatch.report.charts.overview import overview_chart
from stillwatch.report.charts.raster import raster_chart
from stillwatch.report.charts.strength import strength_chart
from stillwatch.report.charts.volume import volume_chart

__all__ = ["graph_chart", "overview_chart", "raster_chart", "strength_chart", "volume_chart"]
