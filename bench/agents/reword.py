"""Word-level paraphrase: synonyms and inserted fillers, so that few runs of words survive between two versions."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import yaml
from bench.agents.dice import Dice

_FILE = Path(__file__).parent / "phrases" / "reword.yaml"
SWAP, INSERT = 0.75, 0.06  # chance per word that has synonyms, and per gap


@cache
def _lexicon(lang: str) -> tuple[dict[str, list[str]], list[str]]:
    rules = yaml.safe_load(_FILE.read_text(encoding="utf-8"))[lang]
    return rules["swap"], rules["insert"]


def reword(text: str, lang: str, dice: Dice) -> str:
    """Another version of a frame. Slots (`[[item]]`) and tags stay; line breaks between paragraphs stay."""
    swap, insert = _lexicon(lang)
    if lang == "zh":
        for word, others in swap.items():
            if word in text and dice.chance(SWAP):
                text = text.replace(word, dice.pick(others))
        pieces = text.split("，")
        return "，".join(dice.pick(insert) + p if dice.chance(INSERT) and "[[" not in p else p for p in pieces)
    return "\n".join(_line(line, swap, insert, dice) for line in text.split("\n"))


def _line(line: str, swap: dict[str, list[str]], insert: list[str], dice: Dice) -> str:
    written: list[str] = []
    for word in line.split(" "):
        others = swap.get(word.lower())
        if others and dice.chance(SWAP):
            other = dice.pick(others)
            word = other.capitalize() if word[:1].isupper() else other
        if len(written) > 1 and word and "[[" not in word and dice.chance(INSERT):
            written.append(dice.pick(insert))
        written.append(word)
    return " ".join(written)
