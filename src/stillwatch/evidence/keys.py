"""Local keys: Ed25519 to sign, X25519 for a custodian who alone may open what re-identifies."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from stillwatch.domain.errors import InputError


def key_id(key: Ed25519PublicKey) -> str:
    """SHA-256 of the 32 public bytes: how a signature names its key."""
    return hashlib.sha256(key.public_bytes_raw()).hexdigest()


def write_pair(private: Ed25519PrivateKey | X25519PrivateKey, place: Path) -> tuple[Path, Path]:
    """``PLACE.key`` (mode 0600, not encrypted) and ``PLACE.pub``, PEM. Nothing is overwritten (:class:`InputError`)."""
    secret, public = place.with_name(f"{place.name}.key"), place.with_name(f"{place.name}.pub")
    for path in (secret, public):
        if path.exists():
            raise InputError("the file exists already", where=str(path), remedy="name another --out")
    place.parent.mkdir(parents=True, exist_ok=True)
    write_secret(secret, private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    public.write_bytes(private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
    return secret, public


def write_secret(path: Path, data: bytes) -> None:
    """A new file that only its owner can read."""
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)


def signing_key(path: Path) -> Ed25519PrivateKey:
    """The key to sign with. :class:`InputError` for anything that is not an Ed25519 private key in PEM."""
    key = _load(path, private=True)
    if not isinstance(key, Ed25519PrivateKey):
        raise InputError(
            "is not an Ed25519 private key", where=str(path), remedy="make one: stillwatch evidence keygen"
        )
    return key


def verifying_key(path: Path) -> Ed25519PublicKey:
    """The key to check signatures with. :class:`InputError` for anything that is not an Ed25519 public key in PEM."""
    key = _load(path, private=False)
    if not isinstance(key, Ed25519PublicKey):
        raise InputError("is not an Ed25519 public key", where=str(path), remedy="give the signer's .pub file")
    return key


def custodian_public(path: Path) -> X25519PublicKey:
    """The key to seal re-identification to."""
    key = _load(path, private=False)
    if not isinstance(key, X25519PublicKey):
        raise InputError(
            "is not a custodian's public key",
            where=str(path),
            remedy="make one: stillwatch evidence keygen --for custodian",
        )
    return key


def any_private(path: Path) -> X25519PrivateKey | Ed25519PrivateKey:
    """A custodian's or a signer's secret key: either may open what was sealed to it."""
    key = _load(path, private=True)
    if not isinstance(key, X25519PrivateKey | Ed25519PrivateKey):
        raise InputError("is neither a custodian's nor a signer's private key", where=str(path))
    return key


def _load(path: Path, *, private: bool) -> object:
    try:
        data = path.read_bytes()
    except OSError as exc:
        raise InputError("the key cannot be opened", where=str(path)) from exc
    try:
        return load_pem_private_key(data, None) if private else load_pem_public_key(data)
    except (ValueError, TypeError, UnsupportedAlgorithm) as exc:
        kind = "private" if private else "public"
        raise InputError(f"is not an unencrypted {kind} key in PEM", where=str(path)) from exc
