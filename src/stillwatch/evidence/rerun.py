"""The detector once more, on a sealed population."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import msgspec
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.campaigns.run import ScanInput, Settings, run_scan
from stillwatch.domain.licence import Licence
from stillwatch.domain.log import EXCHANGES
from stillwatch.domain.verdict import Campaign, CaseResult
from stillwatch.engine import DuckEngine
from stillwatch.evidence.casefile import members
from stillwatch.evidence.gather import CARRIED, Population
from stillwatch.sources.reader import BATCH_ROWS

Kernel = Callable[[pa.RecordBatch], dict[str, pa.Table]]


class _SealedLog:
    """The population as a log to be scanned; it has no text to fetch again."""

    files: tuple[Path, ...] = ()

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
        n = sum(len(rows) for rows in wanted.values())
        return pa.table({name: pa.nulls(n, EXCHANGES.field(name).type) for name in columns})

    def quarantine_table(self) -> pa.Table:
        return pa.table({"file": pa.array([], pa.string())})


class _SealedEngine(DuckEngine):
    """DuckDB, with what was carried past the text put in the place of what the sketches cannot tell.

    The key of an exchange becomes its place: the rows lie in the order that their true keys gave them.
    """

    def map_batches(self, batches: Iterable[pa.RecordBatch], kernel: Kernel) -> None:
        def carried(batch: pa.RecordBatch) -> dict[str, pa.Table]:
            out = kernel(batch)
            rows = out["exchanges"]
            known = {name: batch.column(name).cast(rows.schema.field(name).type) for name in CARRIED.names}
            for name, column in (known | {"key": rows["rid"].cast(pa.uint64())}).items():
                rows = rows.set_column(rows.schema.get_field_index(name), name, column)
            return {**out, "exchanges": rows}

        super().map_batches(batches, carried)


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
    """One group of the case beside the rerun's group with the most members in common."""

    id: str
    verdict: str
    found_as: str | None
    overlap: float
    """Members in common over members of either, 0…1; 1 = the same members."""
    differs: tuple[str, ...]
    """What is not the same beside the members."""
    statistics_differ: bool


class Comparison(NamedTuple):
    """A case beside a rerun."""

    accounts: int
    accounts_same: int
    """Accounts with the same disposition."""
    groups: tuple[GroupMatch, ...]
    unclear: int
    """Groups of the case that share id and verdict with another: their members cannot be told apart in a case."""

    @property
    def same(self) -> bool:
        """Every account has its disposition and every group its members, verdict, tactics and figures."""
        return self.accounts == self.accounts_same and all(g.overlap == 1 and not g.differs for g in self.groups)


def compare(case: CaseResult, again: CaseResult) -> Comparison:
    """Accounts and groups exactly, statistics apart: those drawn at random may differ in their last digits."""
    have = dict(zip(*(again.accounts[c].to_pylist() for c in ("account_id", "disposition")), strict=True))
    mine = list(zip(*(case.accounts[c].to_pylist() for c in ("account_id", "disposition")), strict=True))
    keys = Counter((c.id, c.verdict) for c in case.campaigns)
    wanted, found = members(case, case.campaigns), members(again, again.campaigns)
    by_key = {(c.id, c.verdict): c for c in again.campaigns}
    groups, unclear = [], 0
    for group in case.campaigns:
        key = (group.id, group.verdict)
        if not wanted[key]:
            continue
        if keys[key] > 1:
            unclear += 1
            continue
        overlap, best = max(
            (len(wanted[key] & other) / len(wanted[key] | other), name) for name, other in found.items() if other
        )
        if overlap == 0:
            groups.append(GroupMatch(group.id, group.verdict, None, 0.0, ("members",), True))
            continue
        differs = _differences(group, by_key[best])
        groups.append(GroupMatch(group.id, group.verdict, best[0], overlap, differs, _statistics(group, by_key[best])))
    return Comparison(len(mine), sum(have.get(name) == said for name, said in mine), tuple(groups), unclear)


def _differences(a: Campaign, b: Campaign) -> tuple[str, ...]:
    pairs = {
        "verdict": (a.verdict, b.verdict),
        "tactics": ([(t.id, t.exchanges) for t in a.tactics], [(t.id, t.exchanges) for t in b.tactics]),
        "harvest_exchanges": (a.harvest_exchanges, b.harvest_exchanges),
        "impact": (a.impact.output_tokens, b.impact.output_tokens),
        "alternatives": (
            [(x.kind, x.rejected) for x in a.alternatives],
            [(x.kind, x.rejected) for x in b.alternatives],
        ),
        "families": (
            [(f.family, f.available, f.formed_group) for f in a.families],
            [(f.family, f.available, f.formed_group) for f in b.families],
        ),
    }
    return tuple(name for name, (x, y) in pairs.items() if x != y)


def _statistics(a: Campaign, b: Campaign) -> bool:
    figures = [[(f.statistic, f.p_value) for f in c.families] for c in (a, b)]
    return figures[0] != figures[1] or a.q_value != b.q_value
