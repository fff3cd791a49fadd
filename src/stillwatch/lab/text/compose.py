"""Texts of people: openers and follow-ups, typing habits, long pastes."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.lab.text.grammar import Rng, Text, draw_mixed, glue, join_runs


def human_text(languages: np.ndarray[Any, Any], turn: np.ndarray[Any, Any], rng: Rng, symbol: str = "chat") -> Text:
    """A conversation's messages: the first asks, later ones mostly follow up."""
    n = len(languages)
    later = (turn > 0) & (rng.random(n) < 0.65)
    text = pc.if_else(pa.array(later), draw_mixed("followup", languages, rng, 2), draw_mixed(symbol, languages, rng, 2))
    return habits(paste(text, languages, rng, 0.05), rng)


def paste(text: Text, languages: np.ndarray[Any, Any], rng: Rng, share: float) -> Text:
    """A share of the messages carries a long pasted passage (heavy-tailed length)."""
    rows = np.flatnonzero(rng.random(len(text)) < share)
    if len(rows) == 0:
        return text
    counts = np.minimum(rng.lognormal(2.2, 0.8, len(rows)).astype(np.int64) + 1, 60)
    passage = join_runs(draw_mixed("sentence", np.repeat(languages[rows], counts), rng, 1), counts, "")
    with_paste = glue(text.take(pa.array(rows)), passage, "\n\n")
    index = np.arange(len(text))
    index[rows] = len(text) + np.arange(len(rows))
    return pa.concat_arrays([text, with_paste]).take(pa.array(index))


def habits(text: Text, rng: Rng, share: float = 0.3) -> Text:
    """Typing habits: lower case, slips, missing apostrophes, line breaks."""
    draw = rng.random(len(text)) / max(share, 1e-9)
    edits = (
        (0.0, 0.45, pc.utf8_lower),
        (0.45, 0.55, lambda t: pc.replace_substring(t, " the ", " teh ")),
        (0.55, 0.7, lambda t: pc.replace_substring(pc.replace_substring(t, "you", "u"), "'", "")),
        (0.7, 0.85, lambda t: pc.replace_substring(t, ". ", ".\n")),
        (0.85, 1.0, lambda t: pc.replace_substring(t, "ing ", "ign ")),
    )
    for low, high, edit in edits:
        rows = np.flatnonzero((draw >= low) & (draw < high))
        if len(rows):
            index = np.arange(len(text))
            index[rows] = len(text) + np.arange(len(rows))
            text = pa.concat_arrays([text, edit(text.take(pa.array(rows)))]).take(pa.array(index))
    return text


def transcripts(
    text: Text, answers: Text, session: np.ndarray[Any, Any], turn: np.ndarray[Any, Any], most: int = 6
) -> Text:
    """Clients that send the whole conversation as one prompt: each message begins with all before it."""
    order = np.lexsort((turn, session))
    previous = np.empty(len(turn), dtype=np.int64)
    previous[order] = np.concatenate([order[:1], order[:-1]])
    for k in range(1, most + 1):
        rows = np.flatnonzero(turn == k)
        if len(rows) == 0:
            break
        before = pa.array(previous[rows])
        longer = glue(
            text.take(before), "\n\nAssistant: ", answers.take(before), "\n\nUser: ", text.take(pa.array(rows)), ""
        )
        index = np.arange(len(text))
        index[rows] = len(text) + np.arange(len(rows))
        text = pa.concat_arrays([text, longer]).take(pa.array(index))
    return text
