"""A TAXII server for tests: in this process without a network, or on loopback under uvicorn."""

from __future__ import annotations

import asyncio
import itertools
import random
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import uvicorn
from sqlalchemy import Engine
from starlette.types import ASGIApp

from stillwatch.sharing.taxii.database import open_database
from stillwatch.sharing.taxii.endpoints import Hooks
from stillwatch.sharing.taxii.secrets import hashed
from stillwatch.sharing.taxii.serve import Effects, Tls, build, make_server, open_socket, open_store, url_of
from stillwatch.sharing.taxii.settings import Collection, Member, Settings

TAXII = "application/taxii+json;version=2.1"
BOTH = "91a7b528-80eb-42ed-a74d-c6fbd5a26116"
READ_ONLY = "52892447-4d7e-4f70-b94d-d7f22742ff63"
WRITE_ONLY = "3c6a0ba4-0d0b-4a2e-8b7a-0c5d11c9b7a1"
NEITHER = "a1b2c3d4-5e6f-4a7b-8c9d-0e1f2a3b4c5d"
HIDDEN = "d2b7f0de-7b1c-4f42-9c53-6a1d1c0d6c11"
START_US = 1_700_000_000_000_000
NAMES = ("alice", "bob", "carol")


class Chance:
    """Seeded randomness."""

    def __init__(self, seed: int = 7) -> None:
        self._random = random.Random(seed)

    def bytes(self, count: int) -> bytes:
        return self._random.randbytes(count)

    def uuid(self) -> str:
        return str(uuid.UUID(bytes=self._random.randbytes(16), version=4))


class Clock:
    """Time that stands still until it is moved; microseconds since the epoch."""

    def __init__(self, now: int = START_US) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


def effects(clock: Clock | None = None) -> Effects:
    chance = Chance()
    return Effects(clock or Clock(), chance.bytes, chance.uuid)


def secret_of(name: str) -> str:
    return f"secret-of-{name}"


HASHES = {name: hashed(secret_of(name), Chance(3).bytes, log_n=10) for name in NAMES}


def settings(**changes: Any) -> Settings:
    """alice has every combination of rights over the collections; bob reads and writes, carol has nothing."""
    members = tuple(Member(name=name, secret=HASHES[name]) for name in NAMES)
    base: dict[str, Any] = {
        "title": "Test exchange",
        "contact": "test@example.org",
        "members": members,
        "collections": (
            Collection(id=BOTH, title="Both", alias="both", read=("alice", "bob"), write=("alice", "bob")),
            Collection(id=READ_ONLY, title="Read", read=("alice",), write=("bob",)),
            Collection(id=WRITE_ONLY, title="Write", read=("bob",), write=("alice",)),
            Collection(id=NEITHER, title="Neither", listed=True, read=("bob",), write=("bob",)),
            Collection(id=HIDDEN, title="Hidden", read=("bob",), write=("bob",)),
        ),
    }
    return Settings(**(base | changes))


class Exchange:
    """A server without a network: requests go straight to the application."""

    def __init__(self, app: ASGIApp, clock: Clock, engine: Engine) -> None:
        self.app, self.clock, self.engine = app, clock, engine

    def request(
        self,
        method: str,
        path: str,
        *,
        who: str | None = "alice",
        headers: dict[str, str] | None = None,
        **more: Any,
    ) -> httpx.Response:
        async def ask() -> httpx.Response:
            transport = httpx.ASGITransport(app=self.app)
            auth = (who, secret_of(who)) if who else None
            async with httpx.AsyncClient(transport=transport, base_url="https://exchange.example") as client:
                client.headers["accept"] = TAXII
                return await client.request(method, path, headers=headers, auth=auth, **more)

        return asyncio.run(ask())

    def get(self, path: str, **more: Any) -> httpx.Response:
        return self.request("GET", path, **more)

    def post(self, collection: str, objects: list[Any], **more: Any) -> httpx.Response:
        headers = {"content-type": TAXII} | more.pop("headers", {})
        envelope = {"objects": objects} | more.pop("envelope", {})
        return self.request("POST", of(collection) + "objects/", json=envelope, headers=headers, **more)

    def ids(self, path: str, **more: Any) -> list[str]:
        return [o["id"] for o in self.get(path, **more).json().get("objects", [])]


def of(collection: str) -> str:
    return f"/exchange/collections/{collection}/"


@contextmanager
def exchange(
    folder: Path,
    given: Settings | None = None,
    *,
    hooks: Hooks | None = None,
    url: str = "",
    clock: Clock | None = None,
) -> Iterator[Exchange]:
    """A fresh server over a fresh database."""
    clock = clock or Clock()
    engine = open_database(url or f"sqlite:///{folder / 'exchange.sqlite'}")
    try:
        given, world = given or settings(), effects(clock)
        app = build(given, open_store(given, engine, world), world, hooks)
        yield Exchange(app, clock, engine)
    finally:
        engine.dispose()


@contextmanager
def on_loopback(app: ASGIApp, tls: Tls | None = None) -> Iterator[str]:
    """The application under uvicorn, in a thread, on a free port; yields the discovery address."""
    sock = open_socket("127.0.0.1", 0)
    server = make_server(app, tls)
    ready = threading.Event()

    class Ready(uvicorn.Server):
        async def startup(self, sockets: Any = None) -> None:
            await super().startup(sockets)
            ready.set()

    server.__class__ = Ready
    server.capture_signals = _no_signals  # type: ignore[method-assign]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [sock]}, daemon=True)
    thread.start()
    try:
        assert ready.wait(30)
        yield url_of(sock, tls)
    finally:
        server.should_exit = True
        thread.join(30)
        sock.close()
        assert not thread.is_alive()


@contextmanager
def _no_signals() -> Iterator[None]:
    yield


_numbers = itertools.count(1)


def stix_id(kind: str, number: int) -> str:
    return f"{kind}--{uuid.UUID(int=number, version=4)}"


def indicator(number: int | None = None, *, modified: str = "2024-01-01T00:00:00.000Z", **more: Any) -> dict[str, Any]:
    """A valid indicator."""
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": stix_id("indicator", next(_numbers) + 10_000 if number is None else number),
        "created": "2024-01-01T00:00:00.000Z",
        "modified": modified,
        "pattern": "[ipv4-addr:value = '192.0.2.7']",
        "pattern_type": "stix",
        "valid_from": "2024-01-01T00:00:00Z",
        **more,
    }
