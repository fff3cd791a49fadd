"""Keyed names in place of identifying values: the same value, the same name; without the key, no way back."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from stillwatch.evidence.addresses import PrefixPreserving

SECRET_BYTES = 32
_TOKEN_BYTES = 10


class Pseudonyms:
    """All pseudonyms of one bag, from one secret; HMAC-SHA256 cut to 80 bits, a key of its own per use."""

    def __init__(self, secret: bytes) -> None:
        if len(secret) != SECRET_BYTES:
            raise ValueError(f"{len(secret)} bytes instead of {SECRET_BYTES}")
        self.secret = secret
        self._names = self._derived(b"names")
        self._salts = self._derived(b"salts")
        self._marks = Cipher(algorithms.AES(self._derived(b"marks")), modes.ECB())
        self.addresses = PrefixPreserving(self._derived(b"addresses"))
        self.issued: dict[str, str] = {}
        """Pseudonym → value, for everything that was named so far."""

    def _derived(self, use: bytes) -> bytes:
        return hmac.digest(self.secret, b"stillwatch-evidence/1 " + use, "sha256")

    def name(self, space: str, value: str) -> str:
        """``space-`` and 20 hexadecimal digits."""
        mac = hmac.digest(
            self._names, space.encode() + b"\x00" + value.encode("utf-8", "surrogatepass"), hashlib.sha256
        )
        return f"{space}-{mac[:_TOKEN_BYTES].hex()}"

    def names(self, space: str, values: Iterable[str], *, remember: bool = True) -> dict[str, str]:
        """By value. ``remember`` keeps the way back, for the file that re-identifies."""
        out = {value: self.name(space, value) for value in set(values)}
        if remember:
            self.issued.update({name: value for value, name in out.items()})
        return out

    def address_names(self, values: Iterable[str], *, remember: bool = True) -> dict[str, str]:
        """By value: prefix-preserving for addresses, plain pseudonyms for what is none."""
        known = set(values)
        out = self.addresses.pseudonyms(known)
        out |= self.names("addr", known - out.keys(), remember=remember)
        if remember:
            self.issued.update({name: value for value, name in out.items()})
        return out

    def marks(self, values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
        """Hashes of text under the key; equal stays equal, 0 (unknown) stays 0. Shape as given."""
        blocks = np.zeros((values.size, 2), "<u8")
        blocks[:, 0] = values.ravel()
        encryptor = self._marks.encryptor()
        raw = encryptor.update(blocks.tobytes()) + encryptor.finalize()
        out = np.maximum(np.frombuffer(raw, "<u8")[::2], np.uint64(1)).astype(np.uint64).reshape(values.shape)
        return np.where(values == 0, np.uint64(0), out)

    def salt(self, place: int) -> str:
        """What keeps a record that is not shown from being guessed out of its hash: 128 bits, by place."""
        return hmac.digest(self._salts, place.to_bytes(8, "big"), "sha256")[:16].hex()
