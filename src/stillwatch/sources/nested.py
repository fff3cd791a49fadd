"""Nested JSON records to canonical columns: paths, and small functions for what a path cannot say."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

Record = dict[str, Any]


def split_path(path: str) -> tuple[str, ...]:
    """Steps of a path; a quoted path is one key, and OpenTelemetry attribute names keep their dots.

    >>> split_path("a.b"), split_path("'a.b'"), split_path("attributes.user.id")
    (('a', 'b'), ('a.b',), ('attributes', 'user.id'))
    """
    if path == ".":
        return ()
    if path.startswith("'"):
        return (path.strip("'"),)
    if path.startswith("attributes."):
        return ("attributes", path.removeprefix("attributes."))
    return tuple(path.split("."))


def walk(record: Any, steps: tuple[str, ...]) -> Any:
    """The value at a path, or None; strings that hold JSON are opened on the way."""
    for step in steps:
        if isinstance(record, str) and record[:1] in "{[":
            record = opened(record)
        if isinstance(record, dict):
            record = record.get(step)
        elif isinstance(record, list) and step.isdigit() and int(step) < len(record):
            record = record[int(step)]
        else:
            return None
        if record is None:
            return None
    return record


def opened(value: Any) -> Any:
    """A JSON text as its value; anything else as it is."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def _content(value: Any) -> str | None:
    """Text of a message's content: a string, or the text parts of a list."""
    value = opened(value) if not isinstance(value, str) else value
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return _content(value.get("text") or value.get("content") or value.get("parts"))
    if isinstance(value, list):
        parts = [p for p in (_content(v) for v in value) if p]
        return "\n".join(parts) if parts else None
    return None


def _messages(value: Any) -> list[Any]:
    value = opened(value)
    return value if isinstance(value, list) else []


def system_text(value: Any) -> str | None:
    """System and developer texts, joined; a plain string is one."""
    if isinstance(value, str) and not isinstance(opened(value), list):
        return value
    items = _messages(value)
    roles = [m.get("role") for m in items if isinstance(m, dict)]
    if items and not any(roles):
        return _content(items)
    texts = [_content(m) for m in items if isinstance(m, dict) and m.get("role") in ("system", "developer")]
    return "\n".join(t for t in texts if t) or None


def last_user_text(value: Any) -> str | None:
    """The text of the last user turn."""
    if isinstance(value, str) and not isinstance(opened(value), list):
        return value
    for message in reversed(_messages(value)):
        if isinstance(message, str):
            return message
        if isinstance(message, dict) and message.get("role", "user") == "user":
            return _content(message)
    return None


def response_text(value: Any) -> str | None:
    """The model's text in any of the known response bodies."""
    value = opened(value)
    if isinstance(value, list):
        return _content(value)
    if not isinstance(value, dict):
        return value if isinstance(value, str) else None
    choices = value.get("choices")
    if isinstance(choices, list) and choices and isinstance(choices[0], dict):
        return _content(choices[0].get("message") or choices[0].get("text"))
    return _content(value.get("output") or value.get("content") or value.get("completion"))


def count(value: Any) -> int | None:
    """Number of entries of a list; one for a plain text."""
    value = opened(value)
    if isinstance(value, list):
        return len(value)
    return 1 if isinstance(value, str) and value else None


def schema_hash(value: Any) -> str | None:
    """BLAKE2b-64 of the canonical JSON of tool definitions."""
    value = opened(value)
    if not value:
        return None
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def first(value: Any) -> Any:
    """The first entry of a list, or the value."""
    value = opened(value)
    return value[0] if isinstance(value, list) and value else value if not isinstance(value, list) else None


def present(value: Any) -> bool:
    """Whether there is anything."""
    return bool(value)


def first_address(value: Any) -> str | None:
    """The client's address out of a forwarding chain, without a port."""
    if not isinstance(value, str) or not value.strip():
        return None
    address = value.split(",")[0].strip()
    if address.startswith("["):
        return address[1:].split("]")[0]
    return address.rsplit(":", 1)[0] if address.count(":") == 1 else address


def anthropic_input(value: Any) -> int | None:
    """Input tokens with the cached ones, as OpenTelemetry counts."""
    if not isinstance(value, dict) or value.get("input_tokens") is None:
        return None
    return sum(
        int(value.get(k) or 0) for k in ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens")
    )


def litellm_status(record: Any) -> int | None:
    """HTTP status: the error's code, 500 for a failure without one."""
    code = walk(record, ("error_information", "error_code")) or walk(
        record, ("metadata", "error_information", "error_code")
    )
    if code not in (None, ""):
        return int(code)
    return 500 if record.get("status") == "failure" else None


def bedrock_status(value: Any) -> int | None:
    """HTTP status of a Bedrock error name."""
    known = {"ThrottlingException": 429, "AccessDeniedException": 403, "ValidationException": 400}
    return known.get(value, 500) if value else None


def otlp_spans(record: Record) -> Iterator[Record]:
    """Spans of an OTLP export with plain attributes, the resource's included."""
    for resource in record.get("resourceSpans") or ():
        shared = _attributes((resource.get("resource") or {}).get("attributes"))
        for scope in resource.get("scopeSpans") or ():
            for span in scope.get("spans") or ():
                attributes = shared | _attributes(span.get("attributes"))
                if any(name.startswith("gen_ai.") for name in attributes):
                    yield {**span, "attributes": attributes}


def _attributes(items: Any) -> Record:
    return {i["key"]: _any_value(i.get("value")) for i in items or () if isinstance(i, dict) and "key" in i}


def _any_value(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    for name in ("stringValue", "boolValue", "doubleValue", "intValue"):
        if name in value:
            return int(value[name]) if name == "intValue" else value[name]
    if "arrayValue" in value:
        return [_any_value(v) for v in (value["arrayValue"] or {}).get("values") or ()]
    if "kvlistValue" in value:
        return {v["key"]: _any_value(v.get("value")) for v in (value["kvlistValue"] or {}).get("values") or ()}
    return None


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    f.__name__: f
    for f in (
        system_text, last_user_text, response_text, count, schema_hash, first, present, first_address,
        anthropic_input, litellm_status, bedrock_status,
    )
}  # fmt: skip
EXPANSIONS: dict[str, Callable[[Record], Iterator[Record]]] = {"otlp_spans": otlp_spans}
