"""What one side brings to a match: its key, its set, what it is about, and what it consents to."""

from __future__ import annotations

from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stillwatch.sharing.match.commitment import Commitment
from stillwatch.sharing.match.tokens import Scope


class Consent(NamedTuple):
    """A person's word, given beforehand: reveal which identifiers are common when there are at least so many."""

    by: str
    at_least: int


class Party(NamedTuple):
    """One side."""

    key: Ed25519PrivateKey
    about: Scope
    identifiers: dict[str, str]
    """Token → identifier."""
    commitment: Commitment
    consent: Consent | None

    @property
    def signer(self) -> str:
        """The public key, 64 hexadecimal digits."""
        return self.key.public_key().public_bytes_raw().hex()

    def introduction(self) -> dict[str, Any]:
        """What both sides say of themselves first."""
        return {
            **self.about._asdict(),
            "size": self.commitment.size,
            "commitment": self.commitment.root,
            "consents_from": -1 if self.consent is None else self.consent.at_least,
        }


LEAST_SET = 10
"""Smaller sets are not asked about: a count would tell of single identifiers. Whoever wants to can fill a set up with
nothing, so that what bounds trying out is the budget of questions."""
LEAST_CONSENT = 10
"""Nobody consents to reveal fewer."""
