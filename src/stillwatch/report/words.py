"""The vocabulary of a case in plain words."""

from __future__ import annotations

FAMILIES = {
    "identity": "who pays and signs up: payment, device, phone, sign-up",
    "infrastructure": "where requests come from: addresses, networks, client software",
    "content": "what is asked: templates, wording, fixed instructions",
    "timing": "when: rhythm, dispatch order, joint start and stop",
    "continuity": "one work, many accounts: conversations and references carried over",
    "intent": "what the requests try to obtain",
}

AIMS = (
    "T-COT", "T-RUBRIC", "T-REWRITE", "T-PERSONA", "T-LANGUAGE", "T-LAUNDER", "T-RELAY", "T-REPLAY", "T-SEARCH",
)  # fmt: skip
"""Tactics that say what a work is after; the others say how it is run."""

MEASUREMENTS = {
    "address": "client addresses",
    "client": "client programs",
    "cohort": "sign-up hours",
    "device": "devices",
    "edge template": "templates named at the edge (optional)",
    "end user": "customers' own users",
    "failover": "requests continued after a refusal",
    "mail domain": "mail domains",
    "network": "network ranges",
    "parameters": "request parameters",
    "payment": "payment instruments",
    "phone": "phone numbers",
    "phrase": "fixed phrases",
    "relay": "many clients behind one account",
    "replay": "references to hidden reasoning",
    "schema": "tool schemas",
    "session": "sessions",
    "signup address": "sign-up addresses",
    "skeleton": "builds of requests",
    "stack": "client stacks",
    "system": "system prompts",
    "tactic": "tactics in requests",
    "template": "request templates",
    "tls": "TLS fingerprints",
}
"""What a scan can lack data for, in words."""

LOOKALIKES = {
    "fleet": "One customer's own fleet",
    "shared-payer": "One open payer",
    "household": "Households",
    "company": "A company's people",
    "benchmark": "Benchmark or evaluation",
    "viral": "A viral prompt",
    "event": "A class or event",
    "cron": "Scheduled jobs",
    "red-team": "Enrolled security research",
    "tool": "A popular tool",
    "aggregator": "Aggregator or reseller",
    "batch": "A batch job",
}

KINDS = {"campaign": "Campaign", "watch": "Watch", "licensed": "Licensed", "lookalike": "Look-alike", "clear": "Clear"}

DISPOSITIONS = {
    "campaign": "member of a campaign",
    "watch": "suspected, not proven",
    "licensed": "covered by a licence",
    "lookalike": "explained honestly",
    "clear": "nothing found",
}

KINDS_OF_NODE = {
    "account": "account",
    "payment": "payment instrument",
    "device": "device",
    "address": "address",
    "network": "network",
    "template": "template",
}


def kind_of(verdict: str) -> str:
    """The verdict without its detail: ``lookalike:cron`` → ``lookalike``."""
    return verdict.split(":", 1)[0]


def lookalike(kind: str) -> str:
    """The name of an honest explanation."""
    return LOOKALIKES.get(kind, kind.replace("-", " ").replace("_", " ").capitalize())


def verdict(verdict: str) -> str:
    """A verdict as a heading."""
    kind, _, detail = verdict.partition(":")
    return f"Look-alike: {lookalike(detail)}" if kind == "lookalike" and detail else KINDS.get(kind, verdict)


def joined(parts: list[str]) -> str:
    """An enumeration.

    >>> joined(["content", "timing", "identity"])
    'content, timing and identity'
    """
    return " and ".join([", ".join(parts[:-1]), parts[-1]]) if len(parts) > 1 else "".join(parts)
