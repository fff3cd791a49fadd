"""The formats that Stillwatch reads, declared as data, and how one is recognised."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import msgspec
import yaml

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import EXCHANGES, REQUIRED
from stillwatch.sources.nested import EXPANSIONS, FUNCTIONS, Record, split_path, walk

Getter = Callable[[Record], Any]
_UNITS = {"s": 1e6, "ms": 1e3, "us": 1.0, "ns": 1e-3}


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """One log format: which canonical column comes from where."""

    name: str
    title: str
    columns: dict[str, Any]
    detect: tuple[str, ...] = ()
    tell: str = ""
    expand: str = ""

    @property
    def carries(self) -> tuple[str, ...]:
        """Canonical columns that the format can carry."""
        return tuple(self.columns) if self.columns else tuple(EXCHANGES.names)

    @property
    def cannot_carry(self) -> tuple[str, ...]:
        """Canonical columns that it never carries."""
        have = set(self.carries)
        return tuple(name for name in EXCHANGES.names if name not in have)

    def records(self, record: Record) -> Iterator[Record]:
        """The exchanges inside one decoded line."""
        if self.expand:
            yield from EXPANSIONS[self.expand](record)
        else:
            yield record


def getter(rule: Any) -> Getter:
    """Compile one column's rule."""
    if isinstance(rule, dict) and "const" in rule:
        return lambda _: rule["const"]
    if isinstance(rule, dict) and "via" in rule:
        function, paths = FUNCTIONS[rule["via"]], [split_path(p) for p in rule["of"]]

        def through(record: Record) -> Any:
            for path in paths:
                found = walk(record, path)
                if found is not None:
                    value = function(found)
                    if value is not None:
                        return value
            return None

        return through
    listed = rule.get("paths", [rule["path"]] if "path" in rule else []) if isinstance(rule, dict) else rule
    paths = [split_path(p) for p in ([listed] if isinstance(listed, str) else listed)]
    unit = rule.get("unit") if isinstance(rule, dict) else None

    def plain(record: Record) -> Any:
        for path in paths:
            found = walk(record, path)
            if found is not None:
                return int(float(found) * _UNITS[unit]) if unit in _UNITS and not isinstance(found, bool) else found
        return None

    return plain


@cache
def _declared() -> tuple[Format, ...]:
    text = files(__package__).joinpath("formats.yaml").read_text(encoding="utf-8")
    return msgspec.convert(yaml.safe_load(text), tuple[Format, ...])


FORMATS: tuple[Format, ...] = _declared()


def mapping_file(path: Path) -> Format:
    """A format out of a user's YAML file: ``columns: {ts: {path: a.b, unit: ms}, account_id: user.id, …}``."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        columns = raw.get("columns", raw) if isinstance(raw, dict) else None
        if not isinstance(columns, dict):
            raise InputError("is not a mapping of columns", where=str(path), remedy="write `columns: {ts: path, …}`")
        unknown = sorted(set(columns) - set(EXCHANGES.names))
        if unknown:
            raise InputError(f"unknown columns: {', '.join(map(str, unknown))}", where=str(path))
        for name in REQUIRED:
            if name not in columns:
                raise InputError(f"required column {name} is not mapped", where=str(path))
        for rule in columns.values():
            _check_rule(rule, path)
            getter(rule)
        return Format(name="mapping", title=path.name, columns=columns)
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as exc:
        raise InputError("cannot be read as a mapping file", where=str(path)) from exc


def _check_rule(rule: Any, path: Path) -> None:
    if isinstance(rule, str | list):
        return
    if isinstance(rule, dict):
        if "via" in rule and (rule["via"] not in FUNCTIONS or not isinstance(rule.get("of"), list)):
            raise InputError(f"unknown function in a rule; known: {', '.join(FUNCTIONS)}", where=str(path))
        if "unit" in rule and rule["unit"] not in (*_UNITS, "auto"):
            raise InputError("unknown unit in a rule; known: s, ms, us, ns, auto", where=str(path))
        if {"via", "const", "path", "paths"} & set(rule):
            return
    raise InputError("a rule is a path, a list of paths, or {path|paths|via|const: …}", where=str(path))


def detect(record: Record) -> Format:
    """The format whose telling keys a first record has; the canonical one when it has the required columns."""
    if all(name in record for name in REQUIRED):
        return FORMATS[0]
    if "request" in record and isinstance(record.get("request"), dict):
        response = record.get("response") if isinstance(record.get("response"), dict) else {}
        anthropic = {"stop_reason", "stop_details"} & set(response or {}) or "system" in record["request"]
        return by_name("anthropic" if anthropic else "openai")
    scored = [(sum(key in record for key in f.detect), i) for i, f in enumerate(FORMATS) if f.detect and not f.tell]
    best, index = max(scored, key=lambda s: (s[0], -s[1]))
    return FORMATS[index] if best >= 1 else FORMATS[0]


def by_name(name: str) -> Format:
    """A format by its name, or a mapping file by its path."""
    for known in FORMATS:
        if known.name == name:
            return known
    if name.endswith((".yaml", ".yml")):
        return mapping_file(Path(name))
    raise InputError(
        f"unknown source {name!r}", remedy=f"one of {', '.join(f.name for f in FORMATS)}, or a mapping file"
    )
