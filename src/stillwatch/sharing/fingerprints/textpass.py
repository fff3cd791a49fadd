"""The detector's text pass, with what sharing compares beside it, as relations."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from stillwatch.kernels.hashing import hash_strings
from stillwatch.sharing.fingerprints.areas import areas
from stillwatch.signals.features import FeaturePass, client_stack


class SharedPass:
    """A kernel for :meth:`Engine.map_batches`. Yields ``exchanges``, as :class:`FeaturePass` has them, with the
    account's id and two more hashes, and ``fingerprints`` (exchange, account, position, fingerprint).

    ``area`` is that of the address, ``stack`` of client, TLS, parameters and schema together.
    """

    def __init__(self) -> None:
        self._features = FeaturePass()

    def __call__(self, batch: pa.RecordBatch) -> dict[str, pa.Table]:
        whole = self._features(batch)["exchanges"].replace_schema_metadata(None)
        rows = whole.drop_columns(["fingerprints"]).append_column("account_id", batch.column("account_id"))
        stack = client_stack(*(rows[name].to_numpy() for name in ("client", "tls", "parameters", "schema")))
        rows = rows.append_column("area", pa.array(hash_strings(areas(batch.column("client_ip")))))
        return {"exchanges": rows.append_column("stack", pa.array(stack)), "fingerprints": _marks(whole)}


def _marks(rows: pa.Table) -> pa.Table:
    lists = rows["fingerprints"].combine_chunks()
    offsets = lists.offsets.to_numpy()
    lengths = np.diff(offsets)
    values = lists.values.slice(int(offsets[0]), int(offsets[-1] - offsets[0]))
    position = np.arange(len(values)) - np.repeat(offsets[:-1] - offsets[0], lengths)
    return pa.table(
        {
            "rid": np.repeat(rows["rid"].to_numpy(), lengths),
            "account": np.repeat(rows["account"].to_numpy(), lengths),
            "position": position.astype(np.int16),
            "fingerprint": values,
        }
    )
