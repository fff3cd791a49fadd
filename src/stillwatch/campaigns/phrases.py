"""What a family saw, in a sentence: one phrase per measurement, with the share of accounts that it holds for."""

from __future__ import annotations

from stillwatch.campaigns.judge import SIGNIFICANT
from stillwatch.signals.base import Verdict
from stillwatch.signals.registry import KINDS

_PHRASES = {
    "payment": "pay with an instrument that other members use too",
    "device": "signed up on a device that other members use too",
    "phone": "gave a phone number that other members gave too",
    "mail_domain": "have a mail domain that other members have too",
    "cohort": "signed up within the same hours",
    "address": "sent from addresses that other members sent from too",
    "signup_address": "signed up from addresses that other members used too",
    "network": "sent from network ranges that other members sent from too",
    "tls": "have a TLS fingerprint in common with other members",
    "client": "have a client program in common with other members",
    "parameters": "set the same request parameters as other members",
    "stack": "have the same client, TLS fingerprint, parameters and tools as other members",
    "template": "fill in a request template that other members fill in too",
    "phrase": "send fixed phrases that other members send too",
    "system": "send a system prompt that other members send too",
    "skeleton": "send requests of the same build as other members",
    "edge_template": "use a template (named at the edge) that other members use too",
    "schema": "offer the model the same tools as other members",
    "failover": "took over, or handed over, a request that was refused",
    "replay": "presented a reasoning reference that was issued to another account, or issued one that was",
    "session": "have a session in common with other members",
    "end_user": "have an end user in common with other members",
    "tactic": "show a tactic of the catalogue",
    "relay": "serve many different clients in a day",
    "one_dispatcher": "keep no human sessions, and the load is spread evenly: one dispatcher",
    "dispatch_order": "are served in an order that repeats: one dispatcher",
    "common_mode": "start, pause and stop together",
}


def seen(verdict: Verdict) -> str:
    """One sentence without a p-value, which stands beside it."""
    if not verdict.channel:
        return "Nothing was found in common."
    if verdict.effect <= 0 and verdict.p_value <= SIGNIFICANT:
        return f"More than by chance, but too little to count: some of the accounts {_PHRASES[verdict.channel]}."
    share = f"{min(verdict.effect, 1.0):.0%}" if verdict.effect >= 0.005 else "Few" if verdict.effect > 0 else "None"
    return f"{share} of the accounts {_PHRASES[verdict.channel]}."


assert set(_PHRASES) >= {kind.name for kind in KINDS}, "every measurement has its phrase"
