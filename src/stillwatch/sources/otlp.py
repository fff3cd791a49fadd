"""OTLP JSON exports as one record per model request: attributes of resource, scope, span and event as plain values."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from stillwatch.sources.paths import Record

REQUESTS = ("chat", "text_completion", "generate_content", "embeddings")
"""``gen_ai.operation.name`` of calls to a model. Agent and tool spans wrap such calls and would count twice."""
DETAILS = "gen_ai.client.inference.operation.details"
"""The event that carries a request's messages where spans must not."""


def otlp_requests(record: Record) -> Iterator[Record | None]:
    """Spans and request events of one export; None stands for a record that is no model request."""
    for resource in _dicts(record, "resourceSpans", "resourceLogs"):
        shared = attributes((resource.get("resource") or {}).get("attributes"))
        for scope in _dicts(resource, "scopeSpans", "instrumentationLibrarySpans", "scopeLogs"):
            inherited = shared | attributes((scope.get("scope") or {}).get("attributes"))
            for span in _dicts(scope, "spans"):
                yield _request(span, inherited | _of_events(span) | attributes(span.get("attributes")))
            for event in _dicts(scope, "logRecords"):
                own = attributes(event.get("attributes"))
                name = event.get("eventName") or own.get("event.name")
                when = event.get("timeUnixNano") or event.get("observedTimeUnixNano")
                one = {**event, "startTimeUnixNano": when}
                yield _request(one, inherited | own) if name == DETAILS else None


def _request(span: Record, found: Record) -> Record | None:
    operation = found.get("gen_ai.operation.name")
    is_request = operation in REQUESTS or (operation is None and "gen_ai.request.model" in found)
    return {**span, "attributes": found} if is_request else None


def _of_events(span: Record) -> Record:
    out: Record = {}
    for event in _dicts(span, "events"):
        if event.get("name") == DETAILS:
            out |= attributes(event.get("attributes"))
    return out


def _dicts(owner: Record, *names: str) -> Iterator[Record]:
    for name in names:
        for item in owner.get(name) or ():
            if not isinstance(item, dict):
                raise TypeError("not an OTLP export")
            yield item


def attributes(items: Any) -> Record:
    """A list of key and AnyValue pairs as a dictionary.

    >>> attributes([{"key": "a", "value": {"intValue": "7"}}, {"key": "b", "value": {"arrayValue": {"values": []}}}])
    {'a': 7, 'b': []}
    """
    return {
        item["key"]: any_value(item.get("value")) for item in items or () if isinstance(item, dict) and "key" in item
    }


def any_value(value: Any) -> Any:
    """The plain value of an AnyValue; an integer that is none stays text, so that its column tells of it."""
    if not isinstance(value, dict):
        return value
    if "intValue" in value:
        given = value["intValue"]
        whole = isinstance(given, str) and given.strip().removeprefix("-").isdecimal() and len(given) < 40
        return int(given) if whole else given
    for name in ("stringValue", "boolValue", "doubleValue", "bytesValue"):
        if name in value:
            return value[name]
    if "arrayValue" in value:
        return [any_value(v) for v in (value["arrayValue"] or {}).get("values") or ()]
    if "kvlistValue" in value:
        return attributes((value["kvlistValue"] or {}).get("values"))
    return None
