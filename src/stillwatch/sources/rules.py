"""One column's rule, compiled: where in a record its value lies, and in which unit and type it is given."""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import pyarrow as pa

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import EXCHANGES
from stillwatch.sources.functions import FUNCTIONS
from stillwatch.sources.paths import Record, split_path, walk
from stillwatch.sources.values import integer, number, text, truth

Getter = Callable[[Record], Any]
Check = Callable[[Any], Any]

UNITS = {"s": 1_000_000, "ms": 1_000, "us": 1, "ns": -1_000, "auto": 0}
"""Microseconds in one unit of a time; negative: units in one microsecond; 0: told from the size."""

TYPES: dict[str, tuple[Check, Callable[[pa.DataType], bool]]] = {
    "text": (text, pa.types.is_string),
    "integer": (integer, pa.types.is_integer),
    "number": (number, pa.types.is_floating),
    "boolean": (truth, pa.types.is_boolean),
    "hex": (bytes.fromhex, pa.types.is_binary),
    "base64": (lambda value: base64.b64decode(value, validate=True), pa.types.is_binary),
    "time": (lambda value: value, pa.types.is_timestamp),
}
"""What a mapping may say of a value's type, how it is then read, and the columns that take it."""

KEYS = {"path", "paths", "via", "of", "const", "unit", "type", "format", "zone"}


def compile_rule(rule: Any, *, missing: Iterable[str] = ()) -> Getter:
    """A getter: the first path, or rule of a list, that gives a value. Text in ``missing``, and empty text, is none."""
    if isinstance(rule, list) and not _texts(rule):
        return _first([compile_rule(part, missing=missing) for part in rule])
    if not isinstance(rule, dict):
        rule = {"paths": rule}
    if "const" in rule:
        return lambda _: rule["const"]
    nothing = frozenset({"", *missing})
    listed = rule.get("of") or rule.get("paths") or rule["path"]
    paths = [split_path(p) for p in ([listed] if isinstance(listed, str) else listed)]
    read = FUNCTIONS[rule["via"]] if "via" in rule else _reader(rule)

    def get(record: Record) -> Any:
        for path in paths:
            found = walk(record, path)
            if found is None or (isinstance(found, str) and found in nothing):
                continue
            value = found if read is None else read(found)
            if value is not None:
                return value
        return None

    return get


def _first(getters: list[Getter]) -> Getter:
    def get(record: Record) -> Any:
        for one in getters:
            value = one(record)
            if value is not None:
                return value
        return None

    return get


def _reader(rule: dict[str, Any]) -> Check | None:
    if "format" in rule or "zone" in rule:
        return _clock(rule.get("format"), ZoneInfo(rule["zone"]) if "zone" in rule else None)
    if UNITS.get(rule.get("unit", "auto")):
        return _in_unit(UNITS[rule["unit"]])
    return TYPES[rule["type"]][0] if "type" in rule else None


def _in_unit(unit: int) -> Check:
    """A number of some unit as a moment; whole numbers lose nothing."""

    def convert(value: Any) -> datetime:
        given = value if isinstance(value, int) and not isinstance(value, bool) else number(value)
        micro = given // -unit if unit < 0 else given * unit
        seconds, rest = divmod(round(micro), 1_000_000)
        return datetime.fromtimestamp(seconds, UTC).replace(microsecond=int(rest))

    return convert


def _clock(form: str | None, zone: ZoneInfo | None) -> Check:
    """Text of a stated form; without an offset of its own it is of the stated zone, UTC by default."""

    def convert(value: Any) -> datetime:
        moment = datetime.strptime(text(value), form) if form else datetime.fromisoformat(text(value))
        return moment if moment.tzinfo else moment.replace(tzinfo=zone or UTC)

    return convert


def check_rule(column: str, rule: Any, where: str) -> None:
    """:class:`InputError` for a rule of a mapping file that cannot be compiled, or does not suit its column."""

    def wrong(what: str, remedy: str = "") -> InputError:
        return InputError(what, where=f"{where}, column {column}", remedy=remedy)

    if isinstance(rule, str) or _texts(rule):
        return
    if isinstance(rule, list) and rule:
        for part in rule:
            check_rule(column, part, where)
        return
    if not isinstance(rule, dict) or len({"path", "paths", "via", "const"} & set(rule)) != 1:
        raise wrong("a rule is a path, one of {path|paths|via|const: …}, or a list of those")
    if unknown := sorted(map(str, set(rule) - KEYS)):
        raise wrong(f"a rule knows no {', '.join(unknown)}", f"it knows {', '.join(sorted(KEYS))}")
    if "via" in rule and (rule["via"] not in FUNCTIONS or not _texts(rule.get("of"))):
        raise wrong("`via` names a function and `of` a list of paths", f"functions: {', '.join(FUNCTIONS)}")
    if ("path" in rule and not isinstance(rule["path"], str)) or ("paths" in rule and not _texts(rule["paths"])):
        raise wrong("`path` is one path, `paths` a list of them")
    is_time = pa.types.is_timestamp(EXCHANGES.field(column).type)
    if {"unit", "format", "zone"} & set(rule) and not is_time:
        raise wrong("`unit`, `format` and `zone` are of times only")
    if "unit" in rule and rule["unit"] not in UNITS:
        raise wrong("unknown unit", f"one of {', '.join(UNITS)}")
    if "type" in rule and (rule["type"] not in TYPES or not TYPES[rule["type"]][1](EXCHANGES.field(column).type)):
        fit = [name for name, (_, suits) in TYPES.items() if suits(EXCHANGES.field(column).type)]
        raise wrong("`type` does not suit the column", f"this column takes {', '.join(fit)}")
    if "zone" in rule:
        try:
            ZoneInfo(str(rule["zone"]))
        except (ZoneInfoNotFoundError, ValueError) as exc:
            raise wrong("unknown time zone", "a name such as Europe/Berlin") from exc


def _texts(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)
