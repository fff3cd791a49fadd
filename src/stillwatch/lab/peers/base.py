"""What every peer shares: the world's tables in DuckDB, groups from edges, a case to be scored."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import duckdb
import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq
import yaml
from scipy import sparse

from stillwatch.domain.errors import InputError
from stillwatch.domain.licence import LicenceFile

I64 = npt.NDArray[np.int64]
F64 = npt.NDArray[np.float64]
LEAST = 12
"""Accounts from which a group is reported: Stillwatch's own limit, so that no peer is measured at another."""


class World(NamedTuple):
    """A world: views ``exchanges`` and ``accounts`` without licensed customers, which no peer is asked about."""

    db: duckdb.DuckDBPyConnection
    accounts: list[str]
    """Every account that sent traffic, licensed ones included, in order."""


class Found(NamedTuple):
    """A peer's answer for the accounts it has something to say about."""

    account: list[str]
    group: list[str | None]
    """None: not flagged."""
    score: list[float]


Peer = Callable[[World], Found]


def open_world(folder: Path) -> World:
    """Open a world's directory. Raises :class:`InputError` where it is none."""
    db = duckdb.connect()
    db.execute("SET TimeZone='UTC'").fetchall()
    db.execute("SET enable_progress_bar=false").fetchall()
    licensed = _licensed(folder / "licences.yaml")
    for name in ("exchanges", "accounts"):
        path = folder / f"{name}.parquet"
        if not path.exists():
            raise InputError("is missing", where=str(path))
        where = " AND ".join(
            f"({column} IS NULL OR {column} NOT IN ({', '.join(map(_text, values))}))"
            for column, values in licensed.items()
            if values
        )
        source = f"read_parquet({_text(str(path))})"
        db.execute(f"CREATE VIEW all_{name} AS SELECT * FROM {source}").fetchall()
        db.execute(f"CREATE VIEW {name} AS SELECT * FROM {source} WHERE {where or 'true'}").fetchall()
    seen = db.execute("SELECT DISTINCT account_id FROM all_exchanges ORDER BY account_id").fetchall()
    return World(db, [r[0] for r in seen])


def write_case(world: World, found: Found, out: Path) -> None:
    """``accounts.parquet`` and ``campaigns.json`` of the contract, as far as evaluation reads them."""
    out.mkdir(parents=True, exist_ok=True)
    said = {a: (g, s) for a, g, s in zip(*found, strict=True)}
    rows = [(a, *said.get(a, (None, 0.0))) for a in world.accounts]
    table = pa.table(
        {
            "account_id": [r[0] for r in rows],
            "campaign_id": pa.array([r[1] for r in rows], pa.string()),
            "disposition": ["campaign" if r[1] else "clear" for r in rows],
            "score": pa.array([min(max(r[2], 0.0), 1.0) for r in rows], pa.float64()),
        }
    )
    pq.write_table(table, out / "accounts.parquet")
    groups = [{"id": g} for g in sorted({r[1] for r in rows if r[1]})]
    (out / "campaigns.json").write_text(json.dumps({"campaigns": groups}), encoding="utf-8")


def connected(left: I64, right: I64, size: int) -> I64:
    """The connected component of each of ``size`` nodes."""
    links = sparse.coo_array((np.ones(len(left), dtype=np.int8), (left, right)), shape=(size, size))
    labels: I64 = sparse.csgraph.connected_components(links, directed=False)[1].astype(np.int64)
    return labels


def large(names: list[str], label: I64, score: F64, prefix: str) -> Found:
    """Groups of at least ``LEAST`` accounts are flagged; all others keep their score and no group."""
    size = np.bincount(label) if len(label) else np.zeros(0, dtype=np.int64)
    groups = [f"{prefix}-{n}" if size[n] >= LEAST else None for n in label.tolist()]
    return Found(names, groups, score.tolist())


def _licensed(path: Path) -> dict[str, list[str]]:
    if not path.exists():
        return {}
    licences = msgspec.convert(yaml.safe_load(path.read_text("utf-8")), LicenceFile).licences
    return {
        "org_id": [x.org_id for x in licences if x.org_id],
        "account_id": [a for x in licences for a in x.account_ids],
    }


def _text(value: Any) -> str:
    return "'" + str(value).replace("'", "''") + "'"
