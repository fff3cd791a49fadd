"""The tactic catalogue, and how the tactics visible in one request are recognised.

A tactic is a combination of ideas (cue classes of ``lexicon.yaml``) and of structure (token counts, refusal),
never one string. Whoever writes in words outside the lexicon evades this file, not the other families.
"""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt
import yaml

from stillwatch.kernels.text import Lexicon, compile_lexicon

Bools = npt.NDArray[np.bool_]


class Tactic(msgspec.Struct, frozen=True, kw_only=True):
    """One row of the catalogue."""

    id: str
    name: str
    atlas: tuple[str, ...]
    level: str
    specific: bool = False
    capability: str = ""


@cache
def catalogue() -> tuple[Tactic, ...]:
    """All tactics, in the order of the catalogue; a tactic's position is its bit."""
    text = files(__package__).joinpath("tactics.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), tuple[Tactic, ...])


@cache
def bit(tactic_id: str) -> int:
    """The position of a tactic in the catalogue."""
    return next(i for i, tactic in enumerate(catalogue()) if tactic.id == tactic_id)


@cache
def _classes() -> dict[str, list[str]]:
    text = files(__package__).joinpath("lexicon.yaml").read_text(encoding="utf-8")
    classes: dict[str, list[Any]] = yaml.safe_load(text)
    return {name: sorted({str(phrase) for phrase in phrases}) for name, phrases in classes.items()}


@cache
def lexicon() -> Lexicon:
    """The cue classes, compiled for the text kernel."""
    return compile_lexicon(_classes())


def exchange_tactics(
    cues: npt.NDArray[np.uint8],
    system_cues: npt.NDArray[np.uint8],
    *,
    n_tokens: npt.NDArray[np.int32],
    output_tokens: npt.NDArray[np.int64],
    refused: Bools,
    extraction_label: Bools,
) -> npt.NDArray[np.uint32]:
    """Bit mask (by :func:`bit`) of the tactics in each request.

    ``cues`` and ``system_cues`` are (n, classes) counts of the user's and the system's text; ``output_tokens`` is -1
    where unknown. Cues are judged per length: a long text needs more of them to count as being about the idea.
    """
    order = {name: i for i, name in enumerate(_classes())}
    total = cues.astype(np.int32) + system_cues

    def has(name: str, least: int = 1) -> Bools:
        return np.asarray(total[:, order[name]] >= least)

    short = n_tokens < 2500
    reason, hidden, writeout = has("reason"), has("hidden"), has("writeout")
    asks = writeout | has("explain") | has("tags") | has("translate_memory")
    cot = (reason & hidden & (writeout | has("tags") | has("translate_memory"))) | (has("answer_given") & reason & asks)
    cot |= (has("debug") | has("system_text")) & reason & (writeout | has("override") | hidden)
    cot |= has("translate_memory") & (writeout | hidden | has("language"))
    tiny = (output_tokens >= 0) & (output_tokens <= 64)
    judged = has("grade") & (has("candidate") | has("rubric", 2))
    rubric = judged & (has("rubric") | tiny) & (has("candidate") | tiny)
    rewrite = has("rewrite") & has("neutral") & has("sensitive")
    language = has("language") & reason & (hidden | has("translate_memory")) & ~has("grade")
    launder = has("trace") & has("clean") & reason
    search = refused & (cot | (has("system_text") & writeout) | (reason & (hidden | has("override"))))
    masks = {
        "T-COT": cot & short,
        "T-RUBRIC": rubric & short,
        "T-REWRITE": rewrite & short,
        "T-PERSONA": has("persona") & (n_tokens < 400),
        "T-LANGUAGE": language & short,
        "T-LAUNDER": launder & short,
        "T-SEARCH": search | extraction_label,
    }
    out = np.zeros(len(cues), np.uint32)
    for tactic_id, mask in masks.items():
        out |= mask.astype(np.uint32) << np.uint32(bit(tactic_id))
    return out
