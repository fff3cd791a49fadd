"""From the engine's relations to the population: named SQL steps, then holdings per kind of value."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.domain.errors import InputError
from stillwatch.domain.verdict import Family
from stillwatch.engine import Columns, Engine, Log, give_back
from stillwatch.kernels.coding import grouped, look_up, order_ties
from stillwatch.kernels.hashing import hash_strings
from stillwatch.kernels.sorted import among
from stillwatch.signals import handover
from stillwatch.signals.base import Kind
from stillwatch.signals.features import FeaturePass, client_stack
from stillwatch.signals.holdings import coded, make_values, of_rows
from stillwatch.signals.intent import client_crowds
from stillwatch.signals.population import Population, Values, representatives, strata
from stillwatch.signals.registry import KINDS
from stillwatch.signals.tactics import catalogue
from stillwatch.signals.templates import Templates, Uses, find_templates

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

_ONLY_FOR_KINDS = (
    "end_user", "session", "edge_template", "prefix", "parameters", "schema", "refused", "address", "tls",
    "ref_issued", "ref_presented",
)  # fmt: skip
_TABLE_COLUMNS = (
    "org_id", "plan", "programme", "verification", "email_domain", "phone_fingerprint", "payment_fingerprint",
    "signup_ip", "device_fingerprint", "licence_id",
)  # fmt: skip


def read_log(engine: Engine, log: Log) -> None:
    """The text pass: columns ``exchanges``, and relations of the names in them."""
    engine.map_batches(log, FeaturePass())
    give_back()


def duplicates(engine: Engine) -> list[tuple[int, int]]:
    """(file, row) of exchanges that repeat an exchange_id; the first in file order is kept."""
    columns = engine.columns("exchanges")
    keys = columns["key"][columns["given"]]
    keys.sort()
    again = keys[1:][keys[1:] == keys[:-1]]
    if not len(again):
        return []
    twice = np.flatnonzero(columns["given"] & among(columns["key"], again))
    order = twice[np.argsort(columns["key"][twice], kind="stable")]
    key = columns["key"][order]
    rows = np.sort(order[1:][key[1:] == key[:-1]])
    return [(rid >> 40, rid & ((1 << 40) - 1)) for rid in columns["rid"][rows].tolist()]


def drop_duplicates(engine: Engine, repeated: Sequence[tuple[int, int]]) -> None:
    """Leave the repeated rows out of everything that follows."""
    columns = engine.columns("exchanges")
    rid = np.sort(np.array([file << 40 | row for file, row in repeated], np.uint64))
    columns.put("left_out", among(columns["rid"].view(np.uint64), rid))


def build_population(
    engine: Engine, accounts: pa.Table | None, step: Callable[[str], None] = lambda _: None
) -> Population:
    """Everything that signals, links and campaigns read. Raises :class:`InputError` for an empty log."""
    step("accounts")
    columns = engine.columns("exchanges")
    engine.sql("account_names", "SELECT hash, min(name) AS name FROM accounts_seen GROUP BY hash")
    seen = engine.collect("SELECT hash, name FROM account_names ORDER BY name")
    if not columns.rows:
        raise InputError("the log holds no exchange", remedy="name a log with at least one row")
    order = _order(columns)
    account = np.empty(columns.rows, np.int32)
    look_up(seen["hash"].to_numpy(), columns["account"], account)
    account = account[order]
    counts = np.bincount(account, minlength=seen.num_rows)
    if not counts.all():  # somebody had no other rows than those that were left out
        seen = seen.filter(pa.array(counts > 0))
        account = (np.cumsum(counts > 0, dtype=np.int32) - 1)[account]
        counts = counts[counts > 0]
    row, whose = np.full(columns.rows, -1, np.int32), np.full(columns.rows, -1, np.int32)
    row[order], whose[order] = np.arange(len(order), dtype=np.int32), account
    columns.drop("account", "given", "left_out")
    if len(order) < len(row) or (order != row).any():
        for name in sorted(set(columns) - {"fingerprints"}):
            columns.put(name, columns[name][order])
    del order
    ts = columns["ts"]
    columns.drop("ts")
    ids = seen["name"].combine_chunks()
    table = _account_columns(ids, accounts)
    org = np.zeros(len(ids), np.uint64)
    np.maximum.at(org, account, columns["org"])
    columns.drop("org")
    table["org_of_exchanges"] = org
    by_account = grouped(account, len(ids))
    first, last = ts[by_account[1][by_account[0][:-1]]], ts[by_account[1][by_account[0][1:] - 1]]
    customer, representative = representatives(np.where(table["org_id"] == 0, org, table["org_id"]), counts)
    step("templates")
    templates = find_templates(columns, whose, row, counts, threads=engine.capabilities.threads)
    columns.drop("fingerprints")
    del row, whose
    give_back()
    holders = _Holders(account, ts, by_account, columns, table, representative)
    kinds = holders.kinds(templates, threads=engine.capabilities.threads)
    columns.drop(*_ONLY_FOR_KINDS)
    return Population(
        account_ids=ids,
        account=account,
        ts=ts,
        columns=columns,
        table=table,
        counts=counts,
        first=first,
        last=last,
        representative=representative,
        customer=customer,
        stratum=strata(counts, table["created_at"], last),
        kinds=kinds,
        unavailable=tuple(sorted(k.name for k in KINDS if not kinds[k.name].present)),
        capped={"fingerprints held by more than 30 % of accounts": templates.huge},
        cache={"rows": by_account},
    )


def _order(columns: Columns) -> I32:
    """The rows that are kept, by time, key, and place in the log."""
    ts = columns["ts"]
    if (ts[1:] < ts[:-1]).any():
        order = np.argsort(ts, kind="stable").astype(np.int32)
    else:
        order = np.arange(len(ts), dtype=np.int32)
    if "left_out" in columns:
        order = order[~columns["left_out"][order]]
    order_ties(order, ts, columns["key"])
    return order


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


class _Holders(NamedTuple):
    """What every kind of value is made from."""

    account: I32
    ts: I64
    by_account: tuple[I64, I32]
    columns: Columns
    table: dict[str, npt.NDArray[Any]]
    representative: npt.NDArray[np.bool_]

    def kinds(self, templates: Templates, *, threads: int) -> dict[str, Values]:
        """All kinds, several at a time."""
        tasks: dict[str, Callable[[], Values]] = {}
        for kind in KINDS:
            if kind.source == "account":
                tasks[kind.name] = partial(self._of_accounts, kind.name, self.table[kind.column])
            elif kind.source == "exchange":
                tasks[kind.name] = partial(self._of_exchanges, kind)
        tasks["cohort"] = partial(
            self._of_accounts, "cohort", (self.table["created_at"] // 3_600_000_000).astype(np.uint64)
        )
        tasks["stack"] = self._stack
        for name, uses in (("template", templates.templates), ("phrase", templates.phrases)):
            tasks[name] = partial(self._uses, name, uses)
        for tag, (name, moves) in enumerate((("failover", self._failovers), ("replay", self._replays))):
            tasks[name] = partial(self._moves, name, moves, tag)
        tasks["relay"] = self._relay
        tasks["tactic"] = self._tactics
        with ThreadPoolExecutor(threads) as pool:
            made = {name: pool.submit(task) for name, task in tasks.items()}
            return {name: values.result() for name, values in made.items()}

    def _of_accounts(self, name: str, raw: npt.NDArray[np.uint64]) -> Values:
        n = len(self.representative)
        each = np.arange(n + 1), np.arange(n, dtype=np.int32)
        return of_rows(name, raw, each, self.representative, rows=False)

    def _of_exchanges(self, kind: Kind) -> Values:
        rows = kind.family not in (Family.IDENTITY, Family.INFRASTRUCTURE)
        column = self.columns.read(kind.column, 0, self.columns.rows)  # once: it need not be kept
        return of_rows(kind.name, column, self.by_account, self.representative, rows=rows)

    def _stack(self) -> Values:
        stack = client_stack(*(self.columns[name] for name in ("client", "tls", "parameters", "schema")))
        return of_rows("stack", stack, self.by_account, self.representative, rows=False)

    def _uses(self, name: str, uses: Uses) -> Values:
        return coded(name, self.account[uses.rows], uses.codes, uses.names, self.representative, rows=uses.rows)

    def _failovers(self) -> handover.Moves:
        status = self.columns["status"]
        failed = (status == 403) | (status == 429) | self.columns["refused"]
        return handover.failovers(self.columns["prefix"], self.account, self.ts, failed)

    def _replays(self) -> handover.Moves:
        return handover.replays(self.columns["ref_issued"], self.columns["ref_presented"], self.account)

    def _moves(self, name: str, moves: Callable[[], handover.Moves], tag: int) -> Values:
        who, value, rows = handover.as_holdings(moves(), self.account, tag)
        return make_values(name, who, value, self.representative, rows=rows)

    def _relay(self) -> Values:
        who, crowd = client_crowds(self.columns["client"], self.ts, self.by_account)
        return make_values("relay", who, crowd, self.representative)

    def _tactics(self) -> Values:
        tactics = self.columns["tactics"]
        seen = [np.flatnonzero(tactics & np.uint32(1 << i)).astype(np.int32) for i in range(len(catalogue()))]
        rows = np.concatenate(seen)
        value = np.repeat(np.arange(1, len(seen) + 1, dtype=np.uint64), [len(s) for s in seen])
        return make_values("tactic", self.account[rows], value, self.representative, rows=rows)
