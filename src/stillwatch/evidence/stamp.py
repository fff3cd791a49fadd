"""Time from a third party: an RFC 3161 timestamp over the signed statement."""

from __future__ import annotations

import hashlib
import urllib.error
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from cryptography import x509
from rfc3161_client import (
    HashAlgorithm,
    TimestampRequestBuilder,
    TimeStampResponse,
    VerificationError,
    VerifierBuilder,
    decode_timestamp_response,
)

from stillwatch.domain.errors import InputError

MOST_BYTES = 1 << 20
WAIT_S = 30.0


class Stamp(NamedTuple):
    """A timestamp as read: when, and what is wrong with it ("" = nothing)."""

    at: datetime | None
    problem: str
    code: str


def request_stamp(url: str, data: bytes) -> bytes:
    """Ask a timestamping authority over HTTP. Returns the response as it came, checked to be about ``data``."""
    if not url.startswith(("http://", "https://")):
        raise InputError("the timestamping authority is not an http(s) address", where=url)
    asked = TimestampRequestBuilder().data(data).hash_algorithm(HashAlgorithm.SHA256).build()
    query = urllib.request.Request(url, asked.as_bytes(), {"Content-Type": "application/timestamp-query"})
    try:
        with urllib.request.urlopen(query, timeout=WAIT_S) as answer:
            found: bytes = answer.read(MOST_BYTES)
    except (OSError, urllib.error.URLError, ValueError) as exc:
        raise InputError(
            "the timestamping authority does not answer", where=url, remedy="try again, or seal without --tsa"
        ) from exc
    parsed = _parsed(found)
    if parsed is None or parsed.tst_info.message_imprint.message != hashlib.sha256(data).digest():
        raise InputError("the timestamping authority sent no timestamp of what it was asked", where=url)
    if asked.nonce is not None and parsed.tst_info.nonce != asked.nonce:
        raise InputError("the timestamping authority answered another request", where=url)
    return found


def read_stamp(response: bytes, data: bytes, roots: tuple[x509.Certificate, ...]) -> Stamp:
    """Check a stored response against what it must cover; without ``roots`` its signature is not checked."""
    parsed = _parsed(response)
    if parsed is None:
        return Stamp(None, "is not an RFC 3161 timestamp any more", "bad-timestamp")
    at = parsed.tst_info.gen_time.astimezone(UTC)
    if parsed.tst_info.message_imprint.message != hashlib.sha256(data).digest():
        return Stamp(at, "is a timestamp of something else: not of this statement", "stale-timestamp")
    if not roots:
        return Stamp(at, "", "")
    builder = VerifierBuilder()
    for root in roots:
        builder = builder.add_root_certificate(root)
    try:
        builder.build().verify_message(parsed, data)
    except (VerificationError, ValueError) as exc:
        return Stamp(at, f"is not vouched for by the given authority ({exc})", "bad-timestamp")
    return Stamp(at, "", "")


def _parsed(data: bytes) -> TimeStampResponse | None:
    try:
        found = decode_timestamp_response(data)
        _ = found.tst_info.gen_time
        return found
    except ValueError:
        return None


def authorities(path: Path) -> tuple[x509.Certificate, ...]:
    """Root certificates in PEM."""
    try:
        return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
    except (OSError, ValueError) as exc:
        raise InputError("holds no certificate in PEM", where=str(path)) from exc
