"""A world being built: accounts, exchanges in blocks, coded strings."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.domain.log import ACCOUNTS
from stillwatch.lab.clock import DAY, Floats, Ints
from stillwatch.lab.log import Log
from stillwatch.lab.scenario import Scenario
from stillwatch.lab.text.grammar import LANGUAGES

MODELS = ("atlas-large-3", "atlas-small-3", "atlas-reason-3", "atlas-code-3", "atlas-large-4", "atlas-reason-4")
NEW_MODEL = {0: 4, 1: 4, 2: 5, 3: 4}
"""What each older model is replaced by after the release."""
TRUTH = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("role", pa.string(), nullable=False),
        pa.field("campaign", pa.string()),
        pa.field("language", pa.string()),
        pa.field("vpn", pa.bool_()),
        pa.field("new", pa.bool_()),
    ]
)
ENROLLED = pa.schema([*ACCOUNTS, *(f for f in TRUTH if f.name not in ACCOUNTS.names)])
UTC_OFFSETS = {
    "en": ((-6, "US"), (-5, "US"), (-8, "US"), (0, "GB"), (5.5, "IN"), (10, "AU"), (1, "NG"), (-5, "CA")),
    "zh": ((8, "CN"), (8, "TW"), (8, "SG"), (8, "MY")),
    "ru": ((3, "RU"), (5, "KZ"), (3, "BY"), (4, "GE")),
    "es": ((2, "ES"), (-6, "MX"), (-3, "AR"), (-5, "CO")),
    "de": ((2, "DE"), (2, "AT"), (2, "CH")),
    "ja": ((9, "JP"),),
    "fr": ((2, "FR"), (2, "BE"), (-4, "CA"), (0, "SN")),
}


PART = 100_000
"""Exchanges that are made at a time, roughly: what a world takes in memory does not depend on its length."""


@dataclass
class Coder:
    """Strings as small numbers."""

    values: list[str] = field(default_factory=list)
    _index: dict[str, int] = field(default_factory=dict)
    _lengths: list[int] = field(default_factory=list)

    def codes(self, strings: list[str | None]) -> Ints:
        """Numbers of the strings; -1 for None."""
        return np.array([-1 if s is None else self._code(s.strip()) for s in strings], dtype=np.int64)

    def new(self, strings: list[str]) -> Ints:
        """Numbers of strings of which none was there before."""
        self.values += strings
        return np.arange(len(self.values) - len(strings), len(self.values))

    def lengths(self) -> Ints:
        """Characters of each string, and 0 at the end, where -1 finds it."""
        self._lengths += [len(s) for s in self.values[len(self._lengths) :]]
        return np.array([*self._lengths, 0], dtype=np.int64)

    def _code(self, string: str) -> int:
        if string not in self._index:
            self._index[string] = len(self.values)
            self.values.append(string)
        return self._index[string]


@dataclass
class World:
    """Everything generated so far."""

    scenario: Scenario
    rng: np.random.Generator
    log: Log = field(default_factory=Log)
    accounts: list[dict[str, list[Any]]] = field(default_factory=list)
    """Columns of the accounts of one kind or campaign, while it is made."""
    enrolled: list[pa.Table] = field(default_factory=list)
    """Accounts of all that are done (ACCOUNTS and TRUTH)."""
    licences: list[dict[str, Any]] = field(default_factory=list)
    coders: dict[str, Coder] = field(default_factory=dict)
    size: int = 0
    sessions: int = 0
    references: int = 0
    """Reasoning references given out so far."""

    @property
    def start(self) -> int:
        """Start of the log in microseconds since the epoch."""
        return int(datetime.fromisoformat(self.scenario.start).replace(tzinfo=UTC).timestamp() * 1_000_000)

    @property
    def span(self) -> int:
        """Length of the log in microseconds."""
        return int(self.scenario.days * DAY)

    @property
    def weekday(self) -> int:
        """Weekday of the first day, Monday is 0."""
        return datetime.fromisoformat(self.scenario.start).weekday()

    def coder(self, column: str) -> Coder:
        """The coder of a column."""
        return self.coders.setdefault(column, Coder())

    def token(self, prefix: str, n: int, digits: int = 12) -> list[str]:
        """``n`` opaque identifiers."""
        return [f"{prefix}{x:0{digits}x}" for x in self.rng.integers(0, min(16**digits, 2**62), n).tolist()]

    def languages(self, n: int, mix: dict[str, float] | None = None) -> Ints:
        """Languages drawn from a mix (the scenario's by default)."""
        mix = mix or self.scenario.languages
        weight = np.array([mix.get(name, 0.0) for name in LANGUAGES])
        return self.rng.choice(len(LANGUAGES), n, p=weight / weight.sum())

    def parts(self, rates: Floats, together: int = 1) -> Iterator[Ints]:
        """Places of accounts (``rates`` in requests a day), so few at a time that they send about ``PART`` exchanges.

        ``together`` neighbours stay in one part.
        """
        sent = np.cumsum(np.maximum(rates, 0) * self.scenario.days)[together - 1 :: together] // PART
        blocks = np.split(np.arange(len(rates)), (np.flatnonzero(np.diff(sent)) + 1) * together)
        yield from (block for block in blocks if len(block))

    def settle(self) -> None:
        """A kind or campaign is done: its accounts become a table, which takes less memory than lists."""
        for block in self.accounts:
            columns = {f.name: pa.array(block[f.name]).cast(f.type) for f in ENROLLED}
            self.enrolled.append(pa.table(columns, schema=ENROLLED))
        self.accounts.clear()

    def volumes(self, n: int, median: float, sigma: float, top: float) -> Floats:
        """Heavy-tailed daily rates."""
        return np.minimum(self.rng.lognormal(np.log(median), sigma, n), top) * self.scenario.volume
