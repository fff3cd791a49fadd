"""Identifiers as tokens: bound to purpose, epoch and kind, and refused where somebody could simply try them all."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from collections.abc import Iterable
from typing import NamedTuple

from stillwatch.domain.errors import InputError

KINDS = {
    "payment": "payment instrument, as a processor's fingerprint",
    "email": "verified mail address",
    "device": "device key",
    "template": "winnowing mark of a template",
    "access": "network prefix, day and TLS fingerprint together",
}
SMALL = {
    "address": "all of IPv4 is hashed in minutes on one core, so a peer could try every address",
    "network": "there are 16 million prefixes of 24 bits: a peer could try them all",
    "asn": "there are about 100,000 autonomous systems: a peer could try them all",
    "phone": "the numbers of a country are tried within minutes",
    "account": "account ids are often counted or guessed, and mean nothing at another provider",
    "country": "there are 200 of them",
}
"""Kinds that are refused, and why: whoever can list all values can ask about each."""
LEAST_CHARACTERS = 12
LEAST_HASH = 16
"""Digits that may be a hash which happens to have no letter."""
MOST_COUNTED, FEW = 0.01, 2
"""Share of a set that may look like numbers that are counted, and how many of any set: of hashes of 12 digits one in
three hundred has no letter."""
_DIGITS = re.compile(r"[0-9+ ()./:#-]*")
_MAC = re.compile(r"(?:[0-9A-Fa-f]{2}[:-]){5}[0-9A-Fa-f]{2}|(?:[0-9A-Fa-f]{4}\.){2}[0-9A-Fa-f]{4}")
_PORT = re.compile(r"(?:\[([^\]]*)\]|([0-9.]+))(?::[0-9]{1,5})?")
_DOTTED = re.compile(r"\s*[0-9]+\.[0-9./]+\s*")
_WORDS = re.compile(r"[^0-9A-Za-z.:/]+")
_MARK = re.compile(r"[0-9a-f]{16}")
_PURPOSE = re.compile(r"[a-z0-9][a-z0-9-]{2,63}")
_EPOCH = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])(-(0[1-9]|[12][0-9]|3[01]))?")


class Scope(NamedTuple):
    """What a match is about. Tokens of different scopes have nothing in common."""

    purpose: str
    """E.g. ``distillation-campaigns``; both sides name the same one."""
    epoch: str
    """A month or a day: what was asked in one epoch cannot be put together with another."""
    kind: str


def scope(purpose: str, epoch: str, kind: str) -> Scope:
    """Checked. :class:`InputError` with the reason for kinds that can be enumerated."""
    if kind in SMALL:
        raise InputError(f"identifiers of kind {kind!r} are refused: {SMALL[kind]}", remedy=_remedy())
    if kind not in KINDS:
        raise InputError(f"no kind {kind!r} of identifier", remedy=_remedy())
    if not _PURPOSE.fullmatch(purpose):
        raise InputError("--purpose is not a short name", remedy="lower-case letters, digits and hyphens")
    if not _EPOCH.fullmatch(epoch):
        raise InputError("--epoch is neither a month nor a day", remedy="e.g. 2026-11")
    return Scope(purpose, epoch, kind)


def _remedy() -> str:
    return f"take one of {', '.join(KINDS)}"


def why_small(value: str) -> str | None:
    """Why a value is not accepted, whatever its kind is said to be; None where it is.

    An address in other words (a name before it, a port behind it) is as easily tried out as the address.

    >>> why_small("ip=203.0.113.7:443"), why_small("+41 44 668 18 00"), why_small("pay_5f2c9d1e8a7b")
    ('is an address or a prefix', 'is a number that can be counted up to', None)
    """
    words = _WORDS.split(value)
    if _is_address(value) or (any(map(_is_address, words)) and _telling(words) < LEAST_CHARACTERS):
        return "is an address or a prefix"
    if _MAC.fullmatch(value):
        return "is a network card's address: half of it is its maker's"
    if _DIGITS.fullmatch(value) and (len(value) < LEAST_HASH or not value.isdigit() or _is_card(value)):
        return "is a number that can be counted up to"
    if len(value) < LEAST_CHARACTERS:
        return f"has fewer than {LEAST_CHARACTERS} characters"
    return None


def is_counted(value: str) -> bool:
    """Whether a value is a number, or a short word with a number: a card, a phone, a customer's number. One hash in a
    few hundred looks like that too, so that only many of them tell what a set is made of.

    >>> is_counted("customer-000017"), is_counted("visa 4111 1111 1111 1111"), is_counted("pay_5f2c9d1e8a7b")
    (True, True, False)
    """
    words = _WORDS.split(value)
    return any(_DIGITS.fullmatch(w) for w in words if w) and _telling(words) < LEAST_CHARACTERS


def _telling(words: list[str]) -> int:
    """Characters of the words that are neither addresses nor numbers."""
    return sum(len(w) for w in words if not (_is_address(w) or _DIGITS.fullmatch(w)))


def _is_card(digits: str) -> bool:
    """13 to 19 digits of which the last checks the others (ISO/IEC 7812-1, annex B)."""
    if not 13 <= len(digits) <= 19:
        return False
    doubled = [int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits))]
    return sum(d // 10 + d % 10 for d in doubled) % 10 == 0


def _is_address(text: str) -> bool:
    if ":" not in text and not _DOTTED.fullmatch(text):
        return False
    found = _PORT.fullmatch(text)
    for candidate in (text.strip(), (found[1] or found[2]) if found else ""):
        try:
            ipaddress.ip_network(candidate, strict=False)
            return True
        except ValueError:
            continue
    return False


def tokens(identifiers: Iterable[str], found: Scope) -> dict[str, str]:
    """Token → identifier, for distinct identifiers. :class:`InputError` names the line of a value that is refused.

    A token is a hash only so that both sides write it alike: it hides nothing that can be guessed.
    """
    out: dict[str, str] = {}
    counted: list[int] = []
    bound = f"stillwatch-match/1\n{found.purpose}\n{found.epoch}\n{found.kind}\n".encode()
    for number, identifier in enumerate(identifiers, start=1):
        value = identifier.strip().casefold() if found.kind == "email" else identifier.strip()
        if not value:
            continue
        if found.kind == "template":
            if not _MARK.fullmatch(value):
                raise InputError("is no mark of a template", where=f"identifier {number:,}", remedy="16 hex digits")
        elif why := why_small(value):
            raise InputError(f"{why}: a peer could try all of them", where=f"identifier {number:,}", remedy=_remedy())
        elif is_counted(value):
            counted.append(number)
        out[hashlib.sha256(bound + value.encode("utf-8", "surrogatepass")).hexdigest()] = value
    if len(counted) > max(FEW, MOST_COUNTED * len(out)):
        raise InputError(
            f"{len(counted):,} of {len(out):,} are numbers or a word with one: a peer could try all of them",
            where=f"identifier {counted[0]:,}",
            remedy=_remedy(),
        )
    return out
