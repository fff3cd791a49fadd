"""The hub as an application: the TAXII server with the hub's hooks in it."""

from __future__ import annotations

from sqlalchemy import Engine
from starlette.types import ASGIApp

from stillwatch.sharing.hub.hub import HubOfMembers
from stillwatch.sharing.taxii.serve import Effects, build, open_store
from stillwatch.sharing.taxii.settings import Settings
from stillwatch.sharing.taxii.store import Store


def build_hub(settings: Settings, engine: Engine, effects: Effects) -> tuple[ASGIApp, Store, HubOfMembers]:
    """The application, the store under it and the hub in it."""
    store = open_store(settings, engine, effects)
    hub = HubOfMembers(settings, store, effects.clock)
    return build(settings, store, effects, hub.hooks()), store, hub
