"""Vectorised context-free grammars: thousands of surface forms per symbol, millions of texts a minute.

A grammar is a YAML mapping from symbol to alternatives. ``{name}`` inserts another symbol, ``{int:2:99}`` a whole
number. Texts are composed column-wise with Arrow, never one Python string per exchange.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import yaml

LANGUAGES = ("en", "zh", "ru", "es", "de", "ja", "fr")
POOL = 3072
"""Ready-made phrases per symbol, used below the first levels of an expansion."""
SMALL = 48
"""Fewer rows than this are taken from the pool instead of being expanded further."""

_PART = re.compile(r"\{([a-z_0-9]+(?::\d+:\d+)?)\}")
Rng = np.random.Generator
Stock = dict[tuple[str, str], Any]
"""Texts that replace a symbol of a language."""
_SWAPPED: ContextVar[Stock | None] = ContextVar("swapped", default=None)
Text = Any  # pa.Array of large_string; pyarrow has no types


@dataclass
class Grammar:
    """One language's rules with lazily built pools."""

    language: str
    rules: dict[str, list[list[str]]]
    pools: dict[str, Text] = field(default_factory=dict)
    closures: dict[str, frozenset[str]] = field(default_factory=dict)

    def draw(self, symbol: str, n: int, rng: Rng, depth: int = 2, bound: Mapping[str, Text] | None = None) -> Text:
        """``n`` texts of ``symbol``. ``bound`` fixes symbols row by row (a user's own subject, a campaign's slot)."""
        bound = bound or {}
        if symbol in bound:
            return bound[symbol]
        if symbol not in self.rules:  # never half a sentence in another language: the whole symbol in English
            return grammar("en").draw(symbol, n, rng, depth, bound)
        touches = bool(bound) and not self.closure(symbol).isdisjoint(bound)
        if (depth <= 0 or n < SMALL) and not touches:
            return self.pool(symbol).take(pa.array(rng.integers(0, len(self.pool(symbol)), n)))
        alternatives = self.rules[symbol]
        if len(alternatives) > POOL // 8 or all(len(a) == 1 for a in alternatives):
            return self.pool(symbol).take(pa.array(rng.integers(0, len(self.pool(symbol)), n)))
        choice = rng.integers(0, len(alternatives), n)
        order = np.argsort(choice, kind="stable")
        sizes = np.bincount(choice, minlength=len(alternatives))
        pieces, start = [], 0
        for alternative, size in zip(alternatives, sizes.tolist(), strict=True):
            if size:
                rows = pa.array(order[start : start + size])
                here = {name: column.take(rows) for name, column in bound.items()} if touches else {}
                pieces.append(self._expand(alternative, size, rng, depth - 1, here))
                start += size
        back = np.empty(n, dtype=np.int64)
        back[order] = np.arange(n)
        return joined(pieces).take(pa.array(back))

    def _expand(self, parts: list[str], n: int, rng: Rng, depth: int, bound: Mapping[str, Text]) -> Text:
        columns: list[Any] = []
        for position, part in enumerate(parts):
            if position % 2 == 0:
                if part:
                    columns.append(pa.scalar(part, pa.large_string()))
            elif part.startswith("int:"):
                low, high = (int(x) for x in part[4:].split(":"))
                columns.append(pa.array(rng.integers(low, high + 1, n)).cast(pa.large_string()))
            else:
                columns.append(self.draw(part, n, rng, depth, bound))
        if not any(isinstance(c, pa.Array) for c in columns):
            return pa.repeat(pa.scalar("".join(c.as_py() for c in columns), pa.large_string()), n)
        return pc.binary_join_element_wise(*columns, pa.scalar("", pa.large_string()))

    def pool(self, symbol: str) -> Text:
        """The ready-made phrases of a symbol; the same in every world."""
        if symbol not in self.rules:
            return grammar("en").pool(symbol)
        if symbol not in self.pools:
            alternatives = self.rules[symbol]
            if all(len(a) == 1 for a in alternatives):
                self.pools[symbol] = pa.array([a[0] for a in alternatives], pa.large_string())
            else:
                rng = np.random.default_rng([len(symbol), *symbol.encode(), *self.language.encode()])
                share = max(POOL // len(alternatives), 8)
                self.pools[symbol] = joined([self._expand(a, share, rng, 0, {}) for a in alternatives])
        return self.pools[symbol]

    def closure(self, symbol: str) -> frozenset[str]:
        """Every symbol an expansion of ``symbol`` may contain."""
        if symbol not in self.rules:
            return grammar("en").closure(symbol)
        if symbol not in self.closures:
            self.closures[symbol] = frozenset()
            below = {p for a in self.rules[symbol] for p in a[1::2] if not p.startswith("int:")}
            self.closures[symbol] = frozenset(below).union(*(self.closure(b) for b in sorted(below)))
        return self.closures[symbol]


def joined(pieces: list[Text]) -> Text:
    """Arrays one after another as one array."""
    return pieces[0] if len(pieces) == 1 else pa.concat_arrays(pieces)


@cache
def grammar(language: str) -> Grammar:
    """A shipped language; ``shared.yaml`` has code and data, which are alike everywhere."""
    folder = resources.files("stillwatch.lab.text")
    raw: dict[str, list[str]] = {}
    for name in ("shared", language):
        raw |= yaml.safe_load(folder.joinpath(f"{name}.yaml").read_text("utf-8"))
    return Grammar(language, {s: [_PART.split(str(a)) for a in alternatives] for s, alternatives in raw.items()})


@contextmanager
def swapped_in(stock: Stock | None) -> Iterator[None]:
    """Within the block, symbols of the stock come from it instead of the grammar."""
    token = _SWAPPED.set(stock)
    try:
        yield
    finally:
        _SWAPPED.reset(token)


def _one(symbol: str, language: str, n: int, rng: Rng, depth: int) -> Text:
    texts = (_SWAPPED.get() or {}).get((symbol, language))
    if texts is None:
        return grammar(language).draw(symbol, n, rng, depth)
    rounds = [rng.permutation(len(texts)) for _ in range(n // len(texts) + 1)]  # no item twice before all were used
    return texts.take(pa.array(np.concatenate(rounds)[:n]))


def draw_mixed(symbol: str, languages: np.ndarray, rng: Rng, depth: int = 2) -> Text:
    """One text per row in the row's language (index into LANGUAGES)."""
    order = np.argsort(languages, kind="stable")
    sizes = np.bincount(languages, minlength=len(LANGUAGES)).tolist()
    pieces = [_one(symbol, name, k, rng, depth) for name, k in zip(LANGUAGES, sizes, strict=True) if k]
    back = np.empty(len(languages), dtype=np.int64)
    back[order] = np.arange(len(languages))
    return joined(pieces).take(pa.array(back)) if pieces else pa.array([], pa.large_string())


def join_runs(parts: Text, counts: np.ndarray, separator: str) -> Text:
    """Consecutive runs of ``parts`` joined: run ``i`` has ``counts[i]`` members (at least one)."""
    offsets = pa.array(np.concatenate([[0], np.cumsum(counts)]).astype(np.int32))
    return pc.binary_join(pa.ListArray.from_arrays(offsets, parts.cast(pa.string())), separator).cast(pa.large_string())


def glue(*parts: Text | str) -> Text:
    """Columns joined row by row; the last part is the separator."""
    columns = [pa.scalar(p, pa.large_string()) if isinstance(p, str) else p for p in parts]
    return pc.binary_join_element_wise(*columns)
