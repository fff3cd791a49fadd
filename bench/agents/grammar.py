"""A slot grammar that writes texts: the worlds' stand-in for a paraphrasing language model.

Rules are read from YAML: a symbol and its alternatives. In an alternative `{symbol}` expands another rule,
`{a|b|}` chooses inline, `[[slot]]` is left for the caller, and `~ one // two // three` shuffles its sentences.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path

import yaml
from bench.agents.dice import Dice

_FOLDER = Path(__file__).parent / "phrases"
_BRACES = re.compile(r"\{([^{}]*)\}")
Part = str | tuple[str, ...]


def _parts(text: str) -> tuple[Part, ...]:
    """Literals and choices: a one-element tuple names a rule, a longer one is an inline choice."""
    found: list[Part] = []
    end = 0
    for match in _BRACES.finditer(text):
        found.append(text[end : match.start()])
        found.append(tuple(match[1].split("|")))
        end = match.end()
    found.append(text[end:])
    return tuple(part for part in found if part != "")


class Grammar:
    """Rules of one file. `write` expands a symbol with the given dice."""

    def __init__(self, rules: dict[str, list[str]]) -> None:
        self._rules: dict[str, list[list[tuple[Part, ...]]]] = {}
        for symbol, alternatives in rules.items():
            self._rules[symbol] = [
                [_parts(unit.strip()) for unit in alternative[1:].split("//")]
                if alternative.startswith("~")
                else [_parts(alternative)]
                for alternative in map(str, alternatives)
            ]

    def __contains__(self, symbol: str) -> bool:
        return symbol in self._rules

    def write(self, symbol: str, dice: Dice, **slots: str) -> str:
        text = self._expand(symbol, dice.py.random)
        for slot, value in slots.items():
            text = text.replace(f"[[{slot}]]", value)
        return text

    def _expand(self, symbol: str, roll: Callable[[], float]) -> str:
        alternatives = self._rules[symbol]
        units = alternatives[int(roll() * len(alternatives))]
        written = ["".join(self._part(part, roll) for part in unit) for unit in units]
        if len(written) > 1:
            for i in range(len(written) - 1, 0, -1):
                j = int(roll() * (i + 1))
                written[i], written[j] = written[j], written[i]
        return " ".join(written)

    def _part(self, part: Part, roll: Callable[[], float]) -> str:
        if isinstance(part, str):
            return part
        if len(part) == 1:
            return self._expand(part[0], roll)
        return part[int(roll() * len(part))]


@cache
def grammar(name: str) -> Grammar:
    """The grammar of `phrases/<name>.yaml`."""
    return Grammar(yaml.safe_load((_FOLDER / f"{name}.yaml").read_text(encoding="utf-8")))
