"""From the engine's relations to the population: named SQL steps, then holdings per kind of value."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.domain.errors import InputError
from stillwatch.engine import Engine
from stillwatch.kernels.hashing import hash_strings
from stillwatch.signals import handover
from stillwatch.signals.features import FeaturePass, client_stack
from stillwatch.signals.intent import client_crowds
from stillwatch.signals.population import Population, Values, make_values, representatives, strata
from stillwatch.signals.registry import KINDS
from stillwatch.signals.tactics import catalogue
from stillwatch.signals.templates import find_templates

_ROW_COLUMNS = (
    "ts", "org", "end_user", "session", "prompt", "skeleton", "prompt_tokens", "system", "system_skeleton",
    "edge_template", "prefix", "parameters", "schema", "status", "refused", "tactics", "address", "network", "asn",
    "client", "tls", "ref_issued", "ref_presented", "input_tokens", "output_tokens", "reasoning_tokens", "rid",
)  # fmt: skip
_TABLE_COLUMNS = (
    "org_id", "plan", "programme", "verification", "email_domain", "phone_fingerprint", "payment_fingerprint",
    "signup_ip", "device_fingerprint", "licence_id",
)  # fmt: skip
LEAST_BLOCKS = 3
"""A shared part with fewer winnowing marks (about 25 tokens) is a phrase, not a template."""


def read_log(engine: Engine, batches: Iterable[pa.RecordBatch]) -> None:
    """The text pass: relations ``exchanges`` and ``fingerprints``."""
    engine.map_batches(batches, FeaturePass())


def duplicates(engine: Engine) -> list[tuple[int, int]]:
    """(file, row) of exchanges that repeat an exchange_id; the first in file order is kept."""
    engine.sql(
        "repeated",
        """SELECT rid FROM (SELECT rid, row_number() OVER (PARTITION BY key ORDER BY rid) AS nth
           FROM exchanges WHERE given) AS e WHERE nth > 1""",
    )
    rows = engine.collect("SELECT rid FROM repeated ORDER BY rid")["rid"].to_pylist()
    return [(rid >> 40, rid & ((1 << 40) - 1)) for rid in rows]


def drop_duplicates(engine: Engine) -> None:
    """Leave the repeated rows out of everything that follows."""
    engine.sql("exchanges_once", "SELECT * FROM exchanges WHERE rid NOT IN (SELECT rid FROM repeated)")
    engine.sql("exchanges", "SELECT * FROM exchanges_once")
    engine.sql("fingerprints_once", "SELECT * FROM fingerprints WHERE rid NOT IN (SELECT rid FROM repeated)")
    engine.sql("fingerprints", "SELECT * FROM fingerprints_once")


def build_population(
    engine: Engine, accounts: pa.Table | None, step: Callable[[str], None] = lambda _: None
) -> Population:
    """Everything that signals, links and campaigns read. Raises :class:`InputError` for an empty log."""
    step("accounts")
    engine.sql(
        "account_codes",
        """SELECT account, account_id, row_number() OVER (ORDER BY account_id) - 1 AS code, uses, first, last, org
           FROM (
           SELECT account, min(account_id) AS account_id, count(*) AS uses, min(ts) AS first, max(ts) AS last,
                  max(org) AS org FROM exchanges GROUP BY account) AS a""",
    )
    engine.sql(
        "row_numbers",
        """SELECT e.rid AS rid, a.code AS code, row_number() OVER (ORDER BY e.ts, e.key, e.rid) - 1 AS row
           FROM exchanges AS e JOIN account_codes AS a ON a.account = e.account""",
    )
    codes = engine.collect("SELECT account_id, uses, first, last, org FROM account_codes ORDER BY code")
    if not codes.num_rows:
        raise InputError("the log holds no exchange", remedy="name a log with at least one row")
    picked = ", ".join(f'e."{c}"' for c in _ROW_COLUMNS)
    frame = engine.collect(
        f"""SELECT r.code AS account_code, {picked}, e.channel, e.model FROM exchanges AS e
            JOIN row_numbers AS r ON r.rid = e.rid ORDER BY r.row"""
    )
    columns: dict[str, npt.NDArray[Any]] = {name: frame[name].to_numpy() for name in _ROW_COLUMNS}
    for name in ("channel", "model"):
        columns[name] = hash_strings(frame[name].combine_chunks())
    account = frame["account_code"].to_numpy().astype(np.int32)
    ids = codes["account_id"].combine_chunks()
    table = _account_columns(ids, accounts)
    counts = codes["uses"].to_numpy().astype(np.int64)
    first, last = codes["first"].to_numpy().astype(np.int64), codes["last"].to_numpy().astype(np.int64)
    org = np.where(table["org_id"] == 0, codes["org"].to_numpy().astype(np.uint64), table["org_id"])
    customer, representative = representatives(org, counts)
    step("templates")
    kinds, capped = _holdings(engine, account, columns, table, representative)
    return Population(
        account_ids=ids,
        account=account,
        ts=columns["ts"].astype(np.int64),
        columns=columns,
        table=table,
        counts=counts,
        first=first,
        last=last,
        representative=representative,
        customer=customer,
        stratum=strata(counts, table["created_at"], last),
        kinds=kinds,
        unavailable=tuple(sorted(k.name for k in KINDS if kinds[k.name].size == 0)),
        capped=capped,
    )


def _account_columns(ids: pa.Array, accounts: pa.Table | None) -> dict[str, npt.NDArray[Any]]:
    """The accounts table in the order of ``ids``: hashes (0 unknown) and ``created_at`` in µs (0 unknown)."""
    n = len(ids)
    out: dict[str, npt.NDArray[Any]] = {name: np.zeros(n, np.uint64) for name in _TABLE_COLUMNS}
    out["created_at"] = np.zeros(n, np.int64)
    if accounts is None or not accounts.num_rows:
        return out
    mine, theirs = hash_strings(ids), hash_strings(accounts["account_id"].combine_chunks())
    order = np.argsort(theirs, kind="stable")
    place = np.minimum(np.searchsorted(theirs[order], mine), len(theirs) - 1)
    found = theirs[order][place] == mine
    at = order[place]
    for name in _TABLE_COLUMNS:
        out[name] = np.where(found, hash_strings(accounts[name].combine_chunks())[at], np.uint64(0))
    created = accounts["created_at"].cast(pa.int64()).fill_null(0).to_numpy()
    out["created_at"] = np.where(found, created[at], 0).astype(np.int64)
    return out


def _holdings(
    engine: Engine,
    account: npt.NDArray[np.int32],
    columns: dict[str, npt.NDArray[Any]],
    table: dict[str, npt.NDArray[Any]],
    representative: npt.NDArray[np.bool_],
) -> tuple[dict[str, Values], dict[str, int]]:
    n = len(representative)
    everyone = np.arange(n, dtype=np.int64)
    every_row = np.arange(len(account), dtype=np.int64)
    kinds: dict[str, Values] = {}
    for kind in KINDS:
        if kind.source == "account":
            kinds[kind.name] = make_values(kind.name, everyone, table[kind.column], representative)
        elif kind.source == "exchange":
            kinds[kind.name] = make_values(
                kind.name, account.astype(np.int64), columns[kind.column], representative, rows=every_row
            )
    cohort = (table["created_at"] // 3_600_000_000).astype(np.uint64)
    kinds["cohort"] = make_values("cohort", everyone, cohort, representative)
    stack = client_stack(*(columns[name] for name in ("client", "tls", "parameters", "schema")))
    kinds["stack"] = make_values("stack", account.astype(np.int64), stack, representative, rows=every_row)
    found = find_templates(engine, n)
    whole = found.blocks >= LEAST_BLOCKS
    for name, mask in (("template", whole), ("phrase", ~whole)):
        rows = found.rows[mask]
        kinds[name] = make_values(name, account[rows].astype(np.int64), found.template[mask], representative, rows=rows)
    moves = {
        "failover": handover.failovers(
            columns["prefix"], account, columns["ts"], columns["status"], columns["refused"]
        ),
        "replay": handover.replays(columns["ref_issued"], columns["ref_presented"], account),
    }
    for tag, (name, move) in enumerate(moves.items()):
        who, value, rows = handover.as_holdings(move, account, tag)
        kinds[name] = make_values(name, who, value, representative, rows=rows)
    who, crowd = client_crowds(account, columns["ts"], columns["client"])
    kinds["relay"] = make_values("relay", who, crowd, representative)
    seen = [np.flatnonzero(columns["tactics"] & np.uint32(1 << i)) for i in range(len(catalogue()))]
    rows = np.concatenate(seen)
    value = np.repeat(np.arange(1, len(seen) + 1, dtype=np.uint64), [len(s) for s in seen])
    kinds["tactic"] = make_values("tactic", account[rows].astype(np.int64), value, representative, rows=rows)
    return kinds, {"fingerprints held by more than 30 % of accounts": found.huge}
