"""The log after the text pass: accounts, exchanges and what they hold, as columns of integers."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.kernels.groups import counting_order
from stillwatch.kernels.hashing import combine

I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

DAY_US = 86_400_000_000
NEW_ACCOUNT_US = 30 * DAY_US


@dataclass(frozen=True)
class Values:
    """The holdings of one kind: which account holds which value, and how common each value is.

    ``indptr`` (accounts+1) and ``values`` list distinct value codes per account, and ``owner`` the account of each of
    ``values``; ``holds`` tells which accounts have any; ``tie_ptr`` and ``tie_values`` are the same list without the
    values that only one account holds, which tie nobody, as places in ``tied``; ``uses`` counts the exchanges of each
    holding (1 for kinds of the accounts table); ``frequency`` counts representatives per value;
    ``holders_ptr``/``holders`` list accounts per value; ``rows_ptr``/``rows`` list exchanges per value.
    """

    name: str
    raw: U64
    """Each value code's raw value (a hash, or a small number for derived kinds)."""
    indptr: I64
    values: I32
    owner: I32
    holds: npt.NDArray[np.bool_]
    tie_ptr: I64
    tie_values: I32
    tied: I32
    uses: I32
    frequency: I32
    known: int
    holders_ptr: I64
    holders: I32
    rows_ptr: I64
    rows: I64

    @property
    def size(self) -> int:
        """Number of distinct values."""
        return len(self.frequency)

    @property
    def ties(self) -> tuple[npt.NDArray[np.bool_], I64, I32, I32, int]:
        """What :func:`kernels.groups.tied_members` and ``tie_degrees`` need after the members."""
        return self.holds, self.tie_ptr, self.tie_values, self.frequency[self.tied], self.known

    def holders_of(self, value: int) -> I32:
        """Accounts that hold a value, ascending."""
        return self.holders[self.holders_ptr[value] : self.holders_ptr[value + 1]]

    def rows_of(self, value: int) -> I64:
        """Exchanges that carry a value, ascending (empty for kinds of the accounts table)."""
        return self.rows[self.rows_ptr[value] : self.rows_ptr[value + 1]]


@dataclass(frozen=True)
class Population:
    """Accounts ordered by id, exchanges ordered by (time, key); everything a test needs, no text."""

    account_ids: pa.Array
    account: I32
    """Account of each exchange."""
    ts: I64
    columns: dict[str, npt.NDArray[Any]]
    """Further columns of exchanges: integers, in the same order."""
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

    def codes(self, column: str) -> tuple[I64, int]:
        """A column's values as dense codes from 1 (0 stays unknown), and how many codes there are with it."""
        if ("codes", column) not in self.cache:
            names, code = dense(self.columns[column])
            shift = 0 if len(names) and names[0] == 0 else 1
            self.cache["codes", column] = (code + shift, len(names) + shift)
        found: tuple[I64, int] = self.cache["codes", column]
        return found

    def rows_of_accounts(self, accounts: I32) -> I64:
        """All exchanges of some accounts, ascending."""
        if "rows" not in self.cache:
            self.cache["rows"] = csr(self.account, self.size)
        offsets, order = self.cache["rows"]
        return np.sort(np.concatenate([order[offsets[a] : offsets[a + 1]] for a in accounts.tolist()] or [order[:0]]))


def csr(keys: npt.NDArray[Any], n: int) -> tuple[I64, I64]:
    """Offsets (n+1) and the stable order that groups ``keys`` (0…n-1)."""
    offsets, order = counting_order(keys.astype(np.int64, copy=False), n)
    return offsets, order


def dense(raw: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], I64]:
    """Distinct values ascending and each row's place among them (by hashing, then a sort of the distinct ones)."""
    encoded = pa.array(raw).dictionary_encode()
    names = encoded.dictionary.to_numpy()
    order = np.argsort(names, kind="stable")
    place = np.empty(len(names), np.int64)
    place[order] = np.arange(len(names))
    return names[order], place[encoded.indices.to_numpy()]


def make_values(
    name: str,
    accounts: npt.NDArray[Any],
    raw: npt.NDArray[Any],
    representative: npt.NDArray[np.bool_],
    *,
    rows: I64 | None = None,
) -> Values:
    """Holdings from (account, raw value) pairs (repeats allowed); raw 0 means unknown and is left out."""
    keep = raw != 0
    accounts, raw = accounts[keep], raw[keep]
    row_ids = np.zeros(0, np.int64) if rows is None else rows[keep]
    names, codes = dense(raw)
    n_values, n_accounts = len(names), len(representative)
    order = _appearance(codes, accounts if rows is None else row_ids, n_values)
    place = np.empty(n_values, np.int64)
    place[order] = np.arange(n_values)
    names, codes = names[order], place[codes]
    rows_ptr, by_value = csr(codes, n_values)
    by_both = by_value[csr(accounts[by_value], n_accounts)[1]]
    holder, value = accounts[by_both], codes[by_both]
    first = np.ones(len(by_both), np.bool_)
    first[1:] = (holder[1:] != holder[:-1]) | (value[1:] != value[:-1])
    uses = np.diff(np.append(np.flatnonzero(first), len(first)))
    holder, value = holder[first], value[first]
    indptr = np.zeros(n_accounts + 1, np.int64)
    np.cumsum(np.bincount(holder, minlength=n_accounts), out=indptr[1:])
    of_representatives = representative[holder]
    frequency = np.bincount(value[of_representatives], minlength=n_values).astype(np.int32)
    known = int((np.diff(indptr) > 0)[representative].sum())
    holders_ptr, order = csr(value, n_values)
    of_several = np.diff(holders_ptr) > 1
    shared = of_several[value]
    tie_ptr = np.zeros(n_accounts + 1, np.int64)
    np.cumsum(np.bincount(holder[shared], minlength=n_accounts), out=tie_ptr[1:])
    if rows is None:
        rows_ptr, row_list = np.zeros(n_values + 1, np.int64), row_ids
    else:
        row_list = row_ids[by_value]
    return Values(
        name=name,
        raw=names,
        indptr=indptr,
        values=value.astype(np.int32),
        owner=holder.astype(np.int32),
        holds=np.diff(indptr) > 0,
        tie_ptr=tie_ptr,
        tie_values=(np.cumsum(of_several) - 1)[value[shared]].astype(np.int32),
        tied=np.flatnonzero(of_several).astype(np.int32),
        uses=uses.astype(np.int32),
        frequency=frequency,
        known=max(known, 1),
        holders_ptr=holders_ptr,
        holders=holder[order].astype(np.int32),
        rows_ptr=rows_ptr,
        rows=row_list,
    )


def _appearance(codes: I64, at: npt.NDArray[Any], n: int) -> I64:
    """Values in the order in which they appear, first ties broken by where else they do. Returns (n,).

    Draws and communities depend on the order of values: were it that of their hashes, a log would give other findings
    after nothing but a change of names, and could not be run again under pseudonyms.
    """
    first = np.full(n, np.iinfo(np.int64).max)
    np.minimum.at(first, codes, at)
    together = np.zeros(n, np.uint64)
    np.add.at(together, codes, combine(at.astype(np.uint64)))
    return np.lexsort((together, first))


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
