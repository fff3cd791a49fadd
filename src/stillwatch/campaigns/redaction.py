"""Redacted text: only the words that most senders have in common are shown."""

from __future__ import annotations

import re
from collections.abc import Sequence

MASK = "▒▒▒"
_WORD = re.compile(r"[\w'’-]+|[^\w\s]", re.UNICODE)
_RUN = 3
_MOST_CHARS = 4_000
_MOST_SHOWN = 600


def common_text(texts: Sequence[str]) -> str:
    """The first text with every word masked that is not in a run of three words common to most of the texts.

    >>> common_text(["grade this answer: blue", "grade this answer: red", "grade this answer: old"])
    'grade this answer : ▒▒▒'
    """
    texts = [t[:_MOST_CHARS] for t in texts if t]
    if len(texts) < 3:
        return MASK if texts else ""
    words = [_WORD.findall(t) for t in texts]
    seen: dict[tuple[str, ...], int] = {}
    for sentence in words:
        for run in {tuple(sentence[i : i + _RUN]) for i in range(len(sentence) - _RUN + 1)}:
            seen[run] = seen.get(run, 0) + 1
    least = max(3, (len(texts) + 1) // 2)
    best = max(words, key=lambda s: sum(seen[tuple(s[i : i + _RUN])] >= least for i in range(len(s) - _RUN + 1)))
    show = [False] * len(best)
    for i in range(len(best) - _RUN + 1):
        if seen[tuple(best[i : i + _RUN])] >= least:
            show[i : i + _RUN] = [True] * _RUN
    out: list[str] = []
    for word, shown in zip(best, show, strict=True):
        if shown:
            out.append(word)
        elif not out or out[-1] != MASK:
            out.append(MASK)
    return " ".join(out)[:_MOST_SHOWN]
