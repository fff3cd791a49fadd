"""One more pass over the log: the members' rows, and on request everybody's, minimised as they are read."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.domain.log import ACCOUNTS, EXCHANGES
from stillwatch.evidence.minimise import Minimiser
from stillwatch.signals.features import FeaturePass

CARRIED = pa.schema([pa.field("tactics", pa.uint32()), pa.field("network", pa.uint64())])
"""What the detector reads off text and addresses, and could not read off their replacements: sealed beside them."""
SEALED_EXCHANGES = pa.schema([*EXCHANGES, *CARRIED])
_ORDER = ("_ts", "_key", "_rid")


class Reader(Protocol):
    """What sealing needs of an open log."""

    @property
    def columns_present(self) -> frozenset[str]:
        """Columns in which the log holds a value; known once it has been read."""
        ...

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Batches of the canonical table with ``source_file`` and ``source_row``."""
        ...


class Population(NamedTuple):
    """Everybody, under pseudonyms."""

    exchanges: pa.Table
    """SEALED_EXCHANGES, in the detector's order."""
    accounts: pa.Table | None
    order: pa.Table
    """Pseudonyms of all accounts seen, in the order of their true ids: draws at random depend on it."""


class Gathered(NamedTuple):
    """What a bag holds of a log."""

    exchanges: pa.Table
    """The members' rows (SEALED_EXCHANGES) in order of time."""
    accounts: pa.Table
    """The members' rows of the accounts table (ACCOUNTS); empty where there is none."""
    exchanges_seen: int
    accounts_seen: int
    population: Population | None


def gather(
    reader: Reader, accounts: pa.Table | None, members: frozenset[str], minimiser: Minimiser, *, everybody: bool
) -> Gathered:
    """Read the log once more. A repeated exchange_id is dropped as the scan drops it: the first in file order stays."""
    features = FeaturePass()
    wanted = pa.array(sorted(members), pa.string())
    mine: list[pa.Table] = []
    all_rows: list[pa.Table] = []
    given: list[npt.NDArray[np.uint64]] = []
    given_rid: list[npt.NDArray[np.int64]] = []
    seen: set[str] = set()
    rows = 0
    for batch in reader.batches():
        derived = features(batch)["exchanges"]
        named = derived["given"].to_numpy()
        given.append(derived["key"].to_numpy()[named])
        given_rid.append(derived["rid"].to_numpy()[named])
        seen.update(pc.unique(batch.column("account_id")).to_pylist())
        rows += batch.num_rows
        table = _with_names(batch, derived)
        inside = pc.is_in(batch.column("account_id"), wanted)
        if everybody:
            all_rows.append(_minimised(table, derived, minimiser, remember=False))
        mine.append(_minimised(table.filter(inside), derived.filter(inside), minimiser, remember=True))
    repeated = _repeated(np.concatenate(given), np.concatenate(given_rid))
    known = ACCOUNTS.empty_table() if accounts is None else accounts
    order = sorted(seen, key=lambda name: name.encode("utf-8", "surrogatepass"))
    return Gathered(
        exchanges=_ordered(mine, repeated),
        accounts=minimiser.accounts(
            known.filter(pc.is_in(known["account_id"], wanted)).sort_by("account_id"), remember=True
        ),
        exchanges_seen=rows - len(repeated),
        accounts_seen=len(seen),
        population=Population(
            exchanges=_ordered(all_rows, repeated),
            accounts=None if accounts is None else minimiser.accounts(accounts, remember=False),
            order=pa.table({"account_id": pa.array([minimiser.value("account_id", a) for a in order], pa.string())}),
        )
        if everybody
        else None,
    )


def _with_names(batch: pa.RecordBatch, derived: pa.Table) -> pa.Table:
    """The batch in which every exchange has the id that a case calls it by."""
    made = pa.array([f"{key:016x}" for key in derived["key"].to_pylist()], pa.string())
    table = pa.Table.from_batches([batch.select(EXCHANGES.names)])
    at = table.schema.get_field_index("exchange_id")
    return table.set_column(at, "exchange_id", pc.coalesce(table["exchange_id"], made))


def _minimised(table: pa.Table, derived: pa.Table, minimiser: Minimiser, *, remember: bool) -> pa.Table:
    out = minimiser.exchanges(table, remember=remember)
    for name in CARRIED.names:
        out = out.append_column(CARRIED.field(name), derived[name].cast(CARRIED.field(name).type))
    network = minimiser.names.marks(derived["network"].to_numpy())
    out = out.set_column(out.schema.get_field_index("network"), CARRIED.field("network"), pa.array(network))
    for name, source in zip(_ORDER, ("ts", "key", "rid"), strict=True):
        out = out.append_column(name, derived[source])
    return out


def _ordered(parts: list[pa.Table], repeated: npt.NDArray[np.int64]) -> pa.Table:
    table = pa.concat_tables(parts)
    if len(repeated):
        table = table.filter(pc.invert(pc.is_in(table["_rid"], pa.array(repeated))))
    ordered = table.sort_by([(name, "ascending") for name in _ORDER])
    return ordered.select(SEALED_EXCHANGES.names).combine_chunks()


def _repeated(keys: npt.NDArray[np.uint64], rid: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Rows whose given id came before, by row id."""
    order = np.lexsort((rid, keys))
    again = np.zeros(len(order), np.bool_)
    again[1:] = keys[order][1:] == keys[order][:-1]
    return np.sort(rid[order[again]])
