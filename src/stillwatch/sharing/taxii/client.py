"""Asking a TAXII 2.1 server: over verified TLS, within bounds, never sending a secret anywhere but to that server."""

from __future__ import annotations

import ssl
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urljoin

import httpx

from stillwatch import __version__
from stillwatch.domain.errors import InputError
from stillwatch.sharing.inbound.bundle import load_json
from stillwatch.sharing.inbound.limits import DEFAULT
from stillwatch.sharing.inbound.shapes import wrong_text
from stillwatch.sharing.taxii.media import HEEDS_TLP, MINE, TAXII

LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
WAIT_S = 60.0
ANSWER_S = 600.0
"""For a whole answer: a server that sends a byte a minute would keep us for ever."""
MOST_PAGES = 10_000
SAID = 300
"""Characters of a server's error that are shown."""


class Credentials(NamedTuple):
    """How to say who one is. ``secret`` is a token, or with ``user`` a password (HTTP Basic, 8.5.1)."""

    secret: str = ""
    user: str = ""
    certificate: Path | None = None
    key: Path | None = None
    authority: Path | None = None
    """Certificates (PEM) to trust instead of the system's."""


class Feed(NamedTuple):
    """One collection, as the server tells of it."""

    url: str
    id: str
    title: str
    can_read: bool
    can_write: bool
    mine: bool
    """Whether the server says that nobody but our own organisation writes to it."""


class Root(NamedTuple):
    """One API root."""

    url: str
    most_bytes: int
    """``max_content_length``"""
    tlp: bool
    """Whether it says that it shows objects to those only whom their TLP label admits."""


class Page(NamedTuple):
    """Objects of one answer, and when the last of them was added."""

    objects: list[Any]
    last_added: str


class Answer(NamedTuple):
    """One answer of a server."""

    status: int
    reason: str
    headers: httpx.Headers
    data: bytes


