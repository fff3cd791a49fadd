"""What became of every account: counts by disposition, from the accounts table."""

from __future__ import annotations

from typing import NamedTuple

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.domain.verdict import CaseResult

ORDER = ("campaign", "watch", "licensed", "lookalike", "clear")


class Share(NamedTuple):
    """One disposition."""

    disposition: str
    kind: str
    accounts: int
    exchanges: int


class Census(NamedTuple):
    """The whole log."""

    accounts: int
    exchanges: int
    first_seen: str
    last_seen: str
    shares: tuple[Share, ...]

    @property
    def one_year(self) -> bool:
        """Whether the log lies in one calendar year, so that a year need not be said again."""
        return self.first_seen[:4] == self.last_seen[:4]

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of disposition that occur, in order."""
        return tuple(dict.fromkeys(s.kind for s in self.shares))

    def exchanges_of(self, kind: str) -> int:
        """Exchanges of the accounts of one kind of disposition."""
        return sum(s.exchanges for s in self.shares if s.kind == kind)

    def accounts_of(self, kind: str) -> int:
        """Accounts of one kind of disposition."""
        return sum(s.accounts for s in self.shares if s.kind == kind)


def census(case: CaseResult) -> Census:
    """Count the accounts table once."""
    table = case.accounts
    if not table.num_rows:
        return Census(0, 0, "", "", ())
    grouped = table.group_by("disposition", use_threads=False).aggregate(
        [("account_id", "count"), ("exchanges", "sum")]
    )
    shares = [
        Share(name, name.split(":", 1)[0], int(accounts), int(exchanges or 0))
        for name, accounts, exchanges in zip(
            grouped["disposition"].to_pylist(),
            grouped["account_id_count"].to_pylist(),
            grouped["exchanges_sum"].to_pylist(),
            strict=True,
        )
    ]
    shares.sort(key=lambda s: (ORDER.index(s.kind) if s.kind in ORDER else len(ORDER), -s.accounts, s.disposition))
    return Census(
        table.num_rows,
        sum(s.exchanges for s in shares),
        _iso(pc.min(table["first_seen"])),
        _iso(pc.max(table["last_seen"])),
        tuple(shares),
    )


def _iso(value: pa.Scalar) -> str:
    text: str = pc.strftime(value.cast(pa.timestamp("s", tz="UTC"), safe=False), format="%Y-%m-%dT%H:%M:%SZ").as_py()
    return text
