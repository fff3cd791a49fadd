"""The file that leads from pseudonyms back to values: beside the bag, never in it, encrypted to one holder.

ChaCha20-Poly1305 under a key from HKDF-SHA256: of an X25519 agreement with a custodian, or of the signing key itself.
"""

from __future__ import annotations

import json
import zlib
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from stillwatch.domain.errors import InputError
from stillwatch.evidence.canonical import canonical
from stillwatch.evidence.pseudonyms import Pseudonyms

MAGIC = b"stillwatch-reidentify/1\n"
_CUSTODIAN, _SIGNER = b"c", b"s"
_NONCE = bytes(12)  # every file has a key of its own


def _key(material: bytes, salt: bytes) -> ChaCha20Poly1305:
    return ChaCha20Poly1305(HKDF(hashes.SHA256(), 32, salt, b"stillwatch re-identification").derive(material))


def close(
    names: Pseudonyms, statement_sha256: str, holder: X25519PublicKey | Ed25519PrivateKey, randomness: bytes
) -> bytes:
    """The sealed file. ``randomness``: 32 fresh bytes."""
    content = {"statement": statement_sha256, "secret": names.secret.hex(), "issued": names.issued}
    plain = zlib.compress(canonical(content), 6)
    if isinstance(holder, X25519PublicKey):
        once = X25519PrivateKey.from_private_bytes(randomness)
        public = once.public_key().public_bytes_raw()
        header = MAGIC + _CUSTODIAN + public
        key = _key(once.exchange(holder), public + holder.public_bytes_raw())
    else:
        header = MAGIC + _SIGNER + randomness
        key = _key(holder.private_bytes_raw(), randomness)
    return header + key.encrypt(_NONCE, plain, header)


class Names:
    """An opened file."""

    def __init__(self, content: dict[str, Any]) -> None:
        self.statement = str(content["statement"])
        self._issued: dict[str, str] = content["issued"]
        self._names = Pseudonyms(bytes.fromhex(content["secret"]))

    def original(self, name: str) -> str | None:
        """The value behind a pseudonym; None where this bag never issued it to a member.

        Addresses can be led back one by one even where they belong to nobody in the sealed campaigns.
        """
        if name in self._issued:
            return self._issued[name]
        try:
            return self._names.addresses.original(name)
        except ValueError:
            return None

    def all(self) -> dict[str, str]:
        """Every pseudonym of the members with its value."""
        return dict(sorted(self._issued.items()))


def open_names(data: bytes, holder: X25519PrivateKey | Ed25519PrivateKey, where: str) -> Names:
    """Open the file. :class:`InputError` where it is of another kind, changed, or sealed to somebody else."""
    at = len(MAGIC)
    header, kind, part = data[: at + 33], data[at : at + 1], data[at + 1 : at + 33]
    if not data.startswith(MAGIC) or len(header) != at + 33 or kind not in (_CUSTODIAN, _SIGNER):
        raise InputError("is not a file of re-identification", where=where)
    if isinstance(holder, X25519PrivateKey) != (kind == _CUSTODIAN):
        owner = "a custodian: give the custodian's key" if kind == _CUSTODIAN else "the signer: give the signing key"
        raise InputError(f"is sealed to {owner}", where=where)
    if isinstance(holder, X25519PrivateKey):
        material = holder.exchange(X25519PublicKey.from_public_bytes(part))
        key = _key(material, part + holder.public_key().public_bytes_raw())
    else:
        key = _key(holder.private_bytes_raw(), part)
    try:
        return Names(json.loads(zlib.decompress(key.decrypt(_NONCE, data[at + 33 :], header))))
    except InvalidTag as exc:
        raise InputError("does not open: sealed to another key, or changed", where=where) from exc
