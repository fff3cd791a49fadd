"""What a reader of TextFeatures may rely on, whatever the kernel does inside."""

from __future__ import annotations

import threading

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.kernels.text import SCRIPTS, TextFeatures, compile_lexicon, fingerprint_texts

words = st.lists(st.text("abcdefgh", min_size=1, max_size=6), max_size=40)
MANY = 10_000_000


def one(text: str, **settings_: int) -> TextFeatures:
    return fingerprint_texts(pa.array([text]), None, **settings_)


@given(words, words, words, words, st.data(), st.integers(1, 6), st.integers(1, 10))
@settings(max_examples=150, deadline=None)
def test_a_shared_run_always_shares_a_fingerprint(
    a: list[str], b: list[str], c: list[str], d: list[str], data: st.DataObject, k: int, window: int
) -> None:
    run = data.draw(st.lists(st.sampled_from("pqrst"), min_size=k + window - 1, max_size=k + window + 10))
    left = one(" ".join(a + run + b), k=k, window=window, max_fingerprints=1000)
    right = one(" ".join(c + run + d), k=k, window=window, max_fingerprints=1000)
    assert set(left.fp_values.tolist()) & set(right.fp_values.tolist())


@given(words, st.integers(1, 30))
@settings(max_examples=100, deadline=None)
def test_the_cap_keeps_a_subset_in_order_and_the_total(text: list[str], most: int) -> None:
    every, capped = (one(" ".join(text), max_fingerprints=m) for m in (1000, most))
    kept = capped.fp_values.tolist()
    assert kept == [f for f in every.fp_values.tolist() if f in set(kept)]
    assert capped.fp_total[0] == every.fp_total[0] == len(every.fp_values) == len(set(every.fp_values.tolist()))
    assert len(kept) == min(most, len(every.fp_values))


