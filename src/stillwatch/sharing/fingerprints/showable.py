"""Which raw values may be shown: those in which nobody can have written anything of their own."""

from __future__ import annotations

import re

_PRODUCT = r"[A-Za-z][A-Za-z0-9._-]{0,39}/[0-9][A-Za-z0-9.+-]{0,23}"
_AGENT = re.compile(rf"{_PRODUCT}(?: {_PRODUCT}){{0,3}}")
_TLS = re.compile(r"[tqd][0-9]{2}[di][0-9]{4}[a-z0-9]{2}_[0-9a-f]{12}_[0-9a-f]{12}|[0-9a-f]{32}")
_HASH = re.compile(r"(?:[a-z]{1,8}[_:-])?[0-9a-f]{8,64}")
_MODEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:/-]{0,63}")


def user_agent(text: str | None) -> str | None:
    """Product tokens with versions (RFC 9110, 10.1.5), at most four, no comment; None for anything else.

    >>> user_agent("langkit/1.5 atlas-python/1.43.0"), user_agent("jane.doe@example.org says hello")
    ('langkit/1.5 atlas-python/1.43.0', None)
    """
    return text if text and _AGENT.fullmatch(text) else None


def tls_fingerprint(text: str | None) -> str | None:
    """JA4 (client) or JA3; None for anything else.

    >>> tls_fingerprint("t13d1510h2_af88bb1079f0_f615b32f56cd"), tls_fingerprint("card 4111")
    ('t13d1510h2_af88bb1079f0_f615b32f56cd', None)
    """
    return text if text and _TLS.fullmatch(text) else None


def schema_hash(text: str | None) -> str | None:
    """A hash as edges write them; None for anything else."""
    return text if text and _HASH.fullmatch(text) else None


def model(text: str) -> str | None:
    """A model's name; None for anything else that a client may have asked for."""
    return text if _MODEL.fullmatch(text) else None
