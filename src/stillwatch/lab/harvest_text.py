"""What campaigns ask: instruction (a template, or composed anew), item, and layout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.lab.scenario import Campaign
from stillwatch.lab.text.compose import habits
from stillwatch.lab.text.grammar import LANGUAGES, Rng, Text, draw_mixed, glue

TASKS = {
    "T-COT": ("cot_ask", ("item", "solution"), (6.9, 0.5)),
    "T-LANGUAGE": ("language_ask", ("item", ""), (6.7, 0.5)),
    "T-RUBRIC": ("rubric_ask", ("item", "candidate"), (1.3, 0.5)),
    "T-REWRITE": ("rewrite_ask", ("sensitive", "answer"), (5.3, 0.5)),
    "T-PERSONA": ("persona_ask", ("item", ""), (6.4, 0.6)),
    "T-LAUNDER": ("launder_ask", ("trace_text", ""), (6.0, 0.5)),
    "T-RELAY": ("", ("relay", ""), (5.8, 1.0)),
}
"""Content tactic: instruction symbol, the item's symbols, ln of output tokens."""
LAYOUTS = (
    ("", "\n\nQuestion: ", "\n\nAnswer: ", ""),
    ("", "\n\n### Task\n", "\n### Output\n", "\n"),
    ("Q: ", "\n", "\nA: ", "\n"),
    ("", "\n\n", "\n\n", ""),
    ("[[", "]]\n", "\n---\n", "\n"),
    ("<task>", "</task>\n", "\n<final>", "</final>"),
    ("1) ", "\n2) ", "\n3) ", "\n"),
    ("", " ||| ", " ||| ", ""),
)


def tasks_of(campaign: Campaign) -> tuple[str, ...]:
    """The content tactics that a campaign's exchanges are divided among; T-COT when there is none.

    A relay forwards what it gets, and laundering is done beside other work where there is any.
    """
    found = tuple(dict.fromkeys(t for t in campaign.tactics if t in TASKS))
    if "T-RELAY" in found:
        return ("T-RELAY",)
    return tuple(t for t in found if t != "T-LAUNDER") or found or ("T-COT",)


@dataclass(frozen=True)
class Templates:
    """A campaign's fixed instructions per epoch and language, and their layouts."""

    fixed: list[Text]
    layout: np.ndarray[Any, Any]


def templates(campaign: Campaign, task: str, days: float, rng: Rng) -> Templates:
    """Draw the instructions the campaign keeps for a task; drift needs more of them."""
    epochs = 1 if campaign.drift <= 0 else int(np.ceil(days / campaign.drift)) + 1
    symbol = TASKS[task][0]
    count = campaign.templates * epochs
    if not symbol:
        return Templates([], np.zeros(count, dtype=np.int64))
    fixed = [draw_mixed(symbol, np.full(count, k), rng, 4) for k in range(len(LANGUAGES))]
    return Templates(fixed, rng.integers(0, len(LAYOUTS), count))


def compose(
    campaign: Campaign,
    task: str,
    kit: Templates,
    ts_day: np.ndarray[Any, Any],
    languages: np.ndarray[Any, Any],
    rng: Rng,
) -> Text:
    """Prompts of the harvest for one task: one per exchange."""
    symbol, (item, given), _ = TASKS[task]
    n = len(ts_day)
    body = draw_mixed(item, languages, rng, 4)
    if not symbol:
        return habits(body, rng)
    epoch = (ts_day // campaign.drift).astype(np.int64) if campaign.drift > 0 else np.zeros(n, dtype=np.int64)
    which = epoch * campaign.templates + rng.integers(0, campaign.templates, n)
    stock = pa.concat_arrays(kit.fixed)
    count = len(kit.layout)
    fixed = stock.take(pa.array(languages * count + which))
    fresh = rng.random(n) < campaign.paraphrase
    ask = (
        pc.if_else(pa.array(fresh), draw_mixed(symbol, languages, rng, 4), fixed) if campaign.paraphrase > 0 else fixed
    )
    layout = np.where(fresh, rng.integers(0, len(LAYOUTS), n), kit.layout[which])
    parts = [pa.array([lay[k] for lay in LAYOUTS], pa.large_string()).take(pa.array(layout)) for k in range(4)]
    tail: list[Any] = []
    if given:
        tail = [parts[2], draw_mixed(given, languages, rng, 3), parts[3]]
    return glue(parts[0], ask, parts[1], body, *tail, "")
