"""What a campaign's work looks like from any account: learnt from its members, recognised after they were all banned.

Of the words: fingerprints and whole skeletons that several members have and hardly anybody else. Of the program:
client, TLS fingerprint, parameters and schema together. Neither addresses nor payments: those are new after a ban. A
signature carries its own null: how many accounts that are no members it would have taken in.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import msgspec
import numpy as np
import numpy.typing as npt
import pyarrow as pa

from stillwatch.engine import Columns
from stillwatch.kernels.known import mark_filter, rows_of_known
from stillwatch.kernels.sorted import among
from stillwatch.signals.features import client_stack

B1 = npt.NDArray[np.bool_]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]

LEARNT_FROM = (
    "account", "fingerprints", "skeleton", "system_skeleton", "edge_template", "client", "tls", "parameters", "schema",
)  # fmt: skip
_WHOLE = (
    ("skeleton", 0x9E3779B97F4A7C15),
    ("system_skeleton", 0xC2B2AE3D27D4EB4F),
    ("edge_template", 0x165667B19E3779F9),
)
"""What stands for a whole text, and what keeps it apart from fingerprints."""
MEMBERS, OTHERS = 512, 4_096
"""Accounts that are looked at on either side, and …"""
ROWS = 48
"""… rows of each."""
LEAST_SHARE, LEAST_HOLDERS = 0.04, 4
"""Of the members, to make a mark."""
RARE = 0.002
"""Share of the others from which a mark is nobody's own."""
RARE_STACK = 0.02
MOST_MARKS = 1_024
MOST_STACKS = 16
CARRIED = 0.2
"""Share of an account's rows that must look like the campaign's, …"""
CARRIED_ROWS = 2
"""… and how many at least."""


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """Marks and client stacks (64-bit, ascending), and what they would have taken in among others."""

    marks: tuple[int, ...] = ()
    stacks: tuple[int, ...] = ()
    others: int = 0
    """Accounts, no members, that it was tried on; …"""
    by_work: int = 0
    """… how many it would have taken in by the words alone, …"""
    by_both: int = 0
    """… and by words and program."""

    def like(self, other: Signature) -> float:
        """Share of the marks of the one with fewer that the other has too, 0…1."""
        both = len(set(self.marks) & set(other.marks))
        return both / max(min(len(self.marks), len(other.marks)), 1)

    @property
    def chance(self) -> float:
        """An upper figure for the share of others that words and program would take in."""
        return (1 + self.by_both) / (1 + self.others)


class Sample(NamedTuple):
    """Some rows of some accounts, an account's next to each other."""

    account: I32
    """Place of each row's account among those looked at."""
    accounts: int
    offsets: I64
    marks: U64
    """Fingerprints of each row."""
    whole: U64
    """(rows, 3): what stands for its whole texts, 0 unknown."""
    stack: U64


def first_rows(tables: Iterable[pa.Table]) -> pa.Table:
    """Of some tables of :data:`LEARNT_FROM` at most ``ROWS`` rows of each account and table."""
    parts = []
    for table in tables:
        account = table["account"].to_numpy()
        first = np.flatnonzero(np.concatenate([[True], account[1:] != account[:-1]]))
        turn = np.arange(len(account)) - np.repeat(first, np.diff(np.append(first, len(account))))
        parts.append(table.filter(pa.array(turn < ROWS)))
    return pa.concat_tables(parts).combine_chunks()


def sample(rows: pa.Table, accounts: U64) -> Sample:
    """The rows (:data:`LEARNT_FROM`) of some accounts (ascending)."""
    whole = rows.filter(pa.array(among(rows["account"].to_numpy(), accounts))).combine_chunks()
    names, account = np.unique(whole["account"].to_numpy(), return_inverse=True)
    lists = whole["fingerprints"].combine_chunks()
    lists = lists.chunk(0) if isinstance(lists, pa.ChunkedArray) else lists
    offsets = lists.offsets.to_numpy().astype(np.int64)
    columns = {name: whole[name].to_numpy() for name in whole.column_names if name != "fingerprints"}
    return Sample(
        account.astype(np.int32),
        len(names),
        offsets - offsets[0],
        lists.values.to_numpy()[offsets[0] : offsets[-1]],
        _whole(columns),
        client_stack(*(columns[name] for name in ("client", "tls", "parameters", "schema"))),
    )


def _whole(columns: dict[str, npt.NDArray[np.generic]]) -> U64:
    parts = [columns[name].astype(np.uint64) for name, _ in _WHOLE]
    return np.column_stack(
        [np.where(part == 0, 0, part ^ np.uint64(tag)) for part, (_, tag) in zip(parts, _WHOLE, strict=True)]
    ).astype(np.uint64)


class Others(NamedTuple):
    """Accounts that are no members, as all campaigns are held against them."""

    sample: Sample
    marks: U64
    """Each mark once per account that holds it, …"""
    stacks: U64
    """… and each client stack."""

    @classmethod
    def of(cls, looked: Sample) -> Others:
        """Of a sample."""
        return cls(looked, _pairs(looked), _stack_pairs(looked))


