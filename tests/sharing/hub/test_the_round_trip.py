"""End to end, through the real commands: A scans and pushes; B pulls, finds its part, confirms, answers; the hub joins.

Everything that went over the wire is written down, and searched for what must never go over it.
"""

from __future__ import annotations

import json
import logging
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pyarrow.parquet as pq
import pytest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from stillwatch.kernels.hashing import hash_strings
from stillwatch.sharing.hub.serving import build_hub
from stillwatch.sharing.taxii.database import open_database
from stillwatch.sharing.taxii.settings import read_settings
from tests.sharing.conftest import CANARY, Provider, stillwatch
from tests.sharing.taxii.exchange import Clock, effects, on_loopback


class Recorder:
    """An application around another that writes down every byte of every request and answer, secrets apart."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self.data = bytearray()
        self.requests = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.requests += 1
        self.data += scope["raw_path"] + b"?" + scope["query_string"] + b"\n"
        for name, value in scope["headers"]:
            self.data += b"" if name == b"authorization" else name + b": " + value + b"\n"

        async def heard() -> Message:
            message = await receive()
            self.data += message.get("body", b"")
            return message

        async def said(message: Message) -> None:
            self.data += b"".join(n + b": " + v + b"\n" for n, v in message.get("headers", []))
            self.data += message.get("body", b"")
            await send(message)

        await self._app(scope, heard, said)


class Trip(NamedTuple):
    """What was left after the round trip."""

    transcript: str
    requests: int
    log: str
    database: bytes
    joined: dict[str, Any]
    told: list[dict[str, Any]]
    tokens: list[str]
    decisions: str


@pytest.fixture(scope="module")
def trip(providers: tuple[Provider, Provider], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trip]:
    a, b = providers
    out = tmp_path_factory.mktemp("hub")
    place, database = out / "hub", out / "hub" / "exchange.sqlite"
    stillwatch("share", "setup", place, "--member", "provider_a", "--member", "provider_b", "--hub")
    given = read_settings(place / "server.yaml")
    engine = open_database(f"sqlite:///{database}")
    recorder = Recorder(build_hub(given, engine, effects(Clock()))[0])
    lines: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: lines.append(record.getMessage())  # type: ignore[method-assign]
    logger = logging.getLogger("stillwatch.taxii")
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG)
    with on_loopback(recorder) as url:
        tokens = {p.name: place / "tokens" / f"provider_{p.name[-1].lower()}.token" for p in providers}

        def push(who: Provider, bundle: Path) -> None:
            stillwatch("share", "push", bundle, "--to", url, "--token-file", tokens[who.name])

        def pull(who: Provider, *more: object) -> Path:
            folder = out / f"in-{who.name[-1]}"
            stillwatch("share", "pull", "--from", url, "--out", folder, "--token-file", tokens[who.name], *more)
            return folder

        stillwatch("share", "stix", a.case, *a.options, "--out", out / "a.json")
        push(a, out / "a.json")
        leads = out / "leads"
        pull(b, "--case", b.case, "--log", b.log, "--leads", leads)
        (lead, *_) = json.loads((leads / "leads.json").read_bytes())["leads"]
        assert lead["strength"] == "two kinds"
        assert not (leads / "decisions.ndjson").exists()
        stillwatch("share", "confirm", leads, "--lead", lead["id"], "--by", "Jo Doe", "--reason", "seen by hand")
        stillwatch("share", "sightings", leads, "--out", out / "sighting.json")
        push(b, out / "sighting.json")
        stillwatch("share", "stix", b.case, *b.options, "--out", out / "b.json")
        push(b, out / "b.json")
        folder = pull(a)
    logger.removeHandler(handler)
    engine.dispose()
    shown = json.loads(stillwatch("share", "hub", place / "server.yaml", "--json"))
    told = [o for path in sorted(folder.glob("pull-*.json")) for o in json.loads(path.read_bytes())["objects"]]
    with sqlite3.connect(database) as db:  # one file, with what was still in its write-ahead log
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    yield Trip(
        recorder.data.decode("utf-8"),
        recorder.requests,
        "\n".join(lines),
        database.read_bytes(),
        shown,
        told,
        [path.read_text().strip() for path in tokens.values()],
        (leads / "decisions.ndjson").read_text(),
    )


def test_the_hub_shows_one_campaign_of_two_providers(trip: Trip) -> None:
    (joined,) = trip.joined["joined"]
    assert (joined["providers"], len(joined["campaigns"]), joined["confirmed"]) == (2, 2, 1)
    (match,) = joined["matches"]
    assert match["work"] >= 3
    assert match["place"] >= 1


def test_provider_a_is_told_of_it_and_of_the_sighting(trip: Trip) -> None:
    (joined,) = [o for o in trip.told if "joined-campaign" in o.get("labels", ())]
    assert joined["labels"][1:] == ["providers:2", "parts:2", "confirmed-by:1"]
    (seen,) = [o for o in trip.told if o["type"] == "sighting" and o["sighting_of_ref"] == joined["id"]]
    assert seen["count"] == 1
    ours = {c for j in trip.joined["joined"] for c in j["campaigns"]}
    answered = [o for o in trip.told if o["type"] == "sighting" and o["sighting_of_ref"] in ours]
    assert len(answered) == 2  # B's answer about A's campaign, and B's own about its own


def test_a_person_confirmed_and_nothing_of_that_left_the_house(trip: Trip) -> None:
    assert "Jo Doe" in trip.decisions
    for text in (trip.transcript, trip.log, trip.database.decode("latin-1")):
        assert "jo doe" not in text.casefold()
        assert "seen by hand" not in text.casefold()


def test_no_canary_and_no_address_went_over_the_wire_or_stayed_at_the_hub(
    trip: Trip, providers: tuple[Provider, Provider]
) -> None:
    assert trip.requests >= 15
    assert len(trip.transcript) > 100_000
    kept = trip.database.decode("latin-1")
    assert "adversarial-distillation" in kept
    addresses: set[str] = set()
    for provider in providers:
        addresses |= set(pq.read_table(provider.log)["client_ip"].to_pylist())
        addresses |= set(pq.read_table(provider.accounts)["signup_ip"].to_pylist())
    addresses.discard(None)  # type: ignore[arg-type]
    assert len(addresses) > 500
    for text in (trip.transcript, kept, trip.log):
        assert CANARY not in text.casefold()
        assert not [x for x in addresses if f"'{x}'" in text or f'"{x}"' in text or f" {x} " in text]


def test_no_id_of_a_case_and_no_hash_of_an_account_went_over_the_wire(
    trip: Trip, providers: tuple[Provider, Provider]
) -> None:
    for provider in providers:
        hashes = hash_strings(pq.read_table(provider.case / "accounts.parquet")["account_id"])
        ids = {c["id"] for c in json.loads((provider.case / "campaigns.json").read_bytes())["campaigns"]}
        for text in (trip.transcript, trip.database.decode("latin-1")):
            assert not [name for name in ids if name in text]
            assert not [h for h in hashes if f"{int(h):016x}" in text]


def test_no_secret_is_in_the_transcript_the_log_or_the_database(trip: Trip) -> None:
    for token in trip.tokens:
        secret = token.partition(".")[2]
        assert len(secret) >= 43
        for text in (trip.transcript, trip.log, trip.database.decode("latin-1")):
            assert secret not in text
    assert "provider_a" not in trip.transcript
    assert "provider_b" not in trip.transcript


def test_an_unnamed_provider_is_not_named_to_the_other(trip: Trip) -> None:
    assert "Undisclosed" not in json.dumps(trip.told)
    assert "A member of this exchange" in json.dumps(trip.told)
