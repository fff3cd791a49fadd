"""The detector once more, on a sealed population."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.campaigns.run import ScanInput, Settings, run_scan
from stillwatch.domain.licence import Licence
from stillwatch.domain.log import EXCHANGES
from stillwatch.domain.verdict import Campaign, CaseResult
from stillwatch.engine import DuckEngine, Log
from stillwatch.evidence.casefile import members
from stillwatch.evidence.gather import CARRIED, Population
from stillwatch.sources.reader import BATCH_ROWS

Kernel = Callable[[pa.RecordBatch], dict[str, pa.Table]]


class _SealedLog:
    """The population as a log to be scanned; it has no text to fetch again."""

    names: tuple[str, ...] = ()

    def __init__(self, exchanges: pa.Table, columns: Iterable[str]) -> None:
        self._exchanges = exchanges
        self.columns_present = frozenset(columns)

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        at = 0
        for batch in self._exchanges.to_batches(BATCH_ROWS):
            rows = np.arange(at, at + batch.num_rows, dtype=np.int64)
            batch = batch.append_column("source_file", pa.array(np.zeros(len(rows), np.int32)))
            yield batch.append_column("source_row", pa.array(rows))
            at += batch.num_rows

    def fetch_rows(self, wanted: dict[int, list[int]], columns: Sequence[str]) -> pa.Table:
        rows = self._exchanges.take(pa.array(sorted(row for rows in wanted.values() for row in rows), pa.int64()))
        nothing = {name: pa.nulls(len(rows), EXCHANGES.field(name).type) for name in columns}
        return pa.table({name: rows[name] if name == "exchange_id" else nothing[name] for name in columns})

    def quarantine_table(self) -> pa.Table:
        return pa.table({"file": pa.array([], pa.string())})

    def inputs(self) -> list[dict[str, object]]:
        return []


class _SealedEngine(DuckEngine):
    """DuckDB, with what was carried past the text put in the place of what the sketches cannot tell.

    The key of an exchange becomes its place: the rows lie in the order that their true keys gave them.
    """

    def map_batches(self, log: Log, kernel: Kernel) -> None:
        def carried(batch: pa.RecordBatch) -> dict[str, pa.Table]:
            out = kernel(batch)
            rows = out["exchanges"]
            known = {name: batch.column(name).cast(rows.schema.field(name).type) for name in CARRIED.names}
            for name, column in (known | {"key": rows["rid"].cast(pa.uint64())}).items():
                rows = rows.set_column(rows.schema.get_field_index(name), name, column)
            return {**out, "exchanges": rows}

        super().map_batches(log, carried)


class Sealed(NamedTuple):
    """What a rerun needs."""

    population: Population
    licences: tuple[Licence, ...]
    columns: tuple[str, ...]
    rate: float
    seed: int


def rerun(sealed: Sealed, *, threads: int) -> CaseResult:
    """The result of a scan of the population, accounts under their pseudonyms."""
    people = sealed.population
    names: list[str] = people.order["account_id"].to_pylist()
    places = {name: f"{i:010d}" for i, name in enumerate(names)}
    exchanges = _placed(people.exchanges, places)
    accounts = None if people.accounts is None else _placed(people.accounts, places)
    licences = tuple(
        msgspec.structs.replace(x, account_ids=tuple(places.get(a, a) for a in x.account_ids)) for x in sealed.licences
    )
    with _SealedEngine(threads=threads) as engine:
        found = run_scan(
            engine,
            ScanInput(_SealedLog(exchanges, sealed.columns), accounts, licences, False, False),
            Settings(rate=sealed.rate, seed=sealed.seed, threads=threads),
        )
    back = pa.array([names[int(place)] for place in found.accounts["account_id"].to_pylist()], pa.string())
    found.accounts = found.accounts.set_column(0, found.accounts.schema.field(0), back).sort_by("account_id")
    return found


def _placed(table: pa.Table, places: Mapping[str, str]) -> pa.Table:
    """Accounts by their place in the true order; one that was never seen keeps its pseudonym."""
    at = table.schema.get_field_index("account_id")
    coded = pc.dictionary_encode(table.column(at).combine_chunks())
    coded = coded.combine_chunks() if isinstance(coded, pa.ChunkedArray) else coded
    named = pa.array([places.get(v, v) for v in coded.dictionary.to_pylist()], pa.string())
    column = pa.DictionaryArray.from_arrays(coded.indices, named).cast(pa.string())
    return table.set_column(at, table.schema.field(at), column)


class GroupMatch(NamedTuple):
    """One group of the case beside its like in the rerun."""

    id: str
    verdict: str
    found_as: str | None
    """Id of the rerun's group; None: there is none with a member in common."""
    matched_by: str
    """``members``, or ``figures`` where a case does not tell the group's members apart (look-alikes; shared ids)."""
    overlap: float | None
    """Members in common over members of either, 0…1; None where matched by figures."""
    differs: tuple[str, ...]
    """What is not the same."""
    statistics_differ: bool


