"""Figures as people read them."""

from __future__ import annotations

import math
from datetime import UTC, datetime

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
SMALLEST = 1e-15
"""Below this a p-value's size says nothing more: it comes from a fitted tail, and campaigns.json has it in full."""
_SUPERSCRIPT = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def count(n: int) -> str:
    """With thousands separators.

    >>> count(24000)
    '24,000'
    """
    return f"{n:,}"


def short(n: float) -> str:
    """Three figures at most.

    >>> [short(n) for n in (950, 28_800, 151_000_000, 2_300_000_000)]
    ['950', '28.8 k', '151 M', '2.3 G']
    """
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(n) >= size * 0.9995:
            value = n / size
            return (f"{value:.0f}" if value >= 99.95 else f"{value:.1f}".removesuffix(".0")) + f" {unit}"
    return f"{n:,.0f}"


def percent(share: float) -> str:
    """Never 0% for something, never 100% for less than all.

    >>> [percent(s) for s in (0.0, 0.001, 0.5, 0.999, 1.0)]
    ['0%', '<1%', '50%', '>99%', '100%']
    """
    if not math.isfinite(share):
        return "unknown"
    if 0 < share < 0.005:
        return "<1%"
    if 0.995 <= share < 1:
        return ">99%"
    return f"{share * 100:.0f}%"


def probability(p: float | None) -> str:
    """A p- or q-value: plain down to a thousandth, powers of ten below, no figure where the tail is an extrapolation.

    >>> [probability(p).replace("\xa0", " ") for p in (0.2, 0.01, 0.00032, 1e-40)]
    ['0.2', '0.01', '3.2 × 10⁻⁴', '<10⁻¹⁵']
    """
    if p is None or not math.isfinite(p):
        return "unknown"
    if p < SMALLEST:
        return "<10⁻¹⁵"
    if p >= 0.00095:
        return f"{p:.2g}"
    digits, power = f"{p:.1e}".split("e")
    head = "" if digits == "1.0" else f"{digits.removesuffix('.0')}\xa0×\xa0"
    return f"{head}10{str(int(power)).translate(_SUPERSCRIPT)}"


def from_us(us: int) -> datetime | None:
    """A time of the log, None where the calendar ends."""
    try:
        return datetime.fromtimestamp(us / 1e6, UTC)
    except (OverflowError, ValueError, OSError):
        return None


def parse_time(text: str) -> datetime | None:
    """An ISO 8601 time of a case, None for anything else."""
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return None
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def day(at: datetime) -> str:
    """``3 Mar 2026``."""
    return f"{at.day} {MONTHS[at.month - 1]} {at.year}"


def moment(text: str) -> str:
    """An ISO time as ``3 Mar 2026, 14:05``; other text as it is.

    >>> moment("2026-03-03T14:05:09Z")
    '3 Mar 2026, 14:05'
    """
    at = parse_time(text)
    return text if at is None else f"{day(at)}, {at:%H:%M}"


def shortly(text: str) -> str:
    """The same without its year, where the year is said elsewhere.

    >>> shortly("2026-03-03T14:05:09Z")
    '3 Mar, 14:05'
    """
    at = parse_time(text)
    return text if at is None else f"{at.day} {MONTHS[at.month - 1]}, {at:%H:%M}"


def span(first: str, last: str) -> str:
    """How long from one ISO time to another.

    >>> span("2026-03-03T14:05:09Z", "2026-03-09T16:00:00Z")
    '6.1 days'
    """
    a, b = parse_time(first), parse_time(last)
    if a is None or b is None or b < a:
        return ""
    seconds = (b - a).total_seconds()
    for size, unit in ((86_400, "days"), (3_600, "hours"), (60, "minutes")):
        if seconds >= 2 * size:
            return f"{seconds / size:.1f}".removesuffix(".0") + f" {unit}"
    return f"{seconds:.0f} seconds"
