"""The detector's text pass, with what sharing compares beside it."""

from __future__ import annotations

import pyarrow as pa

from stillwatch.kernels.hashing import hash_strings
from stillwatch.sharing.fingerprints.areas import areas
from stillwatch.signals.features import FeaturePass, client_stack


class SharedPass:
    """A kernel for :meth:`Engine.map_batches`: as :class:`FeaturePass`, and in ``exchanges`` two more hashes.

    ``area`` is that of the address, ``stack`` of client, TLS, parameters and schema together.
    """

    def __init__(self) -> None:
        self._features = FeaturePass()

    def __call__(self, batch: pa.RecordBatch) -> dict[str, pa.Table]:
        tables = self._features(batch)
        rows = tables["exchanges"]
        stack = client_stack(*(rows[name].to_numpy() for name in ("client", "tls", "parameters", "schema")))
        rows = rows.append_column("area", pa.array(hash_strings(areas(batch.column("client_ip")))))
        return {**tables, "exchanges": rows.append_column("stack", pa.array(stack))}
