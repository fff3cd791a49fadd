"""The grammars: variety, languages, no loose ends."""

from __future__ import annotations

import numpy as np
import pyarrow.compute as pc
import pytest

from stillwatch.lab.text.compose import transcripts
from stillwatch.lab.text.grammar import LANGUAGES, draw_mixed, grammar


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_symbol_expands_without_loose_ends(language: str) -> None:
    for symbol in grammar(language).rules:
        pool = grammar(language).pool(symbol)
        assert pool.null_count == 0
        assert not pc.any(pc.match_substring_regex(pool, r"\{[a-z_0-9]+(:[0-9]+)*\}")).as_py(), symbol


@pytest.mark.parametrize(
    "symbol", ["cot_ask", "rubric_ask", "persona_ask", "rewrite_ask", "launder_ask", "language_ask", "search"]
)
def test_an_instruction_has_thousands_of_forms(symbol: str) -> None:
    texts = grammar("en").draw(symbol, 5000, np.random.default_rng(0), 4)
    assert len(pc.unique(texts)) > 4000


def test_harvest_items_are_practically_unique() -> None:
    texts = grammar("en").draw("item", 20_000, np.random.default_rng(0), 4)
    assert len(pc.unique(texts)) > 19_900


def test_a_text_is_in_its_rows_language() -> None:
    rows = np.array([LANGUAGES.index(x) for x in ("zh", "ru", "zh", "en")])
    texts = draw_mixed("cot_ask", rows, np.random.default_rng(0), 3).to_pylist()
    assert any("\u4e00" <= c <= "\u9fff" for c in texts[0]) and any("\u0400" <= c <= "\u04ff" for c in texts[1])
    assert texts[3].isascii()


def test_a_transcript_begins_with_the_turn_before() -> None:
    texts = draw_mixed("chat", np.zeros(4, dtype=int), np.random.default_rng(0))
    whole = transcripts(texts, texts, np.array([0, 1, 0, 0]), np.array([0, 0, 2, 1])).to_pylist()
    assert whole[3].startswith(whole[0]) and whole[2].startswith(whole[3]) and whole[1] == texts[1].as_py()
