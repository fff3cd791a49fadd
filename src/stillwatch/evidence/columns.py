"""What becomes of each column of a log on its way into a bag: declared here, nowhere else.

``keep``      as it is: numbers, times, names that the provider gave (model, channel).
``word``      kept where it is of the provider's vocabulary, a pseudonym otherwise: clients may write anything there.
``pseudonym`` a keyed name, the same for the same value.
``address``   a prefix-preserving pseudonym.
``sketch``    text, replaced by keyed marks in ``prompt_sketch``.
``drop``      left out: no finding rests on it.
"""

from __future__ import annotations

from collections.abc import Iterable

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import ACCOUNTS, EXCHANGES

KEEP = (
    "ts", "channel", "model", "message_count", "input_tokens", "output_tokens", "reasoning_tokens",
    "cached_input_tokens", "temperature", "top_p", "n", "max_output_tokens", "logprobs", "stream", "seed",
    "tools_count", "status", "refusal", "asn", "tls_fingerprint", "created_at", "licence_id",
)  # fmt: skip

WORDS: dict[str, frozenset[str]] = {
    "reasoning_effort": frozenset({"none", "minimal", "low", "medium", "high", "xhigh", "max"}),
    "response_format": frozenset({"text", "json", "json_object", "json_schema"}),
    "finish_reason": frozenset(
        {
            "stop", "length", "tool_calls", "content_filter", "refusal", "end_turn", "max_tokens", "stop_sequence",
            "tool_use", "pause_turn", "error",
        }
    ),
    "refusal_category": frozenset({"cyber", "bio", "frontier_llm", "reasoning_extraction", "general_harms"}),
    "plan": frozenset({"free", "plus", "pro", "team", "business", "enterprise", "payg", "api"}),
    "programme": frozenset(
        {"education", "startup", "research", "security-research", "red-team", "safety-research", "trial"}
    ),
    "verification": frozenset({"none", "email", "phone", "id", "business"}),
}  # fmt: skip

PSEUDONYM = {
    "account_id": "acct",
    "exchange_id": "exch",
    "org_id": "org",
    "api_key_id": "key",
    "end_user_id": "user",
    "session_id": "sess",
    "template_id": "tmpl",
    "prefix_hash": "pfx",
    "tool_schema_hash": "schema",
    "reasoning_ref_issued": "ref",
    "reasoning_ref_presented": "ref",
    "user_agent": "agent",
    "email_domain": "mail",
    "phone_fingerprint": "phone",
    "payment_fingerprint": "pay",
    "device_fingerprint": "device",
} | dict.fromkeys(WORDS, "word")
"""Column → the space its pseudonyms are drawn from: columns of one space can be compared with one another."""

ADDRESS = ("client_ip", "signup_ip")
SKETCH = ("system_prompt", "prompt", "prompt_sketch")
DROP = ("response", "country")


def treatment(name: str) -> str:
    """One of the words above. ``KeyError`` for a column that is not of the contract."""
    for word, names in (("keep", KEEP), ("word", WORDS), ("address", ADDRESS), ("sketch", SKETCH), ("drop", DROP)):
        if name in names:
            return word
    PSEUDONYM[name]
    return "pseudonym"


def declared() -> dict[str, dict[str, str]]:
    """Table → column → treatment, for everything in the contract."""
    return {
        "exchanges": {name: treatment(name) for name in EXCHANGES.names},
        "accounts": {name: treatment(name) for name in ACCOUNTS.names},
    }


def revealed(names: Iterable[str]) -> frozenset[str]:
    """Columns to seal as they are. :class:`InputError` for a name that the contract does not know."""
    wanted = frozenset(names)
    if unknown := sorted(wanted - {*EXCHANGES.names, *ACCOUNTS.names}):
        raise InputError(
            f"--reveal names {unknown[0]!r}, which is no column of the log",
            remedy="a column of exchanges or accounts, e.g. user_agent",
        )
    return wanted
