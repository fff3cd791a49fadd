"""Times as STIX writes them: UTC, to the millisecond."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from stillwatch.domain.errors import InputError


def stamp(moment: datetime) -> str:
    """
    >>> stamp(datetime(2026, 6, 15, 12, 30, tzinfo=UTC))
    '2026-06-15T12:30:00.000Z'
    """
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def stamp_us(microseconds: int) -> str:
    """The same, of microseconds since the epoch."""
    return stamp(moment_us(microseconds))


def moment_us(microseconds: int) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=microseconds)


def moment(text: str, what: str = "a time") -> datetime:
    """ISO 8601, UTC where no offset is given. :class:`InputError` for anything else."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as exc:
        raise InputError(f"{what} is not a time", remedy="e.g. 2026-11-23T14:00:00Z") from exc
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
