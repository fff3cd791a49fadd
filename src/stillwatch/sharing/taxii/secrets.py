"""Secrets of members: made here, shown once, kept only as a salted scrypt hash (RFC 7914), compared in constant time.

A token is ``NAME.SECRET``; the same secret is the password of HTTP Basic. Checking one costs tens of milliseconds on
purpose, so what was found is remembered for the life of the process, under a key that dies with it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
import threading
from collections import OrderedDict
from collections.abc import Callable, Mapping

LOG_N, R, P = 14, 8, 1
_HASH = re.compile(r"scrypt\$(\d{1,2})\$(\d{1,2})\$(\d)\$([A-Za-z0-9_-]{22})\$([A-Za-z0-9_-]{43})", re.ASCII)
MOST_REMEMBERED = 4096


def new_secret(random: Callable[[int], bytes]) -> str:
    """256 bits."""
    return _text(random(32))


def hashed(secret: str, random: Callable[[int], bytes], log_n: int = LOG_N) -> str:
    """What is kept of a secret; each step of ``log_n`` doubles the cost of guessing and of checking."""
    salt = random(16)
    return f"scrypt${log_n}${R}${P}${_text(salt)}${_text(_scrypt(secret, salt, log_n, R, P))}"


def is_hash(text: str) -> bool:
    """Whether a text is a hash as :func:`hashed` writes it, with costs that this machine can bear."""
    found = _HASH.fullmatch(text)
    return found is not None and 10 <= int(found[1]) <= 18 and 1 <= int(found[2]) <= 16 and int(found[3]) >= 1


class Verifier:
    """Tells whether a secret is a member's. Thread-safe."""

    def __init__(self, hashes: Mapping[str, str], random: Callable[[int], bytes]) -> None:
        self._hashes = dict(hashes)
        # Checked for names that nobody has: as dear as a member's, and no secret fits it.
        costs = next(iter(self._hashes.values()), f"scrypt${LOG_N}${R}${P}$$").rsplit("$", 2)[0]
        self._nobody = f"{costs}${_text(random(16))}${_text(random(32))}"
        self._key = random(32)
        self._known: OrderedDict[bytes, bool] = OrderedDict()
        self._lock = threading.Lock()

    def recall(self, name: str, secret: str) -> bool | None:
        """What :meth:`check` found before, at no cost; None when it was not asked."""
        digest = self._digest(name, secret)
        with self._lock:
            known = self._known.get(digest)
            if known is not None:
                self._known.move_to_end(digest)
            return known

    def check(self, name: str, secret: str) -> bool:
        """True when the member has this secret. An unknown name takes as long as a wrong secret."""
        known = self.recall(name, secret)
        if known is not None:  # many asked at the same time, and one of them is through
            return known
        kept = self._hashes.get(name, "")
        right = _matches(secret, kept or self._nobody) and bool(kept)
        with self._lock:
            self._known[self._digest(name, secret)] = right
            while len(self._known) > MOST_REMEMBERED:
                self._known.popitem(last=False)
        return right

    def _digest(self, name: str, secret: str) -> bytes:
        return hmac.digest(self._key, f"{name}\0{secret}".encode("utf-8", "surrogatepass"), "sha256")


def _matches(secret: str, kept: str) -> bool:
    found = _HASH.fullmatch(kept)
    if found is None:
        return False
    salt, expected = _bytes(found[4]), _bytes(found[5])
    return hmac.compare_digest(_scrypt(secret, salt, int(found[1]), int(found[2]), int(found[3])), expected)


def _scrypt(secret: str, salt: bytes, log_n: int, r: int, p: int) -> bytes:
    data = secret.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(data, salt=salt, n=1 << log_n, r=r, p=p, maxmem=256 * r * (1 << log_n), dklen=32)


def _text(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode("ascii")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
