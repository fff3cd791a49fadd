"""Tables of the log with everything that names a person, or repeats what was written, replaced or left out."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.domain.licence import Licence
from stillwatch.domain.log import ACCOUNTS, EXCHANGES
from stillwatch.evidence.columns import PSEUDONYM, SKETCH, WORDS, treatment
from stillwatch.evidence.pseudonyms import Pseudonyms
from stillwatch.kernels.text import TextFeatures, fingerprint_texts
from stillwatch.signals import sketch

U64 = npt.NDArray[np.uint64]


class Minimiser:
    """What turns rows of the log into rows of a bag. ``reveal``: columns that stay as they are."""

    def __init__(self, names: Pseudonyms, reveal: frozenset[str] = frozenset()) -> None:
        self.names = names
        self.reveal = reveal

    def exchanges(self, batch: pa.RecordBatch | pa.Table, *, remember: bool) -> pa.Table:
        """Canonical columns (EXCHANGES); texts become keyed sketches, also where the edge had sketched them already."""
        columns = {
            field.name: self._column(field, batch.column(field.name), remember)
            for field in EXCHANGES
            if field.name not in SKETCH
        }
        columns |= self._sketches(batch)
        return pa.table(columns, schema=EXCHANGES)

    def accounts(self, table: pa.Table, *, remember: bool) -> pa.Table:
        """Canonical columns (ACCOUNTS)."""
        return pa.table(
            {field.name: self._column(field, table.column(field.name), remember) for field in ACCOUNTS}, schema=ACCOUNTS
        )

    def value(self, column: str, value: str) -> str:
        """One value of a pseudonymous column."""
        return value if column in self.reveal else self.names.name(PSEUDONYM[column], value)

    def licences(self, licences: tuple[Licence, ...]) -> tuple[Licence, ...]:
        """Licences with the names of their holders replaced; terms stay."""
        return tuple(
            Licence(
                id=x.id,
                org_id=None if x.org_id is None else self.value("org_id", x.org_id),
                account_ids=tuple(self.value("account_id", a) for a in x.account_ids),
                models=x.models,
                purpose=x.purpose,
                channels=x.channels,
                max_exchanges=x.max_exchanges,
                valid_from=x.valid_from,
                valid_to=x.valid_to,
            )
            for x in licences
        )

    def _column(self, field: pa.Field, column: pa.Array | pa.ChunkedArray, remember: bool) -> pa.Array:
        name = field.name
        how = "keep" if name in self.reveal else treatment(name)
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        if how == "keep":
            return column
        if how == "drop":
            return pa.nulls(len(column), field.type)
        if how == "address":
            return _renamed(column, lambda values: self.names.address_names(values, remember=remember))
        if how == "word":
            return _renamed(
                column,
                lambda values: (
                    self.names.names("word", [v for v in values if v not in WORDS[name]], remember=remember)
                    | {v: v for v in values if v in WORDS[name]}
                ),
            )
        return _renamed(column, lambda values: self.names.names(PSEUDONYM[name], values, remember=remember))

    def _sketches(self, batch: pa.RecordBatch | pa.Table) -> dict[str, pa.Array]:
        system = fingerprint_texts(batch.column("system_prompt"), None)
        prompt = fingerprint_texts(batch.column("prompt"), None)
        given = batch.column("prompt_sketch")
        if given.null_count < len(given):
            edge = sketch.decode(given.combine_chunks() if isinstance(given, pa.ChunkedArray) else given)
            prompt = sketch.merge(prompt, edge)
            system = system._replace(
                hash=np.where(system.hash == 0, edge.system_hash, system.hash),
                skeleton=np.where(system.hash == 0, edge.system_skeleton, system.skeleton),
            )
        nothing = pa.nulls(len(given), pa.string())
        out: dict[str, pa.Array] = {
            name: batch.column(name) if name in self.reveal else nothing for name in ("system_prompt", "prompt")
        }
        out["prompt_sketch"] = sketch.encode(self._keyed(system), self._keyed(prompt))
        return out

    def _keyed(self, text: TextFeatures) -> TextFeatures:
        mark: Callable[[U64], U64] = self.names.marks
        return text._replace(
            hash=mark(text.hash),
            skeleton=mark(text.skeleton),
            head=mark(text.head),
            tail=mark(text.tail),
            fp_values=mark(text.fp_values),
        )


def _renamed(column: pa.Array, rename: Callable[[list[str]], dict[str, str]]) -> pa.Array:
    """Strings by their new names, null for null; each distinct value is named once."""
    coded = pc.dictionary_encode(column)
    values = coded.dictionary.to_pylist()
    names = rename(values)
    renamed = pa.array([names[v] for v in values], pa.string())
    return pa.DictionaryArray.from_arrays(coded.indices, renamed).cast(pa.string())
