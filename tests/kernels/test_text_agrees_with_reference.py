"""The compiled pass and the plain one say the same of any bytes, in any Arrow layout."""

from __future__ import annotations

import pyarrow as pa
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from stillwatch.kernels._characters import FOLD, INFO
from stillwatch.kernels.text import Lexicon, TextFeatures, compile_lexicon, fingerprint_texts
from tests.kernels import reference

CLASSES = {
    "steps": ["step by step", "Step", "逐步", "思维链", "шаг за шагом"],
    "short": ["a", "don't", "a b", "é", "7"],
    "both": ["step", "a b a b a b", "당신"],
}
LEXICON = compile_lexicon(CLASSES)
PIECES = [
    "step", "Step", "by", "a", "b", "B", "don't", "don’t", "É", "é", "Ёж", "ёж", "шаг", "за", "шагом", "7", "v2", "٣",
    "逐步", "思维链", "カナ", "당신", "नमस्ते", "مرحبا", "Ａ１", "🙂", "👩‍🚀", "İ", "ÿŸ", "𝟗", "𠀀", "_x", "x" * 255,
    "y" * 300, '"', '"', "`", "“", "”", "'", ".", ",", "，", "。", "「", "\u200b", "\u00a0", "\n", "\x00", "ñ", "Ω",
    "Ž", "ſ", "lorem ipsum dolor sit amet " * 6, "q" * 199, "q" * 200,
]  # fmt: skip
RAGGED = [b"\xff", b"\xc3", b"\xe4\xbd", b"\xf0\x9f\x98", b"\xed\xa0\x80", b"\xc0\xaf", b"\xf4\x90\x80\x80", b"\x80"]

mixed = st.lists(st.tuples(st.sampled_from(PIECES), st.sampled_from(["", " ", " "])), max_size=60).map(
    lambda parts: "".join(a + b for a, b in parts)
)
raw = st.lists(
    st.one_of(st.sampled_from(RAGGED), st.binary(max_size=12), st.sampled_from([p.encode() for p in PIECES])),
    max_size=30,
).map(b"".join)
texts = st.one_of(mixed, st.text(max_size=80))


def rows(found: TextFeatures) -> list[reference.Features]:
    """One reference record per text."""
    return [
        reference.Features(
            int(found.hash[i]),
            int(found.skeleton[i]),
            int(found.head[i]),
            int(found.tail[i]),
            int(found.n_bytes[i]),
            int(found.n_tokens[i]),
            int(found.script[i]),
            found.cues[i].tolist(),
            found.fp_values[found.fp_offsets[i] : found.fp_offsets[i + 1]].tolist(),
            int(found.fp_total[i]),
        )
        for i in range(len(found.hash))
    ]


def encoded(values: list[str | None]) -> list[bytes | None]:
    return [None if v is None else v.encode() for v in values]


@given(st.lists(raw, max_size=4), st.integers(1, 6), st.integers(1, 10), st.integers(1, 30))
@example([b'"``', b'"x `y` ' + b"z " * 110 + b'`w` "v"'], 1, 1, 1)
@settings(max_examples=150, deadline=None)
def test_any_bytes_and_any_settings(values: list[bytes], k: int, window: int, most: int) -> None:
    array = pa.array(values, pa.binary())
    found = fingerprint_texts(array, LEXICON, k=k, window=window, max_fingerprints=most)
    assert rows(found) == [reference.features(v, CLASSES, k, window, most) for v in values]


@given(st.lists(st.one_of(st.none(), texts), max_size=6), st.sampled_from([pa.string(), pa.large_string()]))
@settings(max_examples=150, deadline=None)
def test_any_text_with_nulls(values: list[str | None], kind: pa.DataType) -> None:
    found = fingerprint_texts(pa.array(values, kind), LEXICON)
    assert rows(found) == [reference.features(v, CLASSES) for v in encoded(values)]


@given(st.lists(st.one_of(st.none(), mixed), min_size=1, max_size=8), st.data())
@settings(max_examples=60, deadline=None)
def test_slices_and_chunks_are_read_as_their_values(values: list[str | None], data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(values)))
    length = data.draw(st.integers(0, len(values) - start))
    whole = pa.array(values, pa.string())
    expected = [reference.features(v, CLASSES) for v in encoded(values)]
    assert rows(fingerprint_texts(whole.slice(start, length), LEXICON)) == expected[start : start + length]
    chunked = pa.chunked_array([whole.slice(0, start), whole.slice(start)])
    assert rows(fingerprint_texts(chunked, LEXICON)) == expected


def test_every_code_point_is_classified_as_in_the_reference() -> None:
    uniform = [
        (0x3410, 0x4DB0),
        (0x4E10, 0x9FF0),
        (0xAC10, 0xD790),
        (0xE010, 0xF8F0),
        (0x10010, 0x1CFF0),
        (0x20010, 0x3FFF0),
    ]
    sampled = {cp for first, last in uniform for cp in range(first + 1, last) if cp % 97}
    points = [cp for cp in (*range(0xD800), *range(0xE000, 0x40010), *range(0xDFFF0, 0xE0200)) if cp not in sampled]
    values = [f"x{chr(cp)}y {chr(cp) * 4}" for cp in points]
    found = fingerprint_texts(pa.array(values), None)
    expected = [reference.features(v.encode(), {}) for v in values]
    wrong = [hex(cp) for cp, a, b in zip(points, rows(found), expected, strict=True) if a != b]
    assert wrong == []


def test_small_letters_are_their_own_small_form() -> None:
    assert (FOLD[FOLD] == FOLD).all()
    letters = (INFO & 0b11 == 1) | (INFO & 0b11 == 2)
    assert (INFO[FOLD][letters] & 0b11 == INFO[letters] & 0b11).all()


def test_empty_and_null_columns() -> None:
    assert rows(fingerprint_texts(pa.array([], pa.string()), LEXICON)) == []
    assert rows(fingerprint_texts(pa.chunked_array([], pa.string()), None)) == []
    nothing = fingerprint_texts(pa.nulls(3), LEXICON)
    assert nothing.hash.tolist() == [0, 0, 0] and nothing.cues.shape == (3, 3)


def test_dictionary_and_view_columns_are_read_as_text() -> None:
    plain = pa.array(["one two", None, "one two"])
    expected = rows(fingerprint_texts(plain, None))
    assert rows(fingerprint_texts(plain.dictionary_encode(), None)) == expected
    assert rows(fingerprint_texts(plain.cast(pa.string_view()), None)) == expected


@pytest.mark.parametrize("setting", ["k", "window", "max_fingerprints"])
def test_settings_below_one_are_refused(setting: str) -> None:
    with pytest.raises(ValueError, match="at least 1"):
        fingerprint_texts(pa.array(["a"]), None, **{setting: 0})


def test_lexicon_refuses_what_it_cannot_hold() -> None:
    with pytest.raises(ValueError, match="at most 32"):
        compile_lexicon({str(i): ["a"] for i in range(33)})
    for phrase in ("", "—", "a b c d e f g h i j k"):
        with pytest.raises(ValueError, match="'bad'"):
            compile_lexicon({"bad": [phrase]})
    assert isinstance(compile_lexicon({str(i): ["a"] for i in range(32)}), Lexicon)
    assert fingerprint_texts(pa.array(["a A"]), compile_lexicon({str(i): ["a"] for i in range(32)})).cues.tolist() == [
        [2] * 32
    ]
