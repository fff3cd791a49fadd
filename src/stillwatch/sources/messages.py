"""Texts out of conversations: messages of any of the known shapes, as objects or as JSON text."""

from __future__ import annotations

from typing import Any

from stillwatch.sources.paths import Record, entries, opened

_HIDDEN = ("reasoning", "thinking", "redacted_thinking")
"""Parts that are the model's own reasoning, not its answer."""
_CONVERSATION = ("messages", "contents", "input", "prompt")


def content(value: Any) -> str | None:
    """Text of a message's content: a string, or the text parts of a list; other parts (images, calls) have none."""
    if isinstance(value, str):
        return value or None
    if isinstance(value, dict):
        if value.get("type") in _HIDDEN:
            return None
        return content(value.get("text") or value.get("content") or value.get("parts"))
    if isinstance(value, list):
        parts = [part for part in (content(v) for v in value) if part]
        return "\n".join(parts) if parts else None
    return None


def _conversation(value: Any) -> list[Any] | str | None:
    """Messages, or the text that stands in their place. A JSON text counts as messages only where it holds some."""
    found = opened(value)
    if isinstance(found, dict):
        inside = next((found[key] for key in _CONVERSATION if found.get(key)), None)
        if inside is not None:
            return _conversation(inside)
        return value if isinstance(value, str) and found else None
    if isinstance(found, list) and isinstance(value, str):
        return found if found and all(isinstance(m, dict) and "role" in m for m in found) else value
    return found if isinstance(found, list | str) else None


def system_text(value: Any) -> str | None:
    """A system prompt that stands on its own: text, or a list of parts or messages."""
    found = opened(value)
    return content(found) if isinstance(found, list) else content(value)


def system_of_messages(value: Any) -> str | None:
    """System and developer texts of a conversation, joined."""
    found = _conversation(value)
    texts = [
        content(m)
        for m in (found if isinstance(found, list) else [])
        if isinstance(m, dict) and m.get("role") in ("system", "developer")
    ]
    return "\n".join(t for t in texts if t) or None


def last_user_text(value: Any) -> str | None:
    """The text of the last user turn that has any."""
    found = _conversation(value)
    if isinstance(found, str):
        return found or None
    for message in reversed(found or []):
        if isinstance(message, str) and message:
            return message
        if isinstance(message, dict) and message.get("role", "user") == "user" and (text := content(message)):
            return text
    return None


def message_count(value: Any) -> int | None:
    """Messages of a conversation; one for a plain text."""
    found = _conversation(value)
    if isinstance(found, list):
        return len(found)
    return 1 if found else None


def response_text(value: Any) -> str | None:
    """The model's text in any of the known response bodies; the chunks of a stream are joined."""
    found = opened(value)
    if isinstance(found, str):
        return found or None
    if isinstance(found, list):
        streamed = [t for t in (_delta(chunk) for chunk in found if isinstance(chunk, dict)) if t is not None]
        return "".join(streamed) or None if streamed else content(found)
    return _body_text(found) if isinstance(found, dict) else None


def _body_text(body: Record) -> str | None:
    for key in ("choices", "results", "outputs", "generations", "completions"):
        first = next(iter(entries(body.get(key))), None)
        if isinstance(first, dict):
            return content(first.get("message") or first.get("text") or first.get("outputText") or first.get("data"))
    output = body.get("output")
    if isinstance(output, dict) and "message" in output:
        return content(output["message"])
    return content(
        output or body.get("content") or body.get("completion") or body.get("generation") or body.get("text")
    )


def _delta(chunk: Record) -> str | None:
    """The text of one chunk of a stream (Anthropic, Bedrock Converse, OpenAI, Titan, Llama); None: not a chunk."""
    if chunk.get("type") == "content_block_delta" or "contentBlockDelta" in chunk:
        delta = chunk.get("delta") or (chunk.get("contentBlockDelta") or {}).get("delta") or {}
        text = delta.get("text", "") if isinstance(delta, dict) else ""
        return text if isinstance(text, str) else ""
    if str(chunk.get("type", "")).startswith(("message_", "content_block_")) or {"messageStart", "messageStop"} & set(
        chunk
    ):
        return ""
    first = next(iter(entries(chunk.get("choices"))), None)
    if isinstance(first, dict) and isinstance(first.get("delta"), dict):
        return str(first["delta"].get("content") or "")
    text = chunk.get("outputText", chunk.get("generation"))
    return text if isinstance(text, str) else None
