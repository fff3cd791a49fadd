"""The three log tables of the contract: column names, Arrow types, which are required."""

from __future__ import annotations

import pyarrow as pa

TIMESTAMP = pa.timestamp("us", tz="UTC")

EXCHANGES = pa.schema(
    [
        pa.field("ts", TIMESTAMP, nullable=False),
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("exchange_id", pa.string()),
        pa.field("org_id", pa.string()),
        pa.field("api_key_id", pa.string()),
        pa.field("end_user_id", pa.string()),
        pa.field("session_id", pa.string()),
        pa.field("channel", pa.string()),
        pa.field("model", pa.string()),
        pa.field("system_prompt", pa.string()),
        pa.field("prompt", pa.string()),
        pa.field("response", pa.string()),
        pa.field("prompt_sketch", pa.binary()),
        pa.field("template_id", pa.string()),
        pa.field("prefix_hash", pa.string()),
        pa.field("message_count", pa.int32()),
        pa.field("input_tokens", pa.int64()),
        pa.field("output_tokens", pa.int64()),
        pa.field("reasoning_tokens", pa.int64()),
        pa.field("cached_input_tokens", pa.int64()),
        pa.field("temperature", pa.float64()),
        pa.field("top_p", pa.float64()),
        pa.field("n", pa.int32()),
        pa.field("max_output_tokens", pa.int64()),
        pa.field("logprobs", pa.bool_()),
        pa.field("stream", pa.bool_()),
        pa.field("seed", pa.int64()),
        pa.field("reasoning_effort", pa.string()),
        pa.field("response_format", pa.string()),
        pa.field("tools_count", pa.int32()),
        pa.field("tool_schema_hash", pa.string()),
        pa.field("status", pa.int32()),
        pa.field("finish_reason", pa.string()),
        pa.field("refusal", pa.bool_()),
        pa.field("refusal_category", pa.string()),
        pa.field("reasoning_ref_issued", pa.string()),
        pa.field("reasoning_ref_presented", pa.string()),
        pa.field("client_ip", pa.string()),
        pa.field("asn", pa.int64()),
        pa.field("user_agent", pa.string()),
        pa.field("tls_fingerprint", pa.string()),
    ]
)
"""One row per request and its answer. Null means unknown (for ``status``: 200), never zero."""

ACCOUNTS = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("created_at", TIMESTAMP),
        pa.field("org_id", pa.string()),
        pa.field("plan", pa.string()),
        pa.field("programme", pa.string()),
        pa.field("verification", pa.string()),
        pa.field("email_domain", pa.string()),
        pa.field("phone_fingerprint", pa.string()),
        pa.field("payment_fingerprint", pa.string()),
        pa.field("signup_ip", pa.string()),
        pa.field("device_fingerprint", pa.string()),
        pa.field("licence_id", pa.string()),
        pa.field("country", pa.string()),
    ]
)
"""One row per account. ``country`` is carried for reports; no detector may read it."""

NON_NEGATIVE = (
    "message_count",
    "input_tokens",
    "output_tokens",
    "reasoning_tokens",
    "cached_input_tokens",
    "max_output_tokens",
    "tools_count",
    "asn",
)
"""Integer columns in which a negative value is a bad row."""

REQUIRED = tuple(f.name for f in EXCHANGES if not f.nullable)
