"""Load: two hundred clients at the same time on loopback lose nothing, neither what they write nor what they read."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import httpx

from tests.sharing.taxii.exchange import BOTH, TAXII, exchange, indicator, of, on_loopback, secret_of, stix_id

CLIENTS, ROUNDS, OBJECTS = 200, 2, 4
HEADERS = {"accept": TAXII, "content-type": TAXII}
PATH = of(BOTH) + "objects/"


def client(url: str) -> httpx.AsyncClient:
    limits = httpx.Limits(max_connections=CLIENTS + 2, max_keepalive_connections=CLIENTS + 2)
    base = url.removesuffix("/taxii2/")
    return httpx.AsyncClient(base_url=base, headers=HEADERS, limits=limits, timeout=300, trust_env=False)


async def write(http: httpx.AsyncClient, number: int, together: asyncio.Barrier) -> int:
    """One client: it waits until all are connected, then adds its objects. How many were taken."""
    who = ("alice", "bob")[number % 2]
    auth = (who, secret_of(who))
    assert (await http.get("/taxii2/", auth=auth)).status_code == 200
    await together.wait()
    taken = 0
    for step in range(ROUNDS):
        first = (number * ROUNDS + step) * OBJECTS
        objects = [indicator(first + n) for n in range(OBJECTS)]
        answer = await http.post(PATH, json={"objects": objects}, auth=auth)
        assert answer.status_code == 202, answer.text
        taken += int(answer.json()["success_count"])
    return taken


async def read(http: httpx.AsyncClient, done: asyncio.Event, *, by_date: bool) -> list[str]:
    """Reads page after page while others write, and once more after they ended."""
    found: list[str] = []
    query: dict[str, Any] = {"limit": "50"}
    while True:
        last = done.is_set()
        answer = await http.get(PATH, params=query, auth=("bob", secret_of("bob")))
        page = answer.json()
        found += [o["id"] for o in page.get("objects", [])]
        if by_date or not page.get("more"):
            query = {"limit": "50", "added_after": answer.headers["x-taxii-date-added-last"]}
        else:
            query["next"] = page["next"]
        if last and not page.get("more"):
            return found


async def everybody(url: str) -> tuple[list[int], list[list[str]]]:
    """How many objects each client got in, and what two readers found meanwhile."""
    together, done = asyncio.Barrier(CLIENTS), asyncio.Event()
    async with client(url) as http:
        readers = [asyncio.create_task(read(http, done, by_date=by_date)) for by_date in (True, False)]
        taken = await asyncio.gather(*(write(http, n, together) for n in range(CLIENTS)))
        done.set()
        return taken, await asyncio.gather(*readers)


def test_two_hundred_clients_lose_nothing(tmp_path: Path) -> None:
    with exchange(tmp_path) as made, on_loopback(made.app) as url:
        taken, pages = asyncio.run(everybody(url))
    assert taken == [ROUNDS * OBJECTS] * CLIENTS
    everything = {stix_id("indicator", n) for n in range(CLIENTS * ROUNDS * OBJECTS)}
    for found in pages:
        assert len(found) == len(everything)
        assert set(found) == everything
