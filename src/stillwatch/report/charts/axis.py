"""The time axis that all charts of a campaign share: same scale, same place, round ticks."""

from __future__ import annotations

from typing import NamedTuple

from markupsafe import Markup

from stillwatch.domain.verdict import Charts
from stillwatch.report.charts.svg import RULE, WIDTH, line, text
from stillwatch.report.numbers import MONTHS, from_us

LEFT, RIGHT = 106, 14
_HOUR = 3_600_000_000
_STEPS = tuple(_HOUR * h for h in (1, 2, 3, 6, 12, 24, 48, 96, 168, 336, 672, 1344, 2688, 8766, 17532, 87660))
_MOST_TICKS = 7


class TimeAxis(NamedTuple):
    """From ``start`` to ``end``, microseconds since the epoch."""

    start: int
    end: int

    @classmethod
    def of(cls, *charts: Charts) -> TimeAxis:
        """The axis that holds the volume series of all of them."""
        held = [c for c in charts if c.volume_campaign and c.bucket_us > 0]
        if not held:
            return cls(0, 1)
        return cls(
            min(c.bucket_start_us for c in held),
            max(c.bucket_start_us + c.bucket_us * len(c.volume_campaign) for c in held),
        )

    def x(self, us: float) -> float:
        """Where a time lies."""
        share = (us - self.start) / max(self.end - self.start, 1)
        return LEFT + min(max(share, 0.0), 1.0) * (WIDTH - LEFT - RIGHT)

    def ticks(self) -> list[tuple[int, str]]:
        """Round times with their names; the date once per day, hours between."""
        length = self.end - self.start
        step = next((s for s in _STEPS if length / s <= _MOST_TICKS), length // _MOST_TICKS + 1)
        first = -(-self.start // step) * step
        out, shown = [], ""
        for us in range(first, self.end + 1, step):
            at = from_us(us)
            if at is None:
                continue
            date = f"{at.day} {MONTHS[at.month - 1]}"
            if step >= 28 * 24 * _HOUR:
                date += f" {at.year}"
            out.append((us, date if date != shown else f"{at:%H:%M}"))
            shown = date
        return out

    def draw(self, top: float, bottom: float, *, labels: bool = True) -> list[Markup]:
        """Light verticals, and their names below."""
        out: list[Markup] = []
        for us, name in self.ticks():
            x = self.x(us)
            out.append(line(x, top, x, bottom, RULE))
            if labels:
                out.append(text(min(x, WIDTH - 24), bottom + 15, name, anchor="middle", kind="m"))
        return out
