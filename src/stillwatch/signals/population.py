"""The log after the text pass: accounts, exchanges and what they hold, as columns of integers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.kernels.coding import grouped
from stillwatch.kernels.groups import held_by

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

DAY_US = 86_400_000_000
NEW_ACCOUNT_US = 30 * DAY_US


@dataclass(frozen=True)
class Values:
    """The holdings of one kind: which account holds which value, and how common each value is.

    Values that a single account holds tie nobody and are only counted. ``indptr`` (accounts+1) and ``values`` list the
    other ones per account, ascending, and ``owner`` the account of each of ``values``; ``frequency`` counts
    representatives per value; ``holders_ptr``/``holders`` list accounts per value; ``rows_ptr``/``rows`` list exchanges
    per value.
    """

    name: str
    raw: U64
    """Each value code's raw value (a hash, or a small number for derived kinds)."""
    indptr: I64
    values: I32
    owner: I32
    distinct: I32
    """How many values each account holds, its own ones among them."""
    uses: I32
    """Exchanges of each of ``values`` (1 for kinds of the accounts table)."""
    holds: npt.NDArray[np.bool_]
    """Which accounts hold any."""
    present: bool
    """Whether the log has this kind at all."""
    frequency: I32
    known: int
    """Representatives that hold any."""
    holders_ptr: I64
    holders: I32
    rows_ptr: I64
    rows: I32

    @property
    def size(self) -> int:
        """Number of values that at least two accounts hold."""
        return len(self.frequency)

    @property
    def ties(self) -> tuple[npt.NDArray[np.bool_], I64, I32, I32, int]:
        """What :func:`kernels.groups.tied_members` and ``tie_degrees`` need after the members."""
        return self.holds, self.indptr, self.values, self.frequency, self.known

    def held_by(self, accounts: I32) -> tuple[I64, I32]:
        """What some accounts hold: pairs of place among ``accounts`` and value, in their order."""
        found: tuple[I64, I32] = held_by(accounts, self.indptr, self.values)
        return found

    def holders_of(self, value: int) -> I32:
        """Accounts that hold a value, ascending."""
        return self.holders[self.holders_ptr[value] : self.holders_ptr[value + 1]]

    def rows_of(self, value: int) -> I32:
        """Exchanges that carry a value, ascending (empty for kinds of the accounts table and of infrastructure)."""
        return self.rows[self.rows_ptr[value] : self.rows_ptr[value + 1]]


@dataclass(frozen=True)
class Population:
    """Accounts ordered by id, exchanges ordered by (time, key); everything a test needs, no text."""

    account_ids: pa.Array
    account: I32
    """Account of each exchange."""
    ts: I64
    columns: Mapping[str, npt.NDArray[Any]]
    """Further columns of exchanges: numbers, in the same order; read from disk when they are asked for."""
    table: dict[str, npt.NDArray[Any]]
    """Columns of the accounts table aligned to ``account_ids``; 0 where unknown."""
    counts: I64
    first: I64
    last: I64
    representative: npt.NDArray[np.bool_]
    """One account per declared customer: a customer with many accounts counts once in every test."""
    customer: I32
    stratum: I32
    kinds: dict[str, Values] = field(default_factory=dict)
    unavailable: tuple[str, ...] = ()
    capped: dict[str, int] = field(default_factory=dict)
    cache: dict[Any, Any] = field(default_factory=dict)
    """What a signal derives once from the population (references of its null)."""

    @property
    def size(self) -> int:
        """Number of accounts."""
        return len(self.counts)

    @property
    def by_account(self) -> tuple[I64, I32]:
        """Exchanges grouped by account, ascending: offsets (accounts+1) and rows."""
        if "rows" not in self.cache:
            self.cache["rows"] = grouped(self.account, self.size)
        found: tuple[I64, I32] = self.cache["rows"]
        return found

    def rows_of_accounts(self, accounts: I32) -> I32:
        """All exchanges of some accounts, ascending."""
        offsets, order = self.by_account
        rows = np.concatenate([order[offsets[a] : offsets[a + 1]] for a in accounts.tolist()] or [order[:0]])
        return np.sort(rows)


def union(rows: Sequence[I32], n: int) -> I32:
    """Some lists of rows (0…n-1) as one, ascending, each row once."""
    total = sum(map(len, rows))
    if total < n // 64:
        return np.unique(np.concatenate([*rows, np.zeros(0, np.int32)]))
    there = np.zeros(n, np.bool_)
    for some in rows:
        there[some] = True
    return np.flatnonzero(there).astype(np.int32)


def dense(raw: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], I64]:
    """Distinct values ascending and each row's place among them (by hashing, then a sort of the distinct ones)."""
    encoded = pa.array(raw).dictionary_encode()
    names = encoded.dictionary.to_numpy()
    order = np.argsort(names, kind="stable")
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    return names[order], place[encoded.indices.to_numpy()]


def strata(counts: I64, created: I64, last: I64) -> I32:
    """Matching cells of the nulls: volume (powers of two, 8 classes) × age (unknown, new, old)."""
    volume = np.minimum(np.floor(np.log2(np.maximum(counts, 1))), 9).astype(np.int32)
    age = np.where(created == 0, 0, np.where(last - created < NEW_ACCOUNT_US, 1, 2)).astype(np.int32)
    return (volume * 3 + age).astype(np.int32)


def representatives(customer_raw: U64, counts: I64) -> tuple[I32, npt.NDArray[np.bool_]]:
    """Customer codes and one representative account (the busiest, then the first) per declared customer.

    A customer that would hold more than half of all accounts declares nothing and is ignored.
    """
    n = len(counts)
    own = np.arange(n, dtype=np.int64)
    if not customer_raw.any():
        return own.astype(np.int32), np.ones(n, np.bool_)
    _, inverse, sizes = np.unique(customer_raw, return_inverse=True, return_counts=True)
    declared = (customer_raw != 0) & (sizes[inverse] * 2 <= n)
    code = np.where(declared, n + inverse, own)
    _, customer = np.unique(code, return_inverse=True)
    order = np.lexsort((own, -counts, customer))
    first = np.ones(n, np.bool_)
    first[1:] = customer[order][1:] != customer[order][:-1]
    flags = np.zeros(n, np.bool_)
    flags[order[first]] = True
    return customer.astype(np.int32), flags
