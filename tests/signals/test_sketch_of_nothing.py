"""A batch without text has sketches too: none."""

from __future__ import annotations

import pyarrow as pa

from stillwatch.kernels.text import fingerprint_texts
from stillwatch.signals.sketch import encode


def test_a_batch_without_text_has_no_sketch() -> None:
    for n in (0, 3):
        nothing = fingerprint_texts(pa.nulls(n, pa.string()), None)
        assert encode(nothing, nothing).to_pylist() == [None] * n
