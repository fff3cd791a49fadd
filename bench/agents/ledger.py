"""Where agents leave their exchanges: compact columns, written as the contract's tables."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc


class Setup(NamedTuple):
    """What a client fixes for many requests; null means not set."""

    channel: str | None = "api"
    org_id: str | None = None
    api_key_id: str | None = None
    system_prompt: str | None = None
    temperature: float | None = None
    top_p: float | None = None
    n: int | None = None
    max_output_tokens: int | None = None
    logprobs: bool | None = None
    stream: bool | None = None
    seed: int | None = None
    reasoning_effort: str | None = None
    response_format: str | None = None
    tools_count: int | None = None
    tool_schema_hash: str | None = None
    user_agent: str | None = None
    tls_fingerprint: str | None = None


class Where(NamedTuple):
    """The network a request came from."""

    client_ip: str | None
    asn: int | None


class Row(NamedTuple):
    """One exchange, its setup and network interned."""

    ts: int
    account: int
    setup: int
    where: int
    model: str
    prompt: str
    response: str | None
    session_id: str | None
    end_user_id: str | None
    message_count: int
    input_tokens: int
    output_tokens: int | None
    reasoning_tokens: int | None
    cached_input_tokens: int | None
    status: int
    finish_reason: str | None
    refusal: bool | None
    refusal_category: str | None
    reasoning_ref_issued: str | None
    reasoning_ref_presented: str | None


SETUP_TYPES = [pa.string()] * 4 + [pa.float64()] * 2 + [pa.int64()] * 2 + [pa.bool_()] * 2 + [pa.int64()]
SETUP_TYPES += [pa.string()] * 2 + [pa.int64()] + [pa.string()] * 3
ROW_TYPES = {
    "model": pa.string(),
    "prompt": pa.string(),
    "response": pa.string(),
    "session_id": pa.string(),
    "end_user_id": pa.string(),
    "message_count": pa.int64(),
    "input_tokens": pa.int64(),
    "output_tokens": pa.int64(),
    "reasoning_tokens": pa.int64(),
    "cached_input_tokens": pa.int64(),
    "status": pa.int64(),
    "finish_reason": pa.string(),
    "refusal": pa.bool_(),
    "refusal_category": pa.string(),
    "reasoning_ref_issued": pa.string(),
    "reasoning_ref_presented": pa.string(),
}
# Columns that an edge of these channels does not record, for every client alike.
UNSEEN = {
    "cloud:nimbus": ("client_ip", "asn", "tls_fingerprint", "user_agent"),
    "cloud:harbor": ("tls_fingerprint", "session_id", "client_ip"),
    "reseller": ("tls_fingerprint", "client_ip", "asn"),
}


class Ledger:
    """Rows in the order agents act; sorted by time when the table is made."""

    def __init__(self) -> None:
        self._setups: dict[Setup, int] = {}
        self._wheres: dict[Where, int] = {}
        self._rows: list[Row] = []

    def __len__(self) -> int:
        return len(self._rows)

    def setup(self, setup: Setup) -> int:
        return self._setups.setdefault(setup, len(self._setups))

    def where(self, where: Where) -> int:
        return self._wheres.setdefault(where, len(self._wheres))

    def add(self, row: Row) -> None:
        self._rows.append(row)

    def issued(self, first: int) -> list[tuple[int, str]]:
        """Time and value of the reasoning references issued since row `first`."""
        return [
            (row.ts, row.reasoning_ref_issued) for row in self._rows[first:] if row.reasoning_ref_issued is not None
        ]

    def table(self, names: list[str], rng: np.random.Generator) -> tuple[pa.Table, np.ndarray]:
        """The exchanges, by time (ties at random), and each row's account index. `names[i]` names account i."""
        ts = np.fromiter((row.ts for row in self._rows), np.int64, len(self._rows))
        order = np.lexsort((rng.random(len(ts)), ts))
        rows = [self._rows[i] for i in order.tolist()]
        accounts = np.fromiter((row.account for row in rows), np.int64, len(rows))
        columns: dict[str, pa.Array] = {
            "ts": pa.array(ts[order], pa.timestamp("us", tz="UTC")),
            "account_id": pa.array(names, pa.string()).take(pa.array(accounts)),
            "exchange_id": pa.array([f"ex_{v:016x}" for v in rng.integers(0, 2**63, len(rows)).tolist()]),
        }
        for name, kind in ROW_TYPES.items():
            at = Row._fields.index(name)
            columns[name] = pa.array([row[at] for row in rows], kind)
        setups = pa.array([row.setup for row in rows], pa.int32())
        for at, name in enumerate(Setup._fields):
            columns[name] = pa.array([setup[at] for setup in self._setups], SETUP_TYPES[at]).take(setups)
        wheres = pa.array([row.where for row in rows], pa.int32())
        columns["client_ip"] = pa.array([w.client_ip for w in self._wheres], pa.string()).take(wheres)
        columns["asn"] = pa.array([w.asn for w in self._wheres], pa.int64()).take(wheres)
        return _hide_unseen(pa.table(columns)), accounts


def _hide_unseen(table: pa.Table) -> pa.Table:
    """Null out what a channel's edge does not record."""
    channel: Any = table["channel"].to_numpy(zero_copy_only=False)
    for name in {name for names in UNSEEN.values() for name in names}:
        hiding = [key for key, names in UNSEEN.items() if name in names]
        mask = np.isin(channel.astype(str), hiding)
        values = table[name].combine_chunks()
        kept = pc.if_else(pa.array(mask), pa.scalar(None, values.type), values)
        table = table.set_column(table.schema.get_field_index(name), name, kept)
    return table
