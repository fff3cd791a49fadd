"""A server file to start from: a feed for each member, which all others may read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import msgspec
import yaml

from stillwatch.domain.errors import InputError
from stillwatch.sharing.taxii.secrets import hashed, new_secret
from stillwatch.sharing.taxii.serve import Effects
from stillwatch.sharing.taxii.settings import Collection, Hub, Member, Settings, problem_of

HEAD = """# A TAXII 2.1 server of Stillwatch; docs/sharing-server.md explains every entry.
# Secrets are hashed: `stillwatch share token NAME` makes a new one.
# A member without `shown_as` is never named to others.
"""


class Setup(NamedTuple):
    """The server file, and the tokens: member → token, to be handed over once."""

    text: str
    tokens: dict[str, str]


def new_server(title: str, members: Sequence[str], hub: bool, effects: Effects) -> Setup:
    """Fresh ids and secrets. Feeds are called by chance, so that their names do not tell whose they are."""
    secrets = {name: new_secret(effects.random) for name in members}
    ids = {name: effects.new_id() for name in members}
    everybody = tuple(members)
    feeds = [
        Collection(
            id=ids[name], title=f"Feed {ids[name][:4]}", alias=f"feed-{ids[name][:8]}", read=everybody, write=(name,)
        )
        for name in sorted(members, key=ids.__getitem__)
    ]
    joined = Collection(
        id=effects.new_id(),
        title="Joined campaigns",
        alias="joined",
        description="What the hub made of all feeds, for each member what its labels allow.",
        read=everybody,
    )
    settings = Settings(
        title=title,
        members=tuple(Member(name=n, secret=hashed(secrets[n], effects.random)) for n in members),
        collections=(*feeds, joined) if hub else tuple(feeds),
        hub=Hub(feeds=tuple(f.alias for f in feeds), joined="joined") if hub else None,
    )
    if problem := problem_of(settings):
        raise InputError(problem)
    return Setup(HEAD + _yaml(settings), {name: token(name, secrets[name]) for name in members})


def token(name: str, secret: str) -> str:
    """How a member shows its secret."""
    return f"{name}.{secret}"


def _yaml(settings: Settings) -> str:
    """Without what is empty or as it is by default."""
    found = msgspec.json.decode(msgspec.json.encode(settings))
    for entries in (found["members"], found["collections"]):
        entries[:] = [{k: v for k, v in entry.items() if v} for entry in entries]
    text: str = yaml.safe_dump({k: v for k, v in found.items() if v}, sort_keys=False, width=120)
    return text
