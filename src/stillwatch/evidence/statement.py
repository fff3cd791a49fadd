"""The signed statement: in-toto Statement v1 in a DSSE envelope, Ed25519.

An envelope is accepted in its canonical bytes only: neither white space nor spare bits of base64 can carry a change.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from typing import Any, NamedTuple

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from stillwatch.evidence.canonical import canonical
from stillwatch.evidence.keys import key_id

STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "urn:stillwatch:sealed-case:v1"
PAYLOAD_TYPE = "application/vnd.in-toto+json"


class Opened(NamedTuple):
    """An envelope that could be read, and what is wrong with it ("" = nothing)."""

    statement: dict[str, Any]
    signer: str
    problem: str
    code: str


def pre_authentication(payload: bytes) -> bytes:
    """The bytes that DSSE signs."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def statement(files: Mapping[str, Mapping[str, int | str]], predicate: Mapping[str, Any]) -> dict[str, Any]:
    """The statement over files (name → sha256, bytes)."""
    return {
        "_type": STATEMENT_TYPE,
        "subject": [
            {"name": name, "digest": {"sha256": entry["sha256"]}, "annotations": {"bytes": entry["bytes"]}}
            for name, entry in sorted(files.items())
        ],
        "predicateType": PREDICATE_TYPE,
        "predicate": dict(predicate),
    }


def sign(content: Mapping[str, Any], key: Ed25519PrivateKey) -> bytes:
    """The envelope, one line."""
    payload = canonical(content)
    signature = key.sign(pre_authentication(payload))
    return _envelope(payload, key_id(key.public_key()), signature)


def _envelope(payload: bytes, signer: str, signature: bytes) -> bytes:
    shape = {
        "payload": base64.b64encode(payload).decode(),
        "payloadType": PAYLOAD_TYPE,
        "signatures": [{"keyid": signer, "sig": base64.b64encode(signature).decode()}],
    }
    return canonical(shape) + b"\n"


def open_envelope(data: bytes, key: Ed25519PublicKey) -> Opened | None:
    """The statement and whether this key signed it; None where there is no statement to read."""
    try:
        shape = json.loads(data)
        payload = base64.b64decode(shape["payload"], validate=True)
        given = shape["signatures"][0]
        signer, signature = str(given["keyid"]), base64.b64decode(given["sig"], validate=True)
        content = json.loads(payload)
        files_of(content)
    except (ValueError, KeyError, TypeError, IndexError, AttributeError, OverflowError, RecursionError):
        return None
    if signer != key_id(key):
        return Opened(
            content, signer, f"is signed with another key: {signer[:16]}…, not {key_id(key)[:16]}…", "other-key"
        )
    try:
        key.verify(signature, pre_authentication(payload))
    except InvalidSignature:
        return Opened(
            content,
            signer,
            "the signature does not fit: the statement was changed after it was signed",
            "bad-signature",
        )
    if content.get("_type") != STATEMENT_TYPE or content.get("predicateType") != PREDICATE_TYPE:
        return Opened(content, signer, "is not a statement about a sealed case", "bad-statement")
    if data != _envelope(payload, signer, signature):
        return Opened(content, signer, "is not written as it was sealed: the envelope was edited", "changed")
    return Opened(content, signer, "", "")


def predicate_of(content: Mapping[str, Any]) -> dict[str, Any]:
    """What a statement says beside its list of files; empty where it is of no such shape."""
    found = content.get("predicate")
    return found if isinstance(found, dict) else {}


def files_of(content: Mapping[str, Any]) -> dict[str, tuple[str, int]]:
    """Name → (sha256, bytes) of everything that a statement covers."""
    return {str(s["name"]): (str(s["digest"]["sha256"]), int(s["annotations"]["bytes"])) for s in content["subject"]}
