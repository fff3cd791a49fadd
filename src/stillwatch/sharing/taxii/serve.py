"""Putting the server on the network: one socket, TLS where a certificate is given, an end on SIGTERM."""

from __future__ import annotations

import logging
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import uvicorn
from sqlalchemy import Engine
from starlette.types import ASGIApp

from stillwatch.domain.errors import InputError
from stillwatch.sharing.taxii.access import Access
from stillwatch.sharing.taxii.app import make_app
from stillwatch.sharing.taxii.body import Bodies
from stillwatch.sharing.taxii.endpoints import Endpoints, Hooks
from stillwatch.sharing.taxii.settings import Settings
from stillwatch.sharing.taxii.statuses import Statuses
from stillwatch.sharing.taxii.store import Store
from stillwatch.sharing.taxii.wire import Connection

MOST_CONNECTIONS = 1000
MOST_HEAD = 64 << 10
"""Bytes of a request's head: five hundred ids in ``match[id]`` take a third of it."""
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class Effects(NamedTuple):
    """The world, handed in: microseconds since the epoch, random bytes, fresh UUIDs."""

    clock: Callable[[], int]
    random: Callable[[int], bytes]
    new_id: Callable[[], str]


class Tls(NamedTuple):
    """Files in PEM. With ``client_ca``, clients may show a certificate of these authorities."""

    certificate: Path
    key: Path
    client_ca: Path | None = None
    required: bool = False
    """Whether a client without a certificate is turned away."""

    def context(self) -> ssl.SSLContext:
        """TLS 1.2 and later with forward secrecy (TAXII 2.1, 8.2.2). :class:`InputError` for unusable files."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE+AESGCM:ECDHE+CHACHA20")  # none of RFC 7540, appendix A
        where = self.certificate
        try:
            context.load_cert_chain(self.certificate, self.key)
            if self.client_ca is not None:
                where = self.client_ca
                context.load_verify_locations(self.client_ca)
                context.verify_mode = ssl.CERT_REQUIRED if self.required else ssl.CERT_OPTIONAL
        except (OSError, ssl.SSLError) as exc:
            raise InputError("certificate or key cannot be used", where=str(where)) from exc
        return context


def build(settings: Settings, store: Store, effects: Effects, hooks: Hooks | None = None) -> ASGIApp:
    """The application over a store."""
    return make_app(
        Endpoints(
            settings,
            Access(settings, effects.random),
            store,
            Statuses(store.engine, effects.clock, effects.new_id),
            Bodies(settings.max_content_length),
            hooks or Hooks(),
        )
    )


def open_store(settings: Settings, engine: Engine, effects: Effects) -> Store:
    """The store of a server's collections."""
    return Store(engine, [c.id for c in settings.collections], effects.clock)


def open_socket(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes any that is free."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    found = socket.socket(family, socket.SOCK_STREAM)
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        found.bind((host, port))
    except OSError as exc:
        found.close()
        raise InputError(f"port {port} cannot be used", where=host, remedy="--port 0 takes a free one") from exc
    return found


def make_server(app: ASGIApp, tls: Tls | None) -> uvicorn.Server:
    """uvicorn, with nothing of it that logs requests; its own lines go to the log of this package."""
    config = uvicorn.Config(
        app,
        http=Connection,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        server_header=False,
        limit_concurrency=MOST_CONNECTIONS,
        timeout_keep_alive=15,
        timeout_graceful_shutdown=5,
        backlog=2048,
        h11_max_incomplete_event_size=MOST_HEAD,
        proxy_headers=False,
    )
    config.load()
    if tls is not None:
        config.ssl = tls.context()
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    return uvicorn.Server(config)


def url_of(found: socket.socket, tls: Tls | None) -> str:
    """Where the server is reached."""
    host, port = found.getsockname()[:2]
    return f"{'https' if tls else 'http'}://{f'[{host}]' if ':' in host else host}:{port}/taxii2/"
