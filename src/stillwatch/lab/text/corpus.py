"""Real prompts instead of composed ones: files ``A_*`` (harvest) and ``B_*`` (ordinary use) of a data folder.

Each file has columns ``prompt``, ``klass`` (``distill`` in A_) and ``lang`` (a guess by script). Campaign items come
from A_, the messages of people, developers and end users from B_; instructions, templates and tools stay those of the
grammars.
"""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from stillwatch.domain.errors import InputError
from stillwatch.lab.text.grammar import Stock, Text

SCRIPTS = {"zh": "zh", "ja": "ja", "ru-cyrl": "ru"}
"""Languages that the guess by script can tell; all others are taken for ``en``."""
LONGEST = 4000
LEAST = 200
"""Prompts a language needs to be swapped in."""


def read_corpus(folder: Path) -> Stock:
    """Symbols by language, ready for :func:`stillwatch.lab.text.grammar.swapped_in`."""
    harvest = _prompts(folder, "A_*.parquet", "distill")
    ordinary = _prompts(folder, "B_*.parquet", "ordinary")
    if not harvest or not ordinary:
        raise InputError("has no A_*.parquet and B_*.parquet with a prompt column", where=str(folder))
    stock = {("item", name): texts for name, texts in harvest.items()}
    for symbol in ("chat", "dev", "enduser"):
        stock |= {(symbol, name): texts for name, texts in ordinary.items()}
    return stock


def _prompts(folder: Path, pattern: str, klass: str) -> dict[str, Text]:
    found: dict[str, list[Text]] = {}
    for path in sorted(folder.glob(pattern)):
        if not {"prompt", "klass", "lang"} <= set(pq.read_schema(path).names):
            continue
        table = pq.read_table(path, columns=["prompt", "klass", "lang"])
        table = table.filter(pc.and_(pc.equal(table["klass"], klass), pc.greater(pc.utf8_length(table["prompt"]), 0)))
        for script in pc.unique(table["lang"]).to_pylist():
            texts = table.filter(pc.equal(table["lang"], script))["prompt"].cast(pa.large_string()).combine_chunks()
            texts = pc.utf8_slice_codeunits(texts, 0, LONGEST)
            found.setdefault(SCRIPTS.get(str(script), "en"), []).append(texts)
    joined = {name: pc.unique(pa.concat_arrays(parts)) for name, parts in found.items()}
    return {name: texts for name, texts in joined.items() if len(texts) >= LEAST}
