"""Messages between two peers: canonical JSON, signed with Ed25519, over a payload that it names by its hash."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Mapping
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stillwatch.domain.errors import InputError
from stillwatch.sharing.inbound.bundle import load_json
from stillwatch.sharing.inbound.limits import Limits
from stillwatch.sharing.stix.ids import canonical

CONTEXT = b"stillwatch-match/1\n"
MOST_BYTES = 96 * 1024 * 1024
_LIMITS = Limits(bytes=MOST_BYTES, values=10_000, depth=6, text=MOST_BYTES)


class Message(NamedTuple):
    """A message whose signature holds."""

    signer: str
    """The signer's public key, 64 hexadecimal digits."""
    body: dict[str, Any]
    payload: bytes
    signature: str
    """Base64."""

    @property
    def word(self) -> dict[str, Any]:
        """What can be kept, and shown to others, to hold the signer to it: the payload is in it as a hash."""
        return {"body": self.body, "signature": self.signature, "signer": self.signer}

    def text(self, name: str) -> str:
        """A property of the body. :class:`InputError` where it is no text."""
        value = self.body.get(name)
        if not isinstance(value, str) or len(value) > 4_096:
            raise InputError(f"{name} is not a text", where="message")
        return value

    def number(self, name: str, most: int) -> int:
        """A property of the body, from 0 to ``most``."""
        value = self.body.get(name)
        if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value <= most:
            raise InputError(f"{name} is not a number from 0 to {most:,}", where="message")
        return value


def seal(key: Ed25519PrivateKey, to: str, body: Mapping[str, Any], payload: bytes = b"") -> bytes:
    """The bytes to send. ``body`` holds texts and integers; ``to`` is the public key of whom it is for.

    Without it, whoever is asked could pass a question on to a third party that knows the asker, and learn what the
    answer was (Lowe 1996).
    """
    signed = {**body, "to": to.lower(), "payload_sha256": hashlib.sha256(payload).hexdigest()}
    signature = key.sign(CONTEXT + canonical(signed).encode())
    return canonical(
        {
            "body": signed,
            "payload": base64.b64encode(payload).decode(),
            "signature": base64.b64encode(signature).decode(),
            "signer": key.public_key().public_bytes_raw().hex(),
        }
    ).encode()


def unseal(data: bytes, to: str, expected: str) -> Message:
    """Checked for size, shape, signature and whom it is for; who may sign is the caller's to say.

    ``to``: our own public key; ``expected``: the kind of message.
    """
    found = load_json(data, "message", _LIMITS)
    try:
        signer, body = found["signer"], found["body"]
        payload = base64.b64decode(found["payload"], validate=True)
        _verify(signer, found["signature"], body)
        whole = body["payload_sha256"] == hashlib.sha256(payload).hexdigest()
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error) as exc:
        raise InputError("is not a message", where="message") from exc
    except InvalidSignature as exc:
        raise InputError("its signature does not hold", where="message") from exc
    if not whole:
        raise InputError("its payload is not the one that was signed", where="message")
    if body.get("to") != to:
        raise InputError("is for somebody else", where="message")
    if body.get("message") != expected:
        raise InputError(f"is not a message of kind {expected}", where="message")
    return Message(str(signer).lower(), body, payload, str(found["signature"]))


def _verify(signer: str, signature: str, body: Mapping[str, Any]) -> None:
    key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(signer))
    key.verify(base64.b64decode(signature, validate=True), CONTEXT + canonical(body).encode())


def is_word_of(word: Any, signer: str) -> bool:
    """Whether this was signed with that key: what :attr:`Message.word` kept, checked by anybody, later."""
    try:
        _verify(signer, word["signature"], word["body"])
    except (KeyError, TypeError, ValueError, AttributeError, binascii.Error, InvalidSignature):
        return False
    return True
