"""Who is asking (TAXII 2.1, 1.6.9 and 8.3.1): HTTP Basic, a bearer token, or the certificate of mutual TLS."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable

from stillwatch.sharing.taxii.errors import RefusedError
from stillwatch.sharing.taxii.secrets import Verifier
from stillwatch.sharing.taxii.settings import Member, Settings

REALM = "stillwatch exchange"
CHALLENGES = (
    ("www-authenticate", f'Basic realm="{REALM}", charset="UTF-8"'),
    ("www-authenticate", f'Bearer realm="{REALM}"'),
)
MOST_HEADER = 1024


class Access:
    """Finds the member behind a request. Thread-safe."""

    def __init__(self, settings: Settings, random: Callable[[int], bytes]) -> None:
        self._members = {m.name: m for m in settings.members}
        self._certificates = {m.certificate: m for m in settings.members if m.certificate}
        self._verifier = Verifier({m.name: m.secret for m in settings.members if m.secret}, random)

    def recall(self, authorization: str | None, certificate: bytes | None) -> Member | None:
        """The member, as far as that can be told without computing a hash; None when one must be computed.

        401 for everybody who is known to be none, in the same words whatever is wrong. ``certificate``: the client's,
        in DER, which the TLS layer has checked against the trusted authorities.
        """
        if authorization is None and certificate is not None:
            found = self._certificates.get(hashlib.sha256(certificate).hexdigest())
            if found is not None:
                return found
        name, secret = _credentials(authorization or "")
        known = self._verifier.recall(name, secret) if secret else False
        return None if known is None else self._member(name, known)

    def check(self, authorization: str | None) -> Member:
        """The same at the price of a hash, which is tens of milliseconds of a processor: call it in a thread."""
        name, secret = _credentials(authorization or "")
        return self._member(name, self._verifier.check(name, secret))

    def _member(self, name: str, right: bool) -> Member:
        if right and name in self._members:
            return self._members[name]
        raise RefusedError(
            401, "Say who you are: HTTP Basic, a bearer token, or a client certificate.", headers=CHALLENGES
        )


def _credentials(header: str) -> tuple[str, str]:
    """Name and secret of an Authorization header; empty when there are none."""
    scheme, _, value = header.strip().partition(" ")
    if len(header) > MOST_HEADER or not value:
        return "", ""
    if scheme.lower() in ("bearer", "token"):  # taxii2-client sends "Token"
        name, _, secret = value.strip().partition(".")
        return name, secret
    if scheme.lower() == "basic":
        try:
            text = base64.b64decode(value.strip(), validate=True).decode("utf-8")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        name, _, secret = text.partition(":")
        return name, secret
    return "", ""
