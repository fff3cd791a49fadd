"""Speed of the compiled text pass on one thread. Needs no data.

    python bench/kernels.py [--texts 20000]

Prints one line per kernel and kind of text: rows and megabytes a second, the best of five runs.
"""

from __future__ import annotations

import argparse
import time
from collections import Counter
from collections.abc import Callable

import numpy as np
import pyarrow as pa

from stillwatch.kernels.hashing import hash_strings
from stillwatch.kernels.minhash import account_minhash, band_keys, densify
from stillwatch.kernels.text import compile_lexicon, fingerprint_texts

CHARACTERS = 600
REPEATS = 5


def synthetic_texts(n: int, alphabet: str, word: int, rng: np.random.Generator) -> pa.Array:
    """Texts of about CHARACTERS characters over 20,000 words of Zipf-like frequency."""
    words = ["".join(rng.choice(list(alphabet), rng.integers(2, word))) for _ in range(20_000)]
    words += [str(i) for i in range(500)]
    rank = (len(words) ** rng.random((n, 2 * CHARACTERS // word + 1))).astype(np.int64) - 1
    return pa.array([" ".join(words[r] for r in row)[:CHARACTERS] for row in rank])


def _words(text: str) -> list[str]:
    return list(text.replace(" ", "")) if max(text) >= "\u4e00" else text.split()


def synthetic_lexicon(texts: pa.Array, rng: np.random.Generator) -> dict[str, list[str]]:
    """400 phrases in 20 classes, of one to four words (or characters); the first is none of the 100 commonest.

    With phrases drawn as texts are, two thirds of all words would be cues; in English prose one in a hundred is.
    """
    counts: Counter[str] = Counter()
    for text in texts.slice(0, 500).to_pylist():
        counts.update(_words(text))
    common = {word for word, _ in counts.most_common(100)}
    phrases: list[str] = []
    while len(phrases) < 400:
        words = _words(texts[int(rng.integers(len(texts)))].as_py())
        at, length = int(rng.integers(1, len(words) - 5)), int(rng.integers(1, 5))
        if words[at] not in common:
            phrases.append(" ".join(words[at : at + length]))
    return {f"class {c}": phrases[c::20] for c in range(20)}


def best_seconds(work: Callable[[], object]) -> float:
    """The least of REPEATS wall times, after one run that compiles."""
    work()
    times = []
    for _ in range(REPEATS):
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def main() -> None:
    """Print one line per kernel and kind of text."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--texts", type=int, default=20_000, help="how many of each kind")
    n: int = parser.parse_args().texts
    rng = np.random.default_rng(1)
    start = time.perf_counter()
    fingerprint_texts(pa.array(["warm up"]), None)
    print(f"first call (compile or load from the cache)  {time.perf_counter() - start:8.2f} s")
    print(f"{'kernel':<44} {'rows/s':>12} {'MB/s':>8}")
    alphabets = {"latin": ("abcdefghijklmnopqrstuvwxyz", 10), "russian": ("абвгдеклмнопрстуя", 10), "chinese": ("", 24)}
    alphabets["chinese"] = ("".join(chr(c) for c in range(0x4E00, 0x5600)), 24)
    for name, (alphabet, word) in alphabets.items():
        texts = synthetic_texts(n, alphabet, word, rng)
        size = sum(len(t.as_py().encode()) for t in texts)
        lexicon = compile_lexicon(synthetic_lexicon(texts, rng))
        tasks: dict[str, Callable[[], object]] = {
            f"text, {name}, no lexicon": lambda t=texts: fingerprint_texts(t, None),
            f"text, {name}, 400 phrases": lambda t=texts, x=lexicon: fingerprint_texts(t, x),
            f"hash_strings, {name}": lambda t=texts: hash_strings(t),
        }
        for task, work in tasks.items():
            seconds = best_seconds(work)
            print(f"{task:<44} {n / seconds:12,.0f} {size / seconds / 1e6:8,.0f}")
    features = fingerprint_texts(texts, None)
    codes = rng.integers(0, 1000, n, dtype=np.int32)
    seconds = best_seconds(lambda: account_minhash(features.fp_offsets, features.fp_values, codes, 1000))
    print(f"{'account_minhash (rows: fingerprints)':<44} {len(features.fp_values) / seconds:12,.0f}")
    sketch = densify(account_minhash(features.fp_offsets, features.fp_values, codes, 1000))
    seconds = best_seconds(lambda: band_keys(densify(sketch)))
    print(f"{'densify + band_keys (rows: accounts)':<44} {1000 / seconds:12,.0f}")


if __name__ == "__main__":
    main()
