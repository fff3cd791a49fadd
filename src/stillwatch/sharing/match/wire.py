"""The asking side's HTTPS: messages out, answers in, both bounded."""

from __future__ import annotations

import json
import ssl
from pathlib import Path
from types import TracebackType

import httpx

from stillwatch.domain.errors import InputError
from stillwatch.sharing.inbound.shapes import wrong_name
from stillwatch.sharing.match.envelope import MOST_BYTES

SECONDS = 900.0
"""A million identifiers take the other side minutes."""


class Wire:
    """A connection to the other side. ``authority``: certificates (PEM) that are believed instead of the system's."""

    def __init__(self, url: str, authority: Path | None) -> None:
        if not url.startswith("https://"):
            raise InputError("the other side is asked over HTTPS only", remedy="--url https://…")
        try:
            trust = ssl.create_default_context(cafile=None if authority is None else str(authority))
        except (OSError, ssl.SSLError) as exc:
            raise InputError("the certificates cannot be read", where=str(authority)) from exc
        self._url = url.rstrip("/")
        self._client = httpx.Client(verify=trust, timeout=SECONDS, follow_redirects=False, trust_env=False)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None) -> None:
        self._client.close()

    def post(self, step: str, message: bytes) -> bytes:
        """:class:`InputError` with the other side's reason, or with what went wrong on the way."""
        data = bytearray()
        try:
            with self._client.stream("POST", f"{self._url}/match/{step}", content=message) as answer:
                for part in answer.iter_bytes():
                    data += part
                    if len(data) > MOST_BYTES:
                        raise InputError(f"the answer has more than {MOST_BYTES:,} bytes", where=step)
        except httpx.HTTPError as exc:
            raise InputError(f"the other side cannot be asked ({type(exc).__name__})", where=step) from exc
        if answer.status_code != 200:
            raise InputError(f"the other side refuses: {_reason(bytes(data))}", where=step)
        return bytes(data)


def _reason(data: bytes) -> str:
    try:
        said = str(json.loads(data[:4_096])["error"])[:300]
    except (ValueError, KeyError, TypeError, RecursionError):
        return "no reason given"
    return "a reason that cannot be shown" if wrong_name(said) else said
