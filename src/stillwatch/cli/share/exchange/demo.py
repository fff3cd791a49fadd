"""`stillwatch share demo`: three processes on loopback, two providers and a hub; a campaign that both saw in part."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import typer

from stillwatch.domain.errors import InputError
from stillwatch.lab.generate import generate
from stillwatch.lab.halves import split
from stillwatch.lab.scenario import dials, load

WORLD = {
    "honest": {"chat": 300, "developers": 140, "tool": 60, "backends": 30, "company": 30},
    "campaigns.0.accounts": 90,
    "campaigns.0.requests_per_account_day": 8,
    "campaigns.0.payment_sharing": 2,
}
STEP_S = 240
"""No command of the demo may take longer."""
LOOKS = 120
"""How often B looks for something new, a second apart."""
_PRINT = threading.Lock()


class Provider(NamedTuple):
    """One provider's directory, and how it is called."""

    letter: str
    place: Path
    token: Path
    url: str

    def say(self, text: str) -> None:
        with _PRINT:
            typer.echo("".join(f"[{self.letter}] {line}\n" for line in text.rstrip().splitlines()), nl=False)

    def run(self, *arguments: object, ok: tuple[int, ...] = (0,)) -> str:
        """One command of this provider, as a process of its own; its standard output."""
        words = [str(a) for a in arguments]
        shown = " ".join(f"'{w}'" if " " in w else w for w in words)
        self.say(f"$ stillwatch {shown.replace(str(self.place) + '/', '')}")
        done = subprocess.run(
            [sys.executable, "-m", "stillwatch", *words], capture_output=True, text=True, timeout=STEP_S, check=False
        )
        self.say(done.stdout + done.stderr)
        if done.returncode not in ok:
            raise InputError(f"the command ended with {done.returncode}", where=shown)
        return done.stdout

    def scan(self) -> None:
        self.run(
            "scan", self.place / "exchanges.parquet", "--accounts", self.place / "accounts.parquet",
            "--out", self.place / "case", "--quiet", ok=(3,),
        )  # fmt: skip

    def share(self) -> None:
        """Its own part of the campaign, to the hub."""
        log = ("--log", self.place / "exchanges.parquet", "--accounts", self.place / "accounts.parquet")
        bundle = self.place / "ours.json"
        self.run("share", "stix", self.place / "case", *log, "--out", bundle)
        self.push(bundle)

    def push(self, bundle: Path) -> None:
        self.run("share", "push", bundle, "--to", self.url, "--token-file", self.token)

    def pull(self, *more: object) -> None:
        self.run("share", "pull", "--from", self.url, "--out", self.place / "in", "--token-file", self.token, *more)


def demo(
    out: Path = typer.Option(Path("share-demo"), "--out", help="Directory to write."),
    seed: int = typer.Option(4, "--seed", help="The same seed gives the same world."),
) -> None:
    """A scans and pushes; B finds its part in its own log, a person confirms, B answers; the hub shows one campaign.

    Ends by itself, within minutes, and frees its port. Exit status 1: the campaign was not joined.
    """
    if out.exists():
        raise InputError("exists already", where=str(out), remedy="name a new --out, or remove it")
    scenario = dials(load("power-base"), WORLD)
    generate(scenario, seed, out / "world")
    split(out / "world", [out / "a", out / "b"])
    hub = Provider("hub", out / "hub", Path(), "")
    hub.run("share", "setup", hub.place, "--member", "provider_a", "--member", "provider_b", "--hub")
    with _serving(hub) as url, ThreadPoolExecutor(2) as both:
        tokens = hub.place / "tokens"
        a = Provider("A", out / "a", tokens / "provider_a.token", url)
        b = Provider("B", out / "b", tokens / "provider_b.token", url)
        for done in [both.submit(_publish, a), both.submit(_answer, b)]:
            done.result()
        a.pull()
        joined = [o for o in _pulled(a) if "joined-campaign" in o.get("labels", ())]
        for found in joined:
            a.say(f"{found['name']}\n{found['description']}")
        seen = json.loads(hub.run("share", "hub", hub.place / "server.yaml", "--json"))["joined"]
        hub.run("share", "hub", hub.place / "server.yaml")
    if not joined or [(j["providers"], len(j["campaigns"]), j["confirmed"]) for j in seen] != [(2, 2, 1)]:
        typer.echo("the campaign was NOT joined")
        raise typer.Exit(1)
    typer.echo(f"one campaign, seen by two providers, confirmed by a person; the hub has ended: {out}")


def _publish(a: Provider) -> None:
    a.scan()
    a.share()


def _answer(b: Provider) -> None:
    """B's part. In earnest the confirmation is a person's, who looked at the accounts."""
    b.scan()
    leads = b.place / "leads"
    for _ in range(LOOKS):
        b.pull()
        if any(o["type"] == "indicator" for o in _pulled(b)):
            break
        time.sleep(1)
    b.pull("--case", b.place / "case", "--log", b.place / "exchanges.parquet", "--leads", leads)
    found = json.loads((leads / "leads.json").read_bytes())["leads"]
    if not found:
        raise InputError("no lead was found", where=str(leads))
    words = ("--by", "Person at B", "--reason", "looked at ten accounts: the same template, the same prefixes")
    b.run("share", "confirm", leads, "--lead", found[0]["id"], *words)
    b.run("share", "sightings", leads, "--out", b.place / "sighting.json")
    b.push(b.place / "sighting.json")
    b.share()


def _pulled(who: Provider) -> Iterator[dict[str, Any]]:
    for path in sorted((who.place / "in").glob("pull-*.json")):
        yield from json.loads(path.read_bytes())["objects"]


@contextmanager
def _serving(hub: Provider) -> Iterator[str]:
    """The hub's process, from its first line to its end; then its port is free again."""
    words = [sys.executable, "-m", "stillwatch", "share", "serve", str(hub.place / "server.yaml"), "--hub"]
    with (hub.place / "log.txt").open("wb") as log, subprocess.Popen(words, stdout=subprocess.PIPE, stderr=log) as made:
        try:
            assert made.stdout is not None
            first = made.stdout.readline().decode().strip()
            hub.say(f"$ stillwatch share serve server.yaml --hub\n{first}")
            if not first.startswith("serving http"):
                raise InputError("the hub did not start", where=str(hub.place / "log.txt"))
            yield first.removeprefix("serving ")
        finally:
            made.terminate()
            try:
                made.wait(20)
            except subprocess.TimeoutExpired:
                made.kill()
    port = int(first.rsplit(":", 1)[1].partition("/")[0])
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", port))
