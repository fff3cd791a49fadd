"""Own material: invented words under a request, so that long texts are long and no two people's are alike."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.lab.text.grammar import LANGUAGES, Rng, Text, glue, join_runs

VOCABULARY = 6_000
SPREAD = 0.8
"""Sigma of ln(words)."""
MOST = 4_000
BATCH = 100_000
"""Texts at a time: words are drawn one by one, and a large world has a billion of them."""
_LETTERS = {
    "zh": "一丁七万丈三上下不与丐丑专且世丘",
    "ja": "あいうえおかきくけこさしすせそた",
    "ru": "авеиклмнопрстуыя",
}


@cache
def vocabulary(language: str) -> Text:
    """Invented words in the script of a language, the same in every world."""
    rng = np.random.default_rng([11, *language.encode()])
    letters = np.array(list(_LETTERS.get(language, "aeiourtnslmdpcgb")))
    sizes = rng.integers(1, 3, VOCABULARY) if language in ("zh", "ja") else rng.integers(2, 10, VOCABULARY)
    return pa.array(["".join(letters[rng.integers(0, len(letters), k)]) for k in sizes.tolist()], pa.large_string())


def with_material(text: Text, languages: np.ndarray[Any, Any], words: float, rng: Rng) -> Text:
    """Each text followed by a heavy-tailed number of words, ``words`` on average."""
    mu = np.log(words) - SPREAD**2 / 2
    parts = []
    for low in range(0, len(text), BATCH):
        here = languages[low : low + BATCH]
        counts = np.clip(rng.lognormal(mu, SPREAD, len(here)), 1, MOST).astype(np.int64)
        rank = (VOCABULARY * rng.random(int(counts.sum())) ** 1.5).astype(np.int64)
        stock = pa.concat_arrays([vocabulary(name) for name in LANGUAGES])
        drawn = stock.take(pa.array(np.repeat(here, counts) * VOCABULARY + rank))
        parts.append(glue(text.slice(low, BATCH), join_runs(drawn, counts, " "), "\n\n"))
    return pa.concat_arrays(parts)