def test_texts_that_share_most_keep_the_same_fingerprints_under_the_cap() -> None:
    shared = [f"word{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(600)]
    left, right = one("left " + " ".join(shared)), one(" ".join(shared) + " right end")
    assert left.fp_total[0] > 100
    assert len(set(left.fp_values.tolist()) & set(right.fp_values.tolist())) >= 22


@pytest.mark.parametrize(
    ("left", "right"),
    [
        ("Rate answer 7 of 10.", "rate ANSWER 12 of 9"),
        ('Explain "photosynthesis in two words" now', 'explain "" now'),
        ("Explain `x = 1` now", "explain `y` now"),
        ("Explain “день” now", "explain “a 'b' c” now"),
        ("第3题 的 答案", "第99题 的答案"),
        ("don't stop", "dont   stop"),
        ("ＡＢＣ", "abc"),
        ("step\u200b by step", "step by step"),
    ],
)
def test_numbers_quotations_case_and_spacing_do_not_change_a_skeleton(left: str, right: str) -> None:
    found = fingerprint_texts(pa.array([left, right]), None)
    assert found.skeleton[0] == found.skeleton[1]


@pytest.mark.parametrize("text", ['5" disks and 7" disks', '"' + "word " * 50 + '" end', "a “b c", 'a"b c"d'])
def test_a_mark_that_quotes_nothing_hides_nothing(text: str) -> None:
    plain = "".join(" " if c in '"“”' else c for c in text)
    found = fingerprint_texts(pa.array([text, plain]), None)
    assert found.skeleton[0] == found.skeleton[1] and found.hash[0] == found.hash[1]


def test_other_words_change_hash_and_skeleton() -> None:
    found = fingerprint_texts(pa.array(["rate 7", "rate 8", "rats 7", "7 rate", "", "?", None]), None)
    assert len(set(found.hash.tolist())) == 6 and found.hash[4] == found.hash[5] != 0 == found.hash[6]
    assert found.skeleton[0] == found.skeleton[1] and len(set(found.skeleton.tolist())) == 5


def test_head_and_tail_are_the_first_and_last_eight_tokens() -> None:
    a, b = "one two three four five six seven eight", "b c d e f g h i"
    found = fingerprint_texts(pa.array([a, f"{a} x", f"x {a}", f"{a} x {b}", b]), None)
    assert len({int(h) for h in found.head[[0, 1, 3]]}) == 1 and found.head[2] != found.head[0]
    assert found.tail[0] == found.tail[2] == found.head[0] and found.tail[3] == found.tail[4]


def test_scripts_are_named_by_the_majority_of_letters() -> None:
    texts = ["", "12 !", "word 你", "你好 a", "привет ok", "مرحبا", "ひらがな", "한국어", "नमस्ते", "ελληνικά"]
    found = fingerprint_texts(pa.array(texts), None)
    names = ["none", "none", "latin", "cjk", "cyrillic", "arabic", "kana", "hangul", "devanagari", "other"]
    assert [SCRIPTS[s] for s in found.script] == names


def test_cues_are_counted_up_to_255_and_across_punctuation() -> None:
    lexicon = compile_lexicon({"steps": ["step by step", "逐步"], "why": ["why"]})
    texts = pa.array(["Step-by-STEP: why, why?", "请逐步说明", "step by", "why " * 300, None])
    assert fingerprint_texts(texts, lexicon).cues.tolist() == [[1, 2], [1, 0], [0, 0], [0, 255], [0, 0]]


def test_a_lexicon_changes_nothing_but_cues() -> None:
    texts = pa.array(["why step by step", None, "你好 7"])
    with_cues = fingerprint_texts(texts, compile_lexicon({"why": ["why"]}))
    for name, plain in fingerprint_texts(texts, None)._asdict().items():
        assert name == "cues" or np.array_equal(plain, getattr(with_cues, name))


PINNED = (2136944280919973886, 12843486780737763459, 6631383811282095252)


def test_values_are_the_same_in_every_version() -> None:
    """Stored sketches and cases hold these numbers: whoever changes them must version the formats."""
    found = one('Rate answer 7, "this" one: 你好, Ёлка!')
    pinned = (found.hash[0], found.skeleton[0], found.fp_values[0])
    assert tuple(int(p) for p in pinned) == PINNED


def test_threads_and_batches_do_not_matter() -> None:
    rng = np.random.default_rng(3)
    texts = pa.array([" ".join(f"w{i}x" if i % 7 else str(i) for i in rng.integers(0, 50, 80)) for _ in range(300)])
    whole = fingerprint_texts(texts, None)
    parts: dict[int, TextFeatures] = {}

    def work(at: int) -> None:
        parts[at] = fingerprint_texts(texts.slice(at, 100), None)

    threads = [threading.Thread(target=work, args=(at,)) for at in (0, 100, 200)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for name in ("hash", "skeleton", "head", "tail", "fp_values", "fp_total"):
        joined = np.concatenate([getattr(parts[at], name) for at in (0, 100, 200)])
        assert np.array_equal(getattr(whole, name), joined)


@pytest.mark.parametrize(
    ("field", "tokens"),
    [
        (b"a" * MANY, 1),
        (b"\xff" * MANY, 0),
        (b'"' * MANY, 0),
        (b"a " * (MANY // 2), MANY // 2),
        (b'a""' * 3333333, 3333333),
    ],
    ids=["one token", "invalid bytes", "quotes", "many tokens", "tokens and quotes"],
)
def test_a_field_of_ten_megabytes_is_read_in_bounded_time(field: bytes, tokens: int) -> None:
    found = fingerprint_texts(pa.array([field, b"next"], pa.binary()), compile_lexicon({"a": ["a a a a"]}))
    assert found.n_tokens.tolist() == [tokens, 1] and found.n_bytes[0] == len(field)


def test_ten_megabytes_of_different_words_keep_a_bounded_number_of_fingerprints() -> None:
    field = np.random.default_rng(5).integers(97, 123, MANY, dtype=np.uint8)
    field[::7] = 32
    found = fingerprint_texts(pa.array([field.tobytes()], pa.binary()), None)
    assert len(found.fp_values) == 24 and found.fp_total[0] > 250_000


def test_long_tokens_differ_by_their_first_bytes_and_their_length() -> None:
    texts = ["x" * 300, "x" * 301, "x" * 299 + "y", "y" + "x" * 299, "x" * 256, "x" * 255 + "y"]
    assert len(set(fingerprint_texts(pa.array(texts), None).hash.tolist())) == 5
