"""One object of somebody else's: what is wrong with it, if anything."""

from __future__ import annotations

from typing import Annotated, Any

import msgspec

from stillwatch.sharing.inbound.limits import DEFAULT, Limits
from stillwatch.sharing.inbound.pattern import parse
from stillwatch.sharing.inbound.shapes import (
    COUNTS,
    FLAGS,
    LISTS,
    OBSERVABLES,
    ORDERED,
    REQUIRED,
    TEXTS,
    TIMES,
    in_order,
    is_id,
    is_time,
    wrong_name,
    wrong_text,
)
from stillwatch.sharing.inbound.tokens import PatternSyntaxError
from stillwatch.sharing.stix.extension import EXTENSION

_NAMES = ("name", "relationship_type", "pattern_type", "source_name", "identity_class", "spec_version")
_Hash = Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{16}$")]
_Share = Annotated[float, msgspec.Meta(ge=0, le=1)]
_Count = Annotated[int, msgspec.Meta(ge=0)]


class _Sketch(msgspec.Struct):
    algorithm: Annotated[str, msgspec.Meta(max_length=64)]
    marks: Annotated[list[_Hash], msgspec.Meta(max_length=256)]


class _Extended(msgspec.Struct):
    """Those properties of our extension that anything here reads; others may be there and are ignored."""

    about: Annotated[str, msgspec.Meta(max_length=32)] = ""
    kind: Annotated[str, msgspec.Meta(max_length=32)] = ""
    accounts: _Count = 0
    purity: _Share = 0.0
    algorithm: Annotated[str, msgspec.Meta(max_length=64)] = ""
    marks: Annotated[list[_Hash], msgspec.Meta(max_length=64)] = []
    coverage: Annotated[float, msgspec.Meta(gt=0, le=1)] = 1.0
    sketch: _Sketch | None = None


def problem(item: Any, limits: Limits = DEFAULT) -> str | None:
    """The first thing that is wrong with an object, in words that repeat nothing of it; None where nothing is."""
    if not isinstance(item, dict):
        return "is not an object"
    kind, name = item.get("type"), item.get("id")
    if not isinstance(kind, str) or not is_id(name) or not str(name).startswith(f"{kind}--"):
        return "its type and its id do not fit one another"
    versioned = kind in REQUIRED
    if item.get("spec_version", None if versioned else "2.1") != "2.1":
        return "is not of STIX 2.1"
    required = (*REQUIRED[kind], "created", "modified") if versioned else OBSERVABLES.get(kind, ())
    if missing := [p for p in required if p not in item]:
        return f"{missing[0]} is missing"
    return _wrong_property(item, limits) or _wrong_order(item) or _wrong_pattern(item, limits) or _wrong_extension(item)


def _wrong_property(item: dict[str, Any], limits: Limits) -> str | None:
    for name, value in item.items():
        if name in TIMES and not is_time(value):
            return f"{name} is not a time"
        if name in FLAGS and not isinstance(value, bool):
            return f"{name} is neither true nor false"
        if name in COUNTS and not _counts(value, *COUNTS[name]):
            return f"{name} is not a number from {COUNTS[name][0]:,} to {COUNTS[name][1]:,}"
        if name in TEXTS and not isinstance(value, str):
            return f"{name} is not a text"
        if name in LISTS and not (isinstance(value, list) and all(isinstance(v, str) for v in value)):
            return f"{name} is not a list of texts"
        if name.endswith("_ref") and not is_id(value):
            return f"{name} is not an id"
        if name.endswith("_refs") and not (isinstance(value, list) and value and all(map(is_id, value))):
            return f"{name} is not a list of ids"
        if name in ("extensions",) and not (
            isinstance(value, dict) and all(isinstance(v, dict) for v in value.values())
        ):
            return "extensions does not hold objects"
        if name == "external_references" and (wrong := _wrong_references(value, limits)):
            return wrong
        if wrong := _wrong_words(name, value, limits):
            return wrong
    return None


def _wrong_words(name: str, value: Any, limits: Limits) -> str | None:
    short = [value] if name in _NAMES else value if name in LISTS else []
    for text in short:
        if len(text) > limits.name:
            return f"{name} has more than {limits.name:,} characters"
        if wrong := wrong_name(text):
            return f"{name} {wrong}"
    if isinstance(value, str) and name not in _NAMES and (wrong := wrong_text(value)):
        return f"{name} {wrong}"
    return None


def _wrong_references(value: Any, limits: Limits) -> str | None:
    if not isinstance(value, list) or not all(isinstance(v, dict) for v in value):
        return "external_references is not a list of objects"
    for reference in value:
        source = reference.get("source_name")
        if not isinstance(source, str):
            return "an external reference has no source_name"
        for text in (source, reference.get("external_id", "")):
            if not isinstance(text, str) or len(text) > limits.name or wrong_name(text):
                return "an external reference has a name that cannot be shown"
    return None


def _wrong_order(item: dict[str, Any]) -> str | None:
    for early, late, apart in ORDERED:
        if early in item and late in item:
            first, last = in_order(str(item[early])), in_order(str(item[late]))
            if last < first or (apart and last == first):
                return f"{late} is not after {early}"
    return None


def _wrong_pattern(item: dict[str, Any], limits: Limits) -> str | None:
    if item["type"] != "indicator":
        return None
    if item["pattern_type"] != "stix":
        return None if len(item["pattern"]) <= limits.pattern else "pattern is too long"
    try:
        parse(item["pattern"], limits)
    except PatternSyntaxError as exc:
        return f"pattern: {exc}"
    return None


def _wrong_extension(item: dict[str, Any]) -> str | None:
    found = item.get("extensions", {}).get(EXTENSION)
    if found is None:
        return None
    try:
        msgspec.convert(found, _Extended)
    except msgspec.ValidationError:
        return "the Stillwatch extension is not as its schema has it"
    return None


def _counts(value: Any, least: int, most: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= most