class Comparison(NamedTuple):
    """A case beside a rerun."""

    accounts: int
    accounts_same: int
    """Accounts with the same disposition."""
    groups: tuple[GroupMatch, ...]

    @property
    def groups_same(self) -> int:
        """Groups found again with the same members, as far as they can be told, and the same figures."""
        return sum(not g.differs for g in self.groups)

    @property
    def same(self) -> bool:
        """Every account has its disposition and every group its members, verdict, tactics and figures."""
        return self.accounts == self.accounts_same and self.groups_same == len(self.groups)


def compare(case: CaseResult, again: CaseResult) -> Comparison:
    """Accounts and groups exactly; test statistics apart. Ids of groups differ, being hashes of a member's name."""
    have = dict(zip(*(again.accounts[c].to_pylist() for c in ("account_id", "disposition")), strict=True))
    mine = list(zip(*(case.accounts[c].to_pylist() for c in ("account_id", "disposition")), strict=True))
    wanted, found = _told_apart(case), _told_apart(again)
    by_members = {names: key for key, names in found.items()}
    rest = list(again.campaigns)
    matches: dict[int, GroupMatch] = {}
    for i, group in enumerate(case.campaigns):
        key = by_members.get(wanted.get((group.id, group.verdict), frozenset()))
        other = next((c for c in rest if (c.id, c.verdict) == key), None)
        if other is not None:
            rest.remove(other)
            matches[i] = _match(group, other, "members", 1.0)
    for i, group in enumerate(case.campaigns):
        other = next((c for c in rest if _figures(c) == _figures(group)), None)
        if i not in matches and other is not None:
            rest.remove(other)
            matches[i] = _match(group, other, "figures", None)
    for i, group in enumerate(case.campaigns):
        if i not in matches:
            matches[i] = _nearest(group, wanted, found, rest)
    return Comparison(
        len(mine), sum(have.get(name) == said for name, said in mine), tuple(matches[i] for i in sorted(matches))
    )


def as_facts(found: Comparison) -> dict[str, Any]:
    """A comparison as plain values."""
    return {
        "same": found.same,
        "accounts": found.accounts,
        "accounts_same": found.accounts_same,
        "groups_same": found.groups_same,
        "groups": [g._asdict() for g in found.groups],
    }


def _told_apart(case: CaseResult) -> dict[tuple[str, str], frozenset[str]]:
    """Members of the groups that share id and verdict with no other and have members in the accounts table."""
    times = Counter((c.id, c.verdict) for c in case.campaigns)
    return {key: names for key, names in members(case, case.campaigns).items() if names and times[key] == 1}


def _match(group: Campaign, other: Campaign, by: str, overlap: float | None) -> GroupMatch:
    before, after = _figures(group), _figures(other)
    differs = tuple(name for name in before if before[name] != after[name])
    return GroupMatch(group.id, group.verdict, other.id, by, overlap, differs, _statistics(group) != _statistics(other))


def _nearest(
    group: Campaign,
    wanted: Mapping[tuple[str, str], frozenset[str]],
    found: Mapping[tuple[str, str], frozenset[str]],
    rest: Sequence[Campaign],
) -> GroupMatch:
    """The rerun's remaining group with the most members in common; what is left of the comparison says what differs."""
    names = wanted.get((group.id, group.verdict), frozenset())
    best, like = 0.0, None
    for other in rest:
        theirs = found.get((other.id, other.verdict), frozenset())
        overlap = len(names & theirs) / max(len(names | theirs), 1)
        if overlap > best:
            best, like = overlap, other
    if like is None:
        return GroupMatch(group.id, group.verdict, None, "members", 0.0, ("members",), True)
    match = _match(group, like, "members", best)
    return match._replace(differs=("members", *match.differs))


def _figures(c: Campaign) -> dict[str, Any]:
    """What a group is, apart from names, texts and test statistics."""
    return {
        "verdict": c.verdict,
        "accounts": (c.accounts, c.core_accounts),
        "exchanges": (c.exchanges, c.harvest_exchanges),
        "times": (c.first_seen, c.last_seen),
        "tactics": [(t.id, t.accounts, t.exchanges) for t in c.tactics],
        "models": (c.models, c.channels),
        "tokens": (c.impact.input_tokens, c.impact.output_tokens, c.impact.reasoning_tokens),
        "alternatives": [(a.kind, a.rejected) for a in c.alternatives],
        "families": [(f.family, f.available, f.formed_group) for f in c.families],
    }


def _statistics(c: Campaign) -> tuple[object, ...]:
    return (c.q_value, *((f.statistic, f.p_value) for f in c.families))
