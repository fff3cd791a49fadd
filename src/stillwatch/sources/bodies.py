"""What the providers' bodies say in ways of their own: token counts, refusals, errors, references to reasoning."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from typing import Any

from stillwatch.sources.paths import entries, mapping, opened, walk
from stillwatch.sources.values import integer

_ERRORS = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "insufficient_quota": 429,
    "overloaded_error": 529,
    "AccessDeniedException": 403,
    "ModelErrorException": 424,
    "ModelNotReadyException": 429,
    "ModelTimeoutException": 408,
    "ResourceNotFoundException": 404,
    "ServiceQuotaExceededException": 429,
    "ServiceUnavailableException": 503,
    "ThrottlingException": 429,
    "ValidationException": 400,
}
"""HTTP status of the error names of OpenAI, Anthropic and Bedrock; another error counts as 500."""
_FILTERED = ("refusal", "content_filter", "content_filtered", "guardrail_intervened")


def error_status(value: Any) -> int | None:
    """HTTP status of an error: its name, or an error body (``{"error": {"type", "code"}}``)."""
    found = opened(value)
    error = found.get("error", found) if isinstance(found, dict) else found
    names = [error] if isinstance(error, str) else [mapping(error).get(key) for key in ("code", "type")]
    for name in names:
        if isinstance(name, int) and not isinstance(name, bool):
            return name
        if isinstance(name, str) and (name.isdecimal() or name in _ERRORS):
            return int(name) if name.isdecimal() else _ERRORS[name]
    return 500 if any(isinstance(name, str) and name for name in names) else None


def pair_status(response: Any) -> int | None:
    """HTTP status where a response body is an error."""
    body = mapping(response)
    return error_status(body) if body.get("error") else None


def litellm_status(record: Any) -> int | None:
    """HTTP status: the error's code, 500 for a failure without one."""
    for path in (("error_information",), ("metadata", "error_information")):
        code = mapping(walk(record, path)).get("error_code")
        if code not in (None, ""):
            return error_status(str(code))
    return 500 if mapping(record).get("status") == "failure" else None


def span_status(span: Any) -> int | None:
    """HTTP status of a GenAI span that failed: ``error.type`` where it is a code or a known name, else 500."""
    name = walk(span, ("attributes", "error.type"))
    if name is not None:
        return error_status(str(name))
    return 500 if walk(span, ("status", "code")) in (2, "STATUS_CODE_ERROR") else None


def anthropic_input(value: Any) -> int | None:
    """Input tokens with the cached ones, as OpenTelemetry counts."""
    return _sum(value, ("input_tokens", "cache_read_input_tokens", "cache_creation_input_tokens"))


def bedrock_input(value: Any) -> int | None:
    """Input tokens with the cached ones, which Bedrock counts apart."""
    return _sum(value, ("inputTokenCount", "cacheReadInputTokenCount", "cacheWriteInputTokenCount"))


def _sum(value: Any, names: tuple[str, ...]) -> int | None:
    counts = mapping(value)
    if counts.get(names[0]) is None:
        return None
    return sum(integer(counts[name]) for name in names if counts.get(name) is not None)


def openai_refused(value: Any) -> bool | None:
    """Whether a chat or responses body holds a refusal; None where there is no answer."""
    body = mapping(value)
    choices = entries(body.get("choices"))
    if choices:
        return any(bool(walk(c, ("message", "refusal"))) for c in choices)
    output = entries(body.get("output"))
    if not output:
        return None
    return any(isinstance(p, dict) and p.get("type") == "refusal" for item in output for p in _parts(item))


def stop_reason(value: Any) -> str | None:
    """Why a Bedrock answer ended: body or chunks of a stream, of Converse or any model's own shape."""
    found = opened(value)
    chunks = [c for c in (found if isinstance(found, list) else [found]) if isinstance(c, dict)]
    paths = (
        ("stop_reason",), ("stopReason",), ("delta", "stop_reason"), ("messageStop", "stopReason"),
        ("results", "0", "completionReason"), ("completionReason",), ("outputs", "0", "stop_reason"),
        ("choices", "0", "finish_reason"), ("generations", "0", "finish_reason"),
    )  # fmt: skip
    for chunk in reversed(chunks):
        for path in paths:
            reason = walk(chunk, path)
            if isinstance(reason, str) and reason:
                return reason
    return None


def filtered(value: Any) -> bool | None:
    """Whether an answer ended in a refusal or a filter."""
    reason = stop_reason(value)
    return None if reason is None else reason.lower() in _FILTERED


def reasoning_issued(value: Any) -> str | None:
    """The reference to hidden reasoning that an answer gives out (the last, where there are several)."""
    body = mapping(value)
    return _last(_references(entries(body.get("output")) + entries(body.get("content"))))


def reasoning_presented(value: Any) -> str | None:
    """The reference to hidden reasoning that a conversation hands in (the last)."""
    return _last(_references(entries(value)))


def _references(items: Iterable[Any]) -> Iterator[str]:
    for item in items:
        if not isinstance(item, dict):
            continue
        if item.get("type") in ("reasoning", "thinking", "redacted_thinking"):
            sealed = item.get("encrypted_content") or item.get("signature") or item.get("data")
            if isinstance(sealed, str) and sealed:  # long: its hash says the same
                yield hashlib.blake2b(sealed.encode("utf-8", "replace"), digest_size=16).hexdigest()
            elif isinstance(item.get("id"), str) and item["id"]:
                yield item["id"]
        elif item.get("role") == "assistant":
            yield from _references(_parts(item))


def _last(found: Iterator[str]) -> str | None:
    last = None
    for last in found:  # noqa: B007 (the last one is what is wanted)
        pass
    return last


def _parts(item: Any) -> list[Any]:
    return entries(item.get("content")) if isinstance(item, dict) else []
