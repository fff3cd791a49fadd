"""The functions that a format or a mapping may name with ``via``."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from typing import Any

from stillwatch.sources import bodies, messages
from stillwatch.sources.otlp import otlp_requests
from stillwatch.sources.paths import Record, opened


def count(value: Any) -> int | None:
    """Number of entries of a list."""
    found = opened(value)
    return len(found) if isinstance(found, list) else None


def schema_hash(value: Any) -> str | None:
    """BLAKE2b-64 of the canonical JSON of tool definitions."""
    found = opened(value)
    if not found:
        return None
    text = json.dumps(found, sort_keys=True, separators=(",", ":"), ensure_ascii=False, default=str)
    return hashlib.blake2b(text.encode("utf-8", "replace"), digest_size=8).hexdigest()


def first(value: Any) -> Any:
    """The first entry of a list, or the value."""
    found = opened(value)
    if isinstance(found, list):
        return found[0] if found else None
    return value


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


FUNCTIONS: dict[str, Callable[[Any], Any]] = {
    f.__name__: f
    for f in (
        messages.system_text, messages.system_of_messages, messages.last_user_text, messages.response_text,
        messages.message_count, count, schema_hash, first, present, first_address, bodies.error_status,
        bodies.pair_status, bodies.litellm_status, bodies.span_status, bodies.anthropic_input, bodies.bedrock_input,
        bodies.openai_refused, bodies.stop_reason, bodies.filtered, bodies.reasoning_issued,
        bodies.reasoning_presented,
    )
}  # fmt: skip
EXPANSIONS: dict[str, Callable[[Record], Iterator[Record | None]]] = {"otlp_requests": otlp_requests}
