"""A signed word on which set is asked about: it can be opened to an auditor later, and tells nothing before."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable
from typing import NamedTuple

SALT_BYTES = 32


class Commitment(NamedTuple):
    """Binds to a set of tokens without showing it."""

    size: int
    root: str
    """SHA-256 over the sorted hashes of all tokens under a secret salt."""


def commit(tokens: Iterable[str], salt: bytes) -> Commitment:
    """``salt``: 32 random bytes, kept secret; whoever has it and the tokens can check the commitment."""
    if len(salt) != SALT_BYTES:
        raise ValueError(f"{len(salt)} bytes instead of {SALT_BYTES}")
    leaves = sorted(hmac.digest(salt, token.encode("ascii"), "sha256") for token in tokens)
    return Commitment(len(leaves), hashlib.sha256(b"".join(leaves)).hexdigest())
