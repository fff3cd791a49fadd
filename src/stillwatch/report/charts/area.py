"""A step area: one series over a time axis."""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup

from stillwatch.report.charts.axis import TimeAxis
from stillwatch.report.charts.svg import num

MOST_STEPS = 240


def merged(values: Sequence[int], most: int = MOST_STEPS) -> tuple[list[int], int]:
    """Neighbouring buckets summed until at most ``most`` are left, and how many became one.

    >>> merged([1, 2, 3, 4, 5], most=3)
    ([3, 7, 5], 2)
    """
    factor = max(-(-len(values) // most), 1)
    return [sum(values[i : i + factor]) for i in range(0, len(values), factor)], factor


def area(
    axis: TimeAxis, start: int, bucket: int, values: Sequence[int], top: float, bottom: float, colour: str
) -> tuple[Markup, int]:
    """The area between ``top`` and ``bottom`` scaled to its own peak, and that peak."""
    steps, factor = merged(values)
    peak = max(steps, default=0)
    if peak <= 0:
        return Markup(""), 0
    pieces = [f"M{num(axis.x(start))} {num(bottom)}"]
    for i, value in enumerate(steps):
        left = axis.x(start + i * factor * bucket)
        right = axis.x(start + min((i + 1) * factor, len(values)) * bucket)
        if value > 0 or (i and steps[i - 1] > 0):
            pieces.append(f"H{num(left)}V{num(bottom - (bottom - top) * max(value, 0) / peak)}H{num(right)}")
    pieces.append(f"V{num(bottom)}Z")
    return Markup('<path d="{}" fill="{}" fill-opacity=".85"/>').format("".join(pieces), colour), peak
