"""Prefix-preserving pseudonyms of addresses: two addresses that share k leading bits share exactly k afterwards.

Crypto-PAn (Xu, Fan, Ammar & Moon 2002), for IPv4 and IPv6, one bulk encryption per bit over all distinct prefixes.
Whoever knows the true address of some pseudonyms learns the leading bits of their neighbours: that is its price.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Sequence

from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

KEY_BYTES = 32


class PrefixPreserving:
    """A keyed permutation of addresses. ``key``: 16 bytes for AES, 16 for the padding."""

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"{len(key)} bytes instead of {KEY_BYTES}")
        self._cipher = Cipher(algorithms.AES(key[:16]), modes.ECB())
        self._pad = int.from_bytes(self._encrypt(key[16:]), "big")

    def _encrypt(self, blocks: bytes) -> bytes:
        encryptor = self._cipher.encryptor()
        return encryptor.update(blocks) + encryptor.finalize()

    def _flips(self, prefixes: Sequence[int], length: int) -> dict[int, int]:
        """For each prefix of ``length`` bits, whether the next bit is turned over."""
        rest = 128 - length
        tail = self._pad & ((1 << rest) - 1)
        blocks = b"".join(((p << rest) | tail).to_bytes(16, "big") for p in prefixes)
        out = self._encrypt(blocks)
        return {p: out[16 * i] >> 7 for i, p in enumerate(prefixes)}

    def forward(self, values: Iterable[int], bits: int) -> dict[int, int]:
        """Pseudonyms of addresses of 32 or 128 bits, by address."""
        known = sorted(set(values))
        out = dict.fromkeys(known, 0)
        for length in range(bits):
            rest = bits - length
            flips = self._flips(sorted({v >> rest for v in known}), length)
            for v in known:
                bit = (v >> (rest - 1)) & 1
                out[v] = out[v] << 1 | (bit ^ flips[v >> rest])
        return out

    def back(self, value: int, bits: int) -> int:
        """The address behind a pseudonym."""
        out = 0
        for length in range(bits):
            bit = (value >> (bits - length - 1)) & 1
            out = out << 1 | (bit ^ self._flips([out], length)[out])
        return out

    def pseudonyms(self, texts: Iterable[str]) -> dict[str, str]:
        """By text; what is not an address has no entry."""
        parsed: dict[str, ipaddress.IPv4Address | ipaddress.IPv6Address] = {}
        for text in texts:
            try:
                parsed[text] = ipaddress.ip_address(text)
            except ValueError:
                continue
        four = self.forward((int(a) for a in parsed.values() if a.version == 4), 32)
        six = self.forward((int(a) for a in parsed.values() if a.version == 6), 128)
        return {
            text: str(ipaddress.IPv4Address(four[int(a)]) if a.version == 4 else ipaddress.IPv6Address(six[int(a)]))
            for text, a in parsed.items()
        }

    def original(self, text: str) -> str:
        """The address behind a pseudonym, as text. ``ValueError`` for what is no address."""
        address = ipaddress.ip_address(text)
        if address.version == 4:
            return str(ipaddress.IPv4Address(self.back(int(address), 32)))
        return str(ipaddress.IPv6Address(self.back(int(address), 128)))
