"""Who holds what: from a column of raw values to the holdings of one kind."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from stillwatch.kernels.coding import Held, appearance, grouped, held_values, repeated_codes, rows_by_value
from stillwatch.signals.population import Values

Bools = npt.NDArray[np.bool_]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


def of_rows(name: str, raw: U64, by_account: tuple[I64, I32], representative: Bools, *, rows: bool) -> Values:
    """Holdings from one raw value per exchange (or per account), 0 where unknown; ``by_account`` groups them.

    ``rows`` says whether the exchanges of each value are to be known. Values are numbered by appearance.
    """
    codes, names = repeated_codes(raw)
    held = held_values(codes, *by_account, len(names))
    place = _places(held, len(names))
    row_lists = rows_by_value(codes, place, len(held.kept)) if rows else None
    return _values(name, names, held, representative, row_lists)


def make_values(
    name: str,
    accounts: npt.NDArray[Any],
    raw: npt.NDArray[Any],
    representative: Bools,
    *,
    rows: npt.NDArray[Any] | None = None,
) -> Values:
    """Holdings from (account, raw value) pairs in any order, repeats allowed; raw 0 means unknown and is left out.

    ``rows`` has the exchange of each pair. Values are numbered by their first exchange (or account).
    """
    keep = raw != 0
    codes, names = repeated_codes(np.where(keep, raw, 0).astype(np.uint64))
    return coded(name, accounts, codes, names, representative, rows=rows)


def coded(
    name: str,
    accounts: npt.NDArray[Any],
    codes: I32,
    names: U64,
    representative: Bools,
    *,
    rows: npt.NDArray[Any] | None = None,
) -> Values:
    """The same from codes into ``names`` (below 0: nobody else's, or unknown)."""
    owner = accounts.astype(np.int32, copy=False)
    at = owner if rows is None else rows.astype(np.int32, copy=False)
    there = np.flatnonzero(codes >= 0)
    first, together = appearance(codes[there], at[there], len(names))
    # Draws and communities depend on the order of values: were it that of their hashes, a log would give other
    # findings after nothing but a change of names, and could not be run again under pseudonyms.
    order = np.lexsort((names, together, first))
    renumbered = np.empty(len(names) + 2, np.int32)
    renumbered[order] = np.arange(len(names))
    renumbered[-2:] = (-2, -1)
    codes, names = renumbered[codes], names[order]
    held = held_values(codes, *grouped(owner, len(representative)), len(names))
    row_lists = None
    if rows is not None:
        offsets, places = rows_by_value(codes, _places(held, len(names)), len(held.kept))
        row_lists = (offsets, rows.astype(np.int32, copy=False)[places])
    return _values(name, names, held, representative, row_lists)


def _places(held: Held, n_codes: int) -> I32:
    place = np.full(n_codes, -1, np.int32)
    place[held.kept] = np.arange(len(held.kept))
    return place


def _values(name: str, names: U64, held: Held, representative: Bools, rows: tuple[I64, I32] | None) -> Values:
    n_values, n = len(held.kept), len(representative)
    owner = np.repeat(np.arange(n, dtype=np.int32), np.diff(held.indptr))
    holders_ptr, order = grouped(held.values, n_values)
    holds = held.distinct > 0
    rows_ptr, row_list = rows if rows is not None else (np.zeros(n_values + 1, np.int64), np.zeros(0, np.int32))
    return Values(
        name=name,
        raw=names[held.kept],
        indptr=held.indptr,
        values=held.values,
        owner=owner,
        distinct=held.distinct,
        uses=held.uses,
        holds=holds,
        present=bool(holds.any()),
        frequency=np.bincount(held.values[representative[owner]], minlength=n_values).astype(np.int32),
        known=max(int(holds[representative].sum()), 1),
        holders_ptr=holders_ptr,
        holders=owner[order],
        rows_ptr=rows_ptr,
        rows=row_list,
    )
