"""The formats that Stillwatch reads, declared as data (``formats.yaml``)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache, cached_property
from importlib.resources import files
from typing import Any

import msgspec
import yaml

from stillwatch.domain.log import EXCHANGES
from stillwatch.sources.functions import EXPANSIONS
from stillwatch.sources.paths import Record
from stillwatch.sources.rules import Getter, compile_rule


class Format(msgspec.Struct, frozen=True, kw_only=True, dict=True):
    """One log format: which canonical column comes from where."""

    name: str
    title: str
    columns: dict[str, Any] = {}
    """Column → rule; empty for the canonical tables."""
    tells: tuple[tuple[str, ...], ...] = ()
    """A record that has all keys of one of these is of this format."""
    expand: str = ""
    """Function that finds the exchanges inside one line."""
    missing: tuple[str, ...] = ()
    """Texts that stand for no value."""
    note: str = ""
    """What a user should know."""

    @property
    def carries(self) -> tuple[str, ...]:
        """Canonical columns that the format can carry."""
        return tuple(self.columns) if self.columns else tuple(EXCHANGES.names)

    @property
    def cannot_carry(self) -> tuple[str, ...]:
        """Canonical columns that it never carries."""
        have = set(self.carries)
        return tuple(name for name in EXCHANGES.names if name not in have)

    @cached_property
    def getters(self) -> dict[str, Getter]:
        """The columns' rules, compiled."""
        return {name: compile_rule(rule, missing=self.missing) for name, rule in self.columns.items()}

    def records(self, record: Record) -> Iterator[Record | None]:
        """The exchanges inside one decoded line; None for what is no model request."""
        if self.expand:
            yield from EXPANSIONS[self.expand](record)
        else:
            yield record


@cache
def _declared() -> tuple[Format, ...]:
    text = files(__package__).joinpath("formats.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), tuple[Format, ...])


FORMATS: tuple[Format, ...] = _declared()
