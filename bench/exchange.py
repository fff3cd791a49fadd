"""The exchange under load: a large campaign pushed and pulled, two hundred clients, and a hub that joins.

    python bench/exchange.py [--indicators 24000] [--clients 200] [--rounds 5] [--db URL]

The server is a process of its own on loopback; client and server share the machine. Prints Markdown: seconds by the
clock, and seconds of processor that the server took (read from /proc: Linux).
"""

from __future__ import annotations

import argparse
import asyncio
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import httpx

from sharing import LAST, large
from stillwatch.sharing.case import share_stix
from stillwatch.sharing.inbound.bundle import load_bundle
from stillwatch.sharing.stix.producer import Producer
from stillwatch.sharing.taxii.client import Client, Credentials
from stillwatch.sharing.taxii.media import TAXII
from stillwatch.sharing.taxii.pull import pull
from stillwatch.sharing.taxii.push import push

T = TypeVar("T")
MEMBERS = ("ann", "ben")


class Server:
    """The process, and what it costs."""

    def __init__(self, place: Path, url: str, pid: int) -> None:
        self.place, self.url, self._stat = place, url, Path(f"/proc/{pid}/stat")

    def credentials(self, who: str) -> Credentials:
        return Credentials((self.place / "tokens" / f"{who}.token").read_text().strip())

    def cpu(self) -> float:
        fields = self._stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def measured(self, work: Callable[[], T]) -> tuple[float, float, T]:
        """Seconds by the clock, seconds of the server's processor, and what came out."""
        began, used = time.perf_counter(), self.cpu()
        out = work()
        return time.perf_counter() - began, self.cpu() - used, out


@contextmanager
def serving(db: str | None) -> Iterator[Server]:
    command = [sys.executable, "-m", "stillwatch", "share"]
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "hub"
        members = [word for name in MEMBERS for word in ("--member", name)]
        subprocess.run([*command, "setup", place, *members, "--hub"], check=True, capture_output=True)
        options = ["--hub", "--quiet", *(["--db", db] if db else [])]
        with subprocess.Popen([*command, "serve", place / "server.yaml", *options], stdout=subprocess.PIPE) as made:
            assert made.stdout is not None
            try:
                yield Server(place, made.stdout.readline().decode().split()[1], made.pid)
            finally:
                made.terminate()


async def crowd(server: Server, clients: int, rounds: int) -> list[float]:
    """Seconds of each of ``clients`` × ``rounds`` requests for a page of a hundred objects, all clients at once."""
    headers = {"accept": TAXII, "authorization": f"Bearer {server.credentials('ben').secret}"}
    limits = httpx.Limits(max_connections=clients, max_keepalive_connections=clients)
    times: list[float] = []
    async with httpx.AsyncClient(headers=headers, limits=limits, timeout=300, trust_env=False) as http:
        root = server.url.replace("taxii2/", "exchange/")
        feeds = (await http.get(root + "collections/")).json()["collections"]
        others = next(c["id"] for c in feeds if not c["can_write"] and c["alias"] != "joined")
        path = f"{root}collections/{others}/objects/?match[type]=indicator&limit=100"

        async def one() -> None:
            for _ in range(rounds):
                began = time.perf_counter()
                answer = await http.get(path)
                if answer.status_code != 200 or len(answer.json()["objects"]) != 100:
                    raise SystemExit(f"an answer is not whole: {answer.status_code}")
                times.append(time.perf_counter() - began)

        await asyncio.gather(*(one() for _ in range(clients)))
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--indicators", type=int, default=24_000, help="in the bundle that is pushed")
    parser.add_argument("--clients", type=int, default=200, help="at the same time")
    parser.add_argument("--rounds", type=int, default=5, help="pages that each of them asks for")
    parser.add_argument("--db", help="postgresql://…; SQLite when absent")
    given = parser.parse_args()
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, max(soft, 4096)), hard))
    shared = large(given.indicators)
    print("| step | objects | s | server's CPU s |\n|---|---|---|---|")
    with serving(given.db) as server:
        for who in MEMBERS:
            bundle = load_bundle(share_stix(shared, Producer(who, "amber", LAST)), who)
            with Client(server.url, server.credentials(who)) as client:
                wall, cpu, done = server.measured(lambda c=client, b=bundle: push(c, b, (), lambda: None))  # type: ignore[misc]
            if done.failures:
                raise SystemExit(f"not everything was taken: {done.failures}")
            print(f"| {who} pushes | {done.accepted:,} | {wall:.1f} | {cpu:.1f} |")
        with Client(server.url, server.credentials("ben")) as client:
            wall, cpu, found = server.measured(lambda: pull(client, server.place / "in", None))
        print(f"| ben pulls, the hub joins | {sum(f.objects for f in found):,} | {wall:.1f} | {cpu:.1f} |")
        wall, cpu, times = server.measured(lambda: asyncio.run(crowd(server, given.clients, given.rounds)))
        print(f"| {given.clients} clients, {given.rounds} pages each | {100 * len(times):,} | {wall:.1f} | {cpu:.1f} |")
        middle, late = statistics.median(times), statistics.quantiles(times, n=20)[18]
        print(f"\n{len(times) / wall:.0f} pages a second; a page in {middle:.2f} s (median), {late:.2f} s (95 %)")


if __name__ == "__main__":
    main()