class Client:
    """A connection to the server at ``url``: its discovery address, an API root, or a collection."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        transport: httpx.BaseTransport | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        address = _address(url)
        self._clock = clock
        self._origin = (address.scheme, address.host, address.port)
        self._url = str(address)
        headers = {"accept": TAXII, "user-agent": f"stillwatch/{__version__}", "accept-encoding": "identity"}
        auth = (credentials.user, credentials.secret) if credentials.user else None
        if credentials.secret and not credentials.user:
            headers["authorization"] = f"Bearer {credentials.secret}"
        self._http = httpx.Client(
            headers=headers,
            auth=auth,
            verify=_trust(credentials),
            timeout=WAIT_S,
            follow_redirects=False,
            trust_env=False,
            transport=transport,
        )

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def feeds(self) -> tuple[Root, list[Feed]]:
        """The API root, and its collections, or the one that the address names."""
        path = httpx.URL(self._url).path
        if "/collections/" in path and not path.endswith("/collections/"):
            root = self._root(self._url[: self._url.rindex("/collections/") + 1])
            return root, [self._feed(root, self._json("GET", self._url))]
        root = self._root(self._default_root() if path.endswith("/taxii2/") else self._url)
        listed = self._json("GET", root.url + "collections/").get("collections", [])
        if not isinstance(listed, list):
            raise InputError("collections is not a list", where=root.url)
        return root, [self._feed(root, found) for found in listed]

    def pages(self, feed: Feed, added_after: str | None) -> Iterator[Page]:
        """What was added to a collection, oldest first."""
        query = {"added_after": added_after} if added_after else {}
        following: dict[str, str] = {}
        for _ in range(MOST_PAGES):
            answer = self._send("GET", feed.url + "objects/", params=query | following)
            found = self._read(answer, feed.url)
            objects = found.get("objects", [])
            if not isinstance(objects, list):
                raise InputError("objects is not a list", where=feed.url)
            last = answer.headers.get("x-taxii-date-added-last", "")
            yield Page(objects, last)
            if found.get("more") is not True:
                return
            before, token = dict(following), found.get("next")
            # Without a token, paging goes on from the last addition (TAXII 2.1, 3.5).
            following = {"next": token} if isinstance(token, str) and token else {"added_after": last}
            if following == before or not any(following.values()):
                raise InputError("the server says that there is more, but not where", where=feed.url)
        raise InputError(f"the server does not come to an end within {MOST_PAGES:,} pages", where=feed.url)

    def add(self, feed: Feed, envelope: bytes) -> dict[str, Any]:
        """Add objects; the status resource."""
        return self._json("POST", feed.url + "objects/", content=envelope, headers={"content-type": TAXII})

    def status(self, root: Root, name: str) -> dict[str, Any]:
        """A status resource again."""
        return self._json("GET", f"{root.url}status/{name}/")

    # -- one request ------------------------------------------------------------------------------------------------
    def _default_root(self) -> str:
        found = self._json("GET", self._url)
        roots = found.get("api_roots") or []
        chosen = found.get("default") or (roots[0] if isinstance(roots, list) and roots else None)
        if not isinstance(chosen, str):
            raise InputError("the server names no API root", where=self._url)
        url = httpx.URL(urljoin(self._url, chosen if chosen.endswith("/") else chosen + "/"))
        if (url.scheme, url.host, url.port) != self._origin:
            raise InputError(
                "the server's API root is at another server", where=self._url, remedy="name that server yourself"
            )
        return str(url)

    def _root(self, url: str) -> Root:
        found = self._json("GET", url)
        most = found.get("max_content_length")
        if not isinstance(most, int) or most < 1:
            raise InputError("is not the address of an API root", where=url)
        return Root(url, most, found.get(HEEDS_TLP) is True)

    def _feed(self, root: Root, found: Any) -> Feed:
        name = found.get("id") if isinstance(found, dict) else None
        if not isinstance(name, str) or not name.isascii() or not name.replace("-", "").isalnum():
            raise InputError("a collection has no id", where=root.url)
        title = found.get("title")
        title = title if isinstance(title, str) and not wrong_text(title) else name
        rights = (found.get("can_read") is True, found.get("can_write") is True, found.get(MINE) is True)
        return Feed(f"{root.url}collections/{name}/", name, title[:200], *rights)

    def _json(self, method: str, url: str, **more: Any) -> dict[str, Any]:
        return self._read(self._send(method, url, **more), url)

    def _send(self, method: str, url: str, **more: Any) -> Answer:
        """An answer, its body read within bounds."""
        try:
            with self._http.stream(method, url, **more) as answer:
                if answer.headers.get("content-encoding", "identity") != "identity":
                    raise InputError("the answer is packed, which we did not ask for", where=url)
                data, until = bytearray(), self._clock() + ANSWER_S
                for chunk in answer.iter_bytes():
                    data += chunk
                    if self._clock() > until:
                        raise InputError(f"the answer did not come within {ANSWER_S:.0f} seconds", where=url)
                    if len(data) > DEFAULT.bytes:
                        raise InputError(f"the answer is larger than {DEFAULT.bytes:,} bytes", where=url)
                return Answer(answer.status_code, answer.reason_phrase, answer.headers, bytes(data))
        except httpx.HTTPError as exc:
            reason = "its certificate is not trusted" if "CERTIFICATE" in str(exc).upper() else type(exc).__name__
            raise InputError(f"the server cannot be reached: {reason}", where=url) from exc

    def _read(self, answer: Answer, where: str) -> dict[str, Any]:
        if not 200 <= answer.status < 300:
            raise InputError(_said(answer), where=where)
        if not answer.headers.get("content-type", "").replace(" ", "").startswith("application/taxii+json"):
            raise InputError("the answer is not TAXII", where=where, remedy="is this the address of a TAXII server?")
        found = load_json(answer.data, where)
        if not isinstance(found, dict):
            raise InputError("the answer is not a TAXII resource", where=where)
        return found


def _address(url: str) -> httpx.URL:
    try:
        found = httpx.URL(url if url.endswith("/") else url + "/")
    except (httpx.InvalidURL, TypeError) as exc:
        raise InputError("is not an address", where=url[:200]) from exc
    if found.scheme not in ("https", "http") or not found.host or found.query or found.userinfo:
        raise InputError("is not the address of a server", remedy="https://HOST/taxii2/, secrets in a file")
    if found.scheme == "http" and found.host not in LOOPBACK:
        raise InputError("secrets and leads go over https only", where=found.host)
    return found


def _trust(given: Credentials) -> ssl.SSLContext:
    """Verification is never off; a private authority is named instead."""
    where = str(given.authority or given.certificate or "")
    try:
        context = ssl.create_default_context(cafile=str(given.authority) if given.authority else None)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        if given.certificate is not None:
            context.load_cert_chain(given.certificate, given.key)
    except (OSError, ssl.SSLError) as exc:
        raise InputError("certificate or key cannot be used", where=where) from exc
    return context


def _said(answer: Answer) -> str:
    """What a server says is wrong, fit to be shown."""
    try:
        found: Mapping[str, Any] = load_json(answer.data[:65_536], "")
        text = f"{found.get('title', '')}: {found.get('description', '')}".strip(": ")
    except (InputError, AttributeError):
        text = ""
    shown = text[:SAID] if text and not wrong_text(text) else answer.reason
    return f"the server answers {answer.status}: {shown}"
