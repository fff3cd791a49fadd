"""One scan from an open log to a case value; files, clock and screen stay outside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.campaigns.build import Names, build_case
from stillwatch.campaigns.detect import Settings, detect
from stillwatch.campaigns.licences import apply_licences
from stillwatch.campaigns.redaction import MASK, common_text
from stillwatch.campaigns.singles import single_accounts
from stillwatch.domain.errors import InputError
from stillwatch.domain.licence import Licence
from stillwatch.domain.verdict import CaseResult
from stillwatch.engine import Engine
from stillwatch.signals.prepare import build_population, drop_duplicates, duplicates, read_log
from stillwatch.signals.tactics import catalogue

I64 = npt.NDArray[np.int64]
__all__ = ["ScanInput", "Settings", "run_scan"]


class Reader(Protocol):
    """What a scan needs of an open log."""

    names: tuple[str, ...]

    @property
    def columns_present(self) -> frozenset[str]:
        """Columns in which the log holds a value; known once it has been read."""
        ...

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Batches of the canonical table with ``source_file`` and ``source_row``."""
        ...

    def fetch_rows(self, wanted: dict[int, list[int]], columns: Sequence[str]) -> pa.Table:
        """A few rows again."""
        ...

    def quarantine_table(self) -> pa.Table:
        """Rows that could not be read."""
        ...


class ScanInput(NamedTuple):
    """The opened inputs of a scan."""

    reader: Reader
    accounts: pa.Table | None
    licences: tuple[Licence, ...]
    quarantine: bool
    show_text: bool
    set_aside: pa.Table | None = None
    """Rows of the accounts table that could not be read."""


def run_scan(
    engine: Engine, given: ScanInput, settings: Settings, *, step: Callable[[str], None] = lambda _: None
) -> CaseResult:
    """Read, detect, build. Raises :class:`InputError` for bad input."""
    reader = given.reader
    step("text pass")
    read_log(engine, reader.batches())
    repeated = duplicates(engine)
    if repeated:
        file, row = repeated[0]
        if not given.quarantine:
            raise InputError(
                f"exchange_id is not unique: {len(repeated):,} rows repeat one",
                where=f"{reader.names[file]}, row {row}, column exchange_id",
                remedy="give each exchange its own id, or use --on-bad-row quarantine",
            )
        drop_duplicates(engine)
    population = build_population(engine, given.accounts, step)
    frame = engine.collect("SELECT DISTINCT model FROM exchanges ORDER BY model")["model"].combine_chunks()
    channels = engine.collect("SELECT DISTINCT channel FROM exchanges ORDER BY channel")["channel"].combine_chunks()
    licensed = apply_licences(
        population, given.licences, frame, channels, _organisations(engine, population.table["org_id"])
    )
    covered = np.zeros(population.size, np.bool_)
    for licence in licensed:
        covered[licence.accounts] = True
    found = detect(population, settings, licensed=covered, step=step)
    step("report")

    def exchange_ids(rows: I64) -> list[str]:
        if not len(rows):
            return []
        wanted = ", ".join(str(int(r)) for r in rows)
        table = engine.collect(
            f"""SELECT r.row AS row, e.exchange_id AS given, e.key AS key FROM exchanges AS e
                JOIN row_numbers AS r ON r.rid = e.rid WHERE r.row IN ({wanted}) ORDER BY r.row"""
        )
        names = [
            g if g is not None else f"{k:016x}"
            for g, k in zip(table["given"].to_pylist(), table["key"].to_pylist(), strict=True)
        ]
        place = dict(zip(table["row"].to_pylist(), names, strict=True))
        return [place[int(r)] for r in rows]

    def prompts(rows: I64) -> dict[int, str]:
        rid = population.columns["rid"][rows].astype(np.int64)
        wanted: dict[int, list[int]] = {}
        for value in rid.tolist():
            wanted.setdefault(value >> 40, []).append(value & ((1 << 40) - 1))
        table = reader.fetch_rows(wanted, ["system_prompt", "prompt"])
        texts = [
            "\n".join(part for part in (s, p) if part)
            for s, p in zip(table["system_prompt"].to_pylist(), table["prompt"].to_pylist(), strict=True)
        ]
        place = dict(zip(sorted(rid.tolist()), texts, strict=True))
        return {row: place[value] for row, value in zip(rows.tolist(), rid.tolist(), strict=True)}

    def show(texts: Sequence[str]) -> str:
        return min(texts, key=lambda t: (len(t), t))[:600] if given.show_text and texts else common_text(texts)

    names = Names(frame, channels, exchange_ids, prompts, show)
    case = build_case(
        population,
        found,
        licensed,
        single_accounts(population, found),
        names,
        {
            "accounts": population.size,
            "exchanges": len(population.ts),
            "columns": sorted(reader.columns_present),
            "unknown_tactics": _unknown_tactics(reader.columns_present),
            "mask": MASK,
        },
    )
    if given.quarantine:
        case.quarantine = _quarantine(reader, repeated, given.set_aside)
    return case


def _unknown_tactics(columns: frozenset[str]) -> list[str]:
    """Without a single text, tactics that lie in the words of one request are unknown, not absent."""
    if {"prompt", "system_prompt"} & columns:
        return []
    labelled = {"T-SEARCH"} if "refusal_category" in columns else set()
    return [t.id for t in catalogue() if t.level == "exchange" and t.id not in labelled]


def _organisations(engine: Engine, from_table: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    seen = engine.collect("SELECT org FROM account_codes ORDER BY code")["org"].to_numpy().astype(np.uint64)
    return np.where(from_table == 0, seen, from_table)


def _quarantine(reader: Reader, repeated: list[tuple[int, int]], more: pa.Table | None) -> pa.Table:
    table = reader.quarantine_table()
    if more is not None:
        table = pa.concat_tables([table, more])
    if not repeated:
        return table
    again = pa.table(
        {
            "file": [reader.names[f] for f, _ in repeated],
            "row": [r for _, r in repeated],
            "column": ["exchange_id"] * len(repeated),
            "error": ["repeats the exchange_id of an earlier row"] * len(repeated),
        },
        schema=table.schema,
    )
    return pa.concat_tables([table, again])