def learn(members: Sample, beside: Others, before: Signature | None) -> Signature:
    """The signature of a campaign, with what an earlier one knew: work drifts, and old work comes back."""
    others = beside.sample
    marks = _own(_pairs(members), members.accounts, beside.marks, others.accounts, rare=RARE, most=MOST_MARKS)
    stacks = _own(
        _stack_pairs(members), members.accounts, beside.stacks, others.accounts, rare=RARE_STACK, most=MOST_STACKS
    )
    if before is not None:
        marks = np.concatenate([marks, np.setdiff1d(np.array(before.marks, np.uint64), marks)[:MOST_MARKS]])
        stacks = np.concatenate([stacks, np.setdiff1d(np.array(before.stacks, np.uint64), stacks)[:MOST_STACKS]])
    found = Signature(marks=tuple(np.sort(marks).tolist()), stacks=tuple(np.sort(stacks).tolist()))
    known = Known((found,))
    of = known.of_rows(others.offsets, others.marks, others.whole)
    taken = carriers(others.account, of, np.bincount(others.account, minlength=others.accounts))
    both = np.zeros(others.accounts, np.bool_)
    both[others.account[(of >= 0) & known.own_stack(of, others.stack)]] = True
    return msgspec.structs.replace(
        found, others=others.accounts, by_work=int(taken.sum()), by_both=int((taken & both).sum())
    )


def carriers(account: I32, of: I32, rows: I64) -> B1:
    """Which accounts carry what some rows (``of`` not negative) show, of so many rows of theirs."""
    carried = np.bincount(account[of >= 0], minlength=len(rows))
    out: B1 = carried >= np.maximum(CARRIED_ROWS, CARRIED * rows)
    return out


def _pairs(looked: Sample) -> U64:
    """Each mark once per account that holds it."""
    lengths = np.diff(looked.offsets)
    owner = np.concatenate([np.repeat(looked.account, lengths), np.repeat(looked.account, looked.whole.shape[1])])
    return _once(owner, np.concatenate([looked.marks, looked.whole.reshape(-1)]))


def _stack_pairs(looked: Sample) -> U64:
    return _once(looked.account, looked.stack)


def _once(owner: I32, value: U64) -> U64:
    """Values other than 0, once per owner, by value."""
    order = np.lexsort((owner, value))
    owner, value = owner[order], value[order]
    first = np.ones(len(value), np.bool_)
    first[1:] = (value[1:] != value[:-1]) | (owner[1:] != owner[:-1])
    out: U64 = value[first & (value != 0)]
    return out


def _own(mine: U64, members: int, theirs: U64, others: int, *, rare: float, most: int) -> U64:
    """Values that several members have and hardly anybody else, the ones of most members first."""
    names, holders = np.unique(mine, return_counts=True)
    often = holders >= max(LEAST_HOLDERS, LEAST_SHARE * members)
    names, holders = names[often], holders[often]
    outside = np.searchsorted(theirs, names, side="right") - np.searchsorted(theirs, names, side="left")
    own = (outside <= rare * others) & (holders / members >= 20 * outside / max(others, 1))
    names, holders = names[own], holders[own]
    return names[np.lexsort((names, -holders))][:most]


class Known(NamedTuple):
    """Signatures in use, by their place."""

    signatures: Sequence[Signature]

    def match(self, columns: Columns) -> I32:
        """For each row of a log after the text pass: twice the place of the signature that its words show, and one more
        where its program does too; -1 for none."""
        out = np.full(columns.rows, -1, np.int32)
        if not any(s.marks for s in self.signatures):
            return out
        for low, offsets, values in columns.lists("fingerprints", 1 << 18):
            high = low + len(offsets) - 1
            of = self.of_rows(offsets, values, _whole({name: columns.read(name, low, high) for name, _ in _WHOLE}))
            there = np.flatnonzero(of >= 0)
            stack = client_stack(
                *(columns.read(name, low, high)[there] for name in ("client", "tls", "parameters", "schema"))
            )
            out[low + there] = 2 * of[there] + self.own_stack(of[there], stack)
        return out

    def of_rows(self, offsets: I64, values: U64, whole: U64) -> I32:
        """The place of the signature that most of a row's marks are of; -1 for none."""
        marks = np.concatenate([np.zeros(0, np.uint64), *(np.array(s.marks, np.uint64) for s in self.signatures)])
        owner = np.repeat(np.arange(len(self.signatures), dtype=np.int32), [len(s.marks) for s in self.signatures])
        marks, first = np.unique(marks, return_index=True)  # the same work twice is the earlier campaign's
        out = np.full(len(offsets) - 1, -1, np.int32)
        if len(marks):
            rows_of_known(offsets, values, whole, marks, owner[first], mark_filter(marks), out)
        return out

    def own_stack(self, of: I32, stack: U64) -> B1:
        """Whether a row's client stack is one of its signature's."""
        out = np.zeros(len(of), np.bool_)
        for place, signature in enumerate(self.signatures):
            mine = of == place
            out[mine] = np.isin(stack[mine], np.array(signature.stacks, np.uint64))
        return out
