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
from stillwatch.campaigns.past import Past
from stillwatch.campaigns.redaction import MASK, common_text
from stillwatch.campaigns.singles import single_accounts
from stillwatch.domain.errors import InputError
from stillwatch.domain.licence import Licence
from stillwatch.domain.verdict import CaseResult
from stillwatch.engine import Engine, give_back
from stillwatch.signals.prepare import build_population, drop_duplicates, duplicates, read_log
from stillwatch.signals.tactics import catalogue
from stillwatch.state.store import PLACE

I32 = npt.NDArray[np.int32]
__all__ = ["ScanInput", "Settings", "run_scan"]


class Reader(Protocol):
    """What a scan needs of an open log."""

    @property
    def names(self) -> tuple[str, ...]:
        """What its files are called, in the order of ``source_file``."""
        ...

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
    engine: Engine,
    given: ScanInput,
    settings: Settings,
    *,
    past: Past | None = None,
    step: Callable[[str], None] = lambda _: None,
) -> CaseResult:
    """Read, detect, build; on top of earlier scans where there is a ``past``, which is committed by whoever gave it.

    Raises :class:`InputError` for bad input.
    """
    reader = given.reader
    step("text pass")
    read_log(engine, reader)
    repeated = duplicates(engine)
    if repeated:
        file, row = repeated[0]
        if not given.quarantine:
            raise InputError(
                f"exchange_id is not unique: {len(repeated):,} rows repeat one",
                where=f"{reader.names[file]}, row {row}, column exchange_id",
                remedy="give each exchange its own id, or use --on-bad-row quarantine",
            )
        drop_duplicates(engine, repeated)
    if past is not None:
        step("history")
        past.recall(engine)
    population = build_population(engine, given.accounts, step)
    give_back()
    models, channels = _seen(engine, "models_seen"), _seen(engine, "channels_seen")
    organisations = np.where(
        population.table["org_id"] == 0, population.table["org_of_exchanges"], population.table["org_id"]
    )
    licensed = apply_licences(population, given.licences, models, channels, organisations)
    covered = np.zeros(population.size, np.bool_)
    for licence in licensed:
        covered[licence.accounts] = True
    leads = past.leads(population) if past is not None else ()
    found = detect(population, settings, licensed=covered, leads=leads, step=step)
    if past is not None:
        found = past.recognised(population, found)
    give_back()
    step("report")

    def fetch(rows: I32, columns: Sequence[str]) -> tuple[list[int], list[dict[str, str | None]]]:
        """Rows of the log again, in the order of the log, and what stands there; rows of earlier scans are none."""
        rid = population.columns["rid"][rows].astype(np.int64)
        rows, rid = rows[rid < PLACE], rid[rid < PLACE]
        order = np.argsort(rid, kind="stable")
        wanted: dict[int, list[int]] = {}
        for value in rid[order].tolist():
            wanted.setdefault(value >> 40, []).append(value & ((1 << 40) - 1))
        return rows[order].tolist(), reader.fetch_rows(wanted, columns).to_pylist()

    def exchange_ids(rows: I32) -> dict[int, str]:
        rows = np.unique(rows)
        if not len(rows):
            return {}
        named = {
            row: f"{key:016x}" for row, key in zip(rows.tolist(), population.columns["key"][rows].tolist(), strict=True)
        }
        found, names = fetch(rows, ["exchange_id"])
        return named | {row: n["exchange_id"] for row, n in zip(found, names, strict=True) if n["exchange_id"]}

    def prompts(rows: I32) -> dict[int, str]:
        found, texts = fetch(rows, ["system_prompt", "prompt"])
        return dict.fromkeys(rows.tolist(), "") | {
            row: "\n".join(part for part in (t["system_prompt"], t["prompt"]) if part)
            for row, t in zip(found, texts, strict=True)
        }

    def show(texts: Sequence[str]) -> str:
        there = [text for text in texts if text]
        return min(there, key=lambda t: (len(t), t))[:600] if given.show_text and there else common_text(there)

    names = Names(models, channels, exchange_ids, prompts, show)
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
        known=past.identities if past is not None else {},
        taken_ids=past.ids if past is not None else (),
    )
    if past is not None:
        case = past.carried(population, found, case, names, settings)
    if given.quarantine:
        case.quarantine = _quarantine(reader, repeated, given.set_aside)
    return case


def _seen(engine: Engine, relation: str) -> pa.Array:
    return engine.collect(f"SELECT DISTINCT name FROM {relation} ORDER BY name")["name"].combine_chunks()


def _unknown_tactics(columns: frozenset[str]) -> list[str]:
    """Without a single text, tactics that lie in the words of one request are unknown, not absent."""
    if {"prompt", "system_prompt"} & columns:
        return []
    labelled = {"T-SEARCH"} if "refusal_category" in columns else set()
    return [t.id for t in catalogue() if t.level == "exchange" and t.id not in labelled]


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
