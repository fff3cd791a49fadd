"""When people and machines act: local rhythms, moods, days off."""

from __future__ import annotations

from datetime import UTC, datetime

from bench.agents.dice import Dice

SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR

# Weight of each local hour, and of Monday … Sunday, for a way of life.
_HOURS: dict[str, list[float]] = {
    "home": [1, 0.5, 0.2, 0.1, 0.1, 0.3, 1, 2, 3, 3, 3, 3, 4, 3, 3, 3, 4, 5, 6, 8, 9, 9, 7, 3],
    "office": [0.05, 0, 0, 0, 0, 0.1, 0.4, 2, 6, 10, 10, 9, 5, 7, 10, 10, 8, 5, 2, 1, 1, 0.7, 0.4, 0.2],
    "student": [3, 1.5, 0.7, 0.3, 0.1, 0.1, 0.2, 1, 2, 4, 5, 5, 4, 5, 6, 6, 6, 5, 5, 7, 8, 9, 8, 6],
    "night": [8, 8, 7, 5, 3, 1, 0.3, 0.2, 0.3, 0.5, 1, 1, 1, 2, 2, 2, 2, 2, 3, 4, 5, 6, 8, 9],
    "player": [4, 2, 1, 0.4, 0.2, 0.3, 0.6, 1, 1.5, 2, 2, 3, 4, 4, 5, 6, 7, 8, 9, 10, 11, 10, 9, 6],
    "machine": [1] * 24,
}
_WEEK: dict[str, list[float]] = {
    "home": [1, 1, 1, 1, 1.1, 1.4, 1.4],
    "office": [1, 1.1, 1.1, 1, 0.8, 0.12, 0.08],
    "student": [1.1, 1.1, 1.1, 1, 0.8, 0.7, 1.2],
    "night": [1, 1, 1, 1, 1.2, 1.3, 1],
    "player": [0.9, 0.9, 0.9, 0.9, 1.2, 1.6, 1.5],
    "machine": [1] * 7,
}
LIVES = tuple(_HOURS)
EPOCH = int(datetime(2026, 9, 7, tzinfo=UTC).timestamp()) * SECOND  # a Monday


def moments(dice: Dice, start: int, end: int, utc_offset: int, life: str, per_day: float) -> list[int]:
    """Times in [start, end), ascending: a Poisson number per local day, swayed by weekday and mood."""
    found: list[int] = []
    offset = utc_offset * HOUR
    chronotype = dice.py.gauss(0, 0.9) * HOUR
    hours, week = _HOURS[life], _WEEK[life]
    mood = 1.0
    for day in range((start + offset) // DAY, (end + offset) // DAY + 1):
        mood = min(4.0, max(0.1, mood**0.5 * dice.lognormal(1.0, 0.5))) if life != "machine" else 1.0
        count = _poisson(dice, per_day * mood * week[(day - EPOCH // DAY) % 7])
        for hour in dice.py.choices(range(24), hours, k=count):
            at = day * DAY + int((hour + dice.py.random()) * HOUR + chronotype) - offset
            if start <= at < end:
                found.append(at)
    return sorted(found)


def _poisson(dice: Dice, mean: float) -> int:
    if mean > 12:
        return dice.poisson(mean)
    count, left = 0, dice.py.expovariate(1.0)
    while left < mean:
        count += 1
        left += dice.py.expovariate(1.0)
    return count


def office_hours(at: int, utc_offset: int, opens: float = 9, closes: float = 18) -> bool:
    """Whether somebody with working hours in that time zone is at work."""
    local = at + utc_offset * HOUR
    weekday = (local // DAY - EPOCH // DAY) % 7
    return weekday < 5 and opens <= (local % DAY) / HOUR < closes
