"""A hub of three members, in this process: ann is named to others, ben and cat are not."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from stillwatch.sharing.hub.hub import HubOfMembers
from stillwatch.sharing.hub.serving import build_hub
from stillwatch.sharing.taxii.database import open_database
from stillwatch.sharing.taxii.settings import Collection, Hub, Member, Settings
from tests.sharing.taxii.exchange import Chance, Clock, Exchange, effects, hashed, secret_of

NAMES = ("ann", "ben", "cat")
FEEDS = {name: str(uuid.UUID(int=n, version=4)) for n, name in enumerate(NAMES, 1)}
JOINED = str(uuid.UUID(int=99, version=4))


class HubExchange(Exchange):
    """The hub, and shorter words for what its members do."""

    hub: HubOfMembers

    def publish(self, who: str, objects: list[dict[str, Any]], *recipients: str) -> None:
        envelope = {"x_stillwatch_recipients": list(recipients)} if recipients else {}
        done = self.post(FEEDS[who], objects, who=who, envelope=envelope)
        assert done.json()["failure_count"] == 0, done.text

    def feed(self, whose: str, reader: str, query: str = "") -> list[dict[str, Any]]:
        found = self.get(f"/exchange/collections/{FEEDS[whose]}/objects/{query}", who=reader).json()
        return list(found.get("objects", []))

    def page(self, whose: str, reader: str, what: str) -> tuple[bytes, dict[str, str]]:
        """Everything of an answer: body and headers."""
        answer = self.get(f"/exchange/collections/{FEEDS[whose]}/{what}", who=reader)
        return answer.content, dict(answer.headers)

    def told(self, who: str) -> list[dict[str, Any]]:
        """What the hub tells a member, without identities and what was revoked."""
        found = self.get(f"/exchange/collections/{JOINED}/objects/", who=who).json().get("objects", [])
        return [o for o in found if o["type"] != "identity" and not o.get("revoked")]

    def joined(self, who: str) -> list[dict[str, Any]]:
        return [o for o in self.told(who) if o["type"] == "campaign"]


def hub_settings(**changes: Any) -> Settings:
    secrets = {name: hashed(secret_of(name), Chance(3).bytes, log_n=10) for name in NAMES}
    shown = {"ann": "Ann's models"}
    feeds = [
        Collection(id=FEEDS[n], title=f"Feed {i}", alias=f"feed-{i}", read=NAMES, write=(n,))
        for i, n in enumerate(NAMES)
    ]
    base: dict[str, Any] = {
        "title": "Test hub",
        "members": tuple(Member(name=n, secret=secrets[n], shown_as=shown.get(n, "")) for n in NAMES),
        "collections": (*feeds, Collection(id=JOINED, title="Joined", alias="joined", read=NAMES)),
        "hub": Hub(feeds=tuple(f.alias for f in feeds), joined="joined"),
    }
    return Settings(**(base | changes))


def make_hub(place: Path, clock: Clock) -> HubExchange:
    engine = open_database(f"sqlite:///{place}")
    app, _, hub = build_hub(hub_settings(), engine, effects(clock))
    made = HubExchange(app, clock, engine)
    made.hub = hub
    return made


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[HubExchange]:
    made = make_hub(tmp_path / "hub.sqlite", Clock())
    yield made
    made.engine.dispose()
