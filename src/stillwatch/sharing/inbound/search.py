"""Looking for indicators in a log: one text pass, all indicators at once, integers only."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.sharing.fingerprints.textpass import SharedPass
from stillwatch.sharing.inbound.conditions import Atom
from stillwatch.sharing.inbound.wanted import Wanted

I64 = npt.NDArray[np.int64]
U64 = npt.NDArray[np.uint64]


class SearchPass:
    """A kernel for :meth:`Engine.map_batches`. Yields ``hits`` (indicator, account, key, ts) and ``seen`` (accounts).

    ``indicator`` is the place in the list of what is wanted; a request that matches two of them has two rows.
    """

    def __init__(self, wanted: Sequence[Wanted]) -> None:
        self._text = SharedPass()
        atoms: dict[Atom, int] = {}
        pairs: list[tuple[int, int]] = []
        self._need: list[int] = []
        of_condition: list[int] = []
        of_alternative: list[int] = []
        sizes: list[int] = []
        for number, one in enumerate(wanted):
            for alternative in one.alternatives:
                for condition in alternative:
                    for atom in condition.atoms:
                        pairs.append((atoms.setdefault(atom, len(atoms)), len(self._need)))
                    self._need.append(condition.need)
                    of_condition.append(len(sizes))
                sizes.append(len(alternative))
                of_alternative.append(number)
        self._of_condition, self._of_alternative = np.array(of_condition), np.array(of_alternative)
        self._needs, self._sizes = np.array(self._need), np.array(sizes)
        pairs.sort()
        self._conditions = np.array([c for _, c in pairs], np.int64)
        starts = np.bincount([a for a, _ in pairs], minlength=len(atoms)) if pairs else np.zeros(0, np.int64)
        self._from = np.concatenate([[0], np.cumsum(starts)]).astype(np.int64)
        self._columns = _by_column(atoms)

    def __call__(self, batch: pa.RecordBatch) -> dict[str, pa.Table]:
        tables = self._text(batch)
        rows = tables["exchanges"]
        place, atom = self._held(batch, rows, tables["fingerprints"])
        place, condition = self._expanded(place, atom)
        place, alternative = _complete(place, condition, self._needs, self._of_condition)
        place, number = _complete(place, alternative, self._sizes, self._of_alternative)
        place, number = _distinct(place, number, len(self._of_alternative))
        picked = rows.select(["account", "account_id", "key", "ts"]).take(pa.array(place))
        return {
            "hits": picked.append_column("indicator", pa.array(number.astype(np.int64))),
            "seen": pa.table({"account": pc.unique(rows["account"].combine_chunks())}),
        }

    def _held(self, batch: pa.RecordBatch, rows: pa.Table, marks: pa.Table) -> tuple[I64, I64]:
        """(row, atom) pairs of a batch."""
        found: list[tuple[I64, I64]] = []
        addresses: _Addresses | None = None
        for (column, bits), (values, names) in self._columns.items():
            if column == "mark":
                at = np.searchsorted(rows["rid"].to_numpy(), marks["rid"].to_numpy())
                found.append(_looked_up(marks["fingerprint"].to_numpy(), values, names, at.astype(np.int64)))
            elif column.startswith("prefix"):
                addresses = addresses or _Addresses(batch.column("client_ip"))
                found.append(addresses.within(int(column[-1]), bits, values, names))
            else:
                found.append(_looked_up(rows[column].to_numpy().astype(np.uint64), values, names, None))
        empty = np.zeros(0, np.int64)
        return (
            np.concatenate([f[0] for f in found] or [empty]),
            np.concatenate([f[1] for f in found] or [empty]),
        )

    def _expanded(self, place: I64, atom: I64) -> tuple[I64, I64]:
        """(row, condition) pairs: an atom may stand in several conditions."""
        lengths = self._from[atom + 1] - self._from[atom]
        within = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
        return np.repeat(place, lengths), self._conditions[np.repeat(self._from[atom], lengths) + within]


def _by_column(atoms: dict[Atom, int]) -> dict[tuple[str, int], tuple[list[int] | U64, I64]]:
    """(column, bits) → values, ascending, and the atoms that they stand for."""
    listed: dict[tuple[str, int], list[tuple[int, int]]] = {}
    for atom, number in atoms.items():
        listed.setdefault((atom.column, atom.bits), []).append((atom.value, number))
    out: dict[tuple[str, int], tuple[list[int] | U64, I64]] = {}
    for key, pairs in listed.items():
        pairs.sort()
        values = [v for v, _ in pairs]
        names = np.array([n for _, n in pairs], np.int64)
        out[key] = (values if key[0].startswith("prefix") else np.array(values, np.uint64), names)
    return out


def _looked_up(held: U64, values: list[int] | U64, names: I64, place: I64 | None) -> tuple[I64, I64]:
    wanted = np.asarray(values, np.uint64)
    at = np.minimum(np.searchsorted(wanted, held), len(wanted) - 1)
    hit = np.flatnonzero(wanted[at] == held)
    return (hit.astype(np.int64) if place is None else place[hit]), names[at[hit]]


class _Addresses:
    """The addresses of a batch; each distinct one is read once, however many lengths of prefix are looked for."""

    def __init__(self, addresses: pa.Array) -> None:
        coded = pc.dictionary_encode(addresses)
        self._values: dict[int, list[tuple[int, int]]] = {4: [], 6: []}
        for place, text in enumerate(coded.dictionary.to_pylist()):
            try:
                found = ipaddress.ip_address(text)
            except ValueError:
                continue
            self._values[found.version].append((place, int(found)))
        self._distinct = len(coded.dictionary)
        filled = pc.fill_null(coded.indices, self._distinct)
        self._of_row: I64 = filled.to_numpy(zero_copy_only=False).astype(np.int64)

    def within(self, version: int, bits: int, values: list[int] | U64, names: I64) -> tuple[I64, I64]:
        """(row, atom) for rows whose address lies in one of the prefixes."""
        atom_of = dict(zip((int(v) for v in values), names.tolist(), strict=True))
        atoms = np.full(self._distinct + 1, -1, np.int64)
        away = (32 if version == 4 else 128) - bits
        for place, value in self._values[version]:
            atoms[place] = atom_of.get(value >> away, -1)
        of_row = atoms[self._of_row]
        hit = np.flatnonzero(of_row >= 0).astype(np.int64)
        return hit, of_row[hit]


def _distinct(place: I64, number: I64, most: int) -> tuple[I64, I64]:
    keys = np.unique(place * max(most, 1) + number)
    return keys // max(most, 1), keys % max(most, 1)


def _complete(place: I64, part: I64, need: I64, whole: I64) -> tuple[I64, I64]:
    """(row, whole) pairs of parts of which a row has as many as are needed."""
    most = max(len(need), 1)
    keys, count = np.unique(place * most + part, return_counts=True)
    enough = keys[count >= need[keys % most]] if len(keys) else keys
    return enough // most, whole[enough % most] if len(enough) else enough
