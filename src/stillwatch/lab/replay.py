"""A world as it was known at earlier times, and what was harvested by then."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import duckdb

from stillwatch.domain.errors import InputError
from stillwatch.lab.page import figure, heading, html, paragraph, table
from stillwatch.lab.plot import Mark, Series, curves
from stillwatch.lab.tables import percent

HOUR = 3_600_000_000
MOST_CUTS = 2_000


class Cut(NamedTuple):
    """The log up to ``until`` (microseconds since the epoch, excluded)."""

    key: str
    world: Path
    until: int


def parse_span(text: str) -> int:
    """``hour``, ``day``, ``6h``, ``30m`` or ``2d`` in microseconds.

    >>> parse_span("6h") == 6 * parse_span("hour") == 360 * parse_span("1m")
    True
    """
    units = {"m": HOUR // 60, "h": HOUR, "d": 24 * HOUR}
    text = {"hour": "1h", "day": "1d"}.get(text, text)
    number, unit = text[:-1], text[-1:]
    if unit not in units or not number.isdigit() or int(number) == 0:
        raise InputError(f"--every {text}: expected hour, day, 30m, 6h or 2d")
    return int(number) * units[unit]


def cuts(world: Path, every: int, detector: str) -> list[Cut]:
    """Cut-offs at round multiples of ``every`` from the first exchange to the last."""
    with duckdb.connect() as db:
        first, last = db.execute(
            "SELECT epoch_us(min(ts)), epoch_us(max(ts)) FROM read_parquet($1)", [_table(world, "exchanges")]
        ).fetchall()[0]
    if first is None:
        raise InputError("holds no exchange", where=str(world))
    with (world / "exchanges.parquet").open("rb") as file:
        content = hashlib.file_digest(file, "sha256").hexdigest()
    times = range((first // every + 1) * every, last + every, every)
    if len(times) > MOST_CUTS:
        raise InputError(f"{len(times):,} cut-offs", remedy=f"at most {MOST_CUTS:,}: a longer --every")
    named = [(f"{content}:{until}:{detector}", until) for until in times]
    return [Cut(hashlib.sha256(name.encode()).hexdigest()[:24], world, until) for name, until in named]


def write_cut(cut: Cut, out: Path) -> None:
    """The world's files with what was known at the cut-off: exchanges before it, accounts signed up before it."""
    out.mkdir(parents=True)
    with duckdb.connect() as db:
        db.execute("SET threads=1").fetchall()
        db.execute("SET preserve_insertion_order=true").fetchall()
        for name, where in (
            ("exchanges", f"epoch_us(ts) < {cut.until}"),
            ("accounts", f"created_at IS NULL OR epoch_us(created_at) < {cut.until}"),
            ("truth", "true"),
        ):
            source, to = _table(cut.world, name), str(out / f"{name}.parquet")
            db.execute(
                f"COPY (SELECT * FROM read_parquet($source) WHERE {where}) TO '{_quoted(to)}' (FORMAT parquet)",
                {"source": source},
            ).fetchall()
    if (cut.world / "licences.yaml").exists():
        shutil.copyfile(cut.world / "licences.yaml", out / "licences.yaml")


def timeline(world: Path, records: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Per campaign of the world: when it was first found, and what it had harvested by then.

    ``records`` are the measurements in order of ``until``. ``exchanges`` counts all of its accounts' exchanges, cover
    included. A campaign that is lost again later stays found: somebody has read the case by then.
    """
    totals = _totals(world)
    result = []
    for name, (first, total) in totals.items():
        line = {"campaign": name, "total": total, "hours": None, "exchanges": None, "share": None, "any_hours": None}
        for record in records:
            one = next((c for c in record["campaigns"] if c["name"] == name), None)
            if one is None:
                continue
            hours = (record["until"] - first) / HOUR
            if one["recall"] > 0 and line["any_hours"] is None:
                line["any_hours"] = hours
            if one["found"]:
                line |= {"hours": hours, "exchanges": one["exchanges"], "share": one["exchanges"] / total}
                break
        result.append(line)
    return result


def render(name: str, records: Sequence[Mapping[str, Any]], lines: Sequence[Mapping[str, Any]]) -> str:
    """The page: share of each campaign's accounts named at every cut-off, and the table of first findings."""
    start = min(r["until"] for r in records)
    labels = [f"{(r['until'] - start) / HOUR:g}" for r in records]
    series = []
    for line in lines:
        marks = []
        for label, record in zip(labels, records, strict=True):
            one = next((c for c in record["campaigns"] if c["name"] == line["campaign"]), None)
            if one is not None:
                marks.append(Mark(label, one["recall"], one["recall"], one["recall"]))
        series.append(Series(line["campaign"], marks, bars=False))
    stained = sum(r["honest_named"] > 0 for r in records)
    body = [
        paragraph(f"World {name}, {len(records)} cut-offs; {stained} of them name an honest account."),
        heading("Accounts named, of those seen so far"),
        figure(curves("Accounts named by cut-off", labels, series, below="hours after the first cut-off")),
        table(
            ("campaign", "first account after", "found after", "exchanges by then", "of all"),
            [
                (x["campaign"], _hours(x["any_hours"]), _hours(x["hours"]), _count(x["exchanges"]), percent(x["share"]))
                for x in lines
            ],
        ),
    ]
    return html("How much was taken before it was seen?", body)


def _hours(value: float | None) -> str:
    return "never" if value is None else f"{value:.1f} h"


def _count(value: int | None) -> str:
    return "–" if value is None else f"{value:,}"


def _totals(world: Path) -> dict[str, tuple[int, int]]:
    with duckdb.connect() as db:
        rows = db.execute(
            """SELECT t.campaign, epoch_us(min(e.ts)), count(*) FROM read_parquet($1) AS e
            JOIN read_parquet($2) AS t USING (account_id) WHERE t.campaign IS NOT NULL
            GROUP BY t.campaign ORDER BY t.campaign""",
            [_table(world, "exchanges"), _table(world, "truth")],
        ).fetchall()
    return {r[0]: (r[1], r[2]) for r in rows}


def _table(world: Path, name: str) -> str:
    path = world / f"{name}.parquet"
    if not path.exists():
        raise InputError("is missing", where=str(path), remedy="is this a world of `stillwatch lab generate`?")
    return str(path)


def _quoted(path: str) -> str:
    return path.replace("'", "''")
