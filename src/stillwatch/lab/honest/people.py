"""Single people: chat users, developers, families, testers, auditors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.lab import clock
from stillwatch.lab.emit import TOKENS, emit, turns
from stillwatch.lab.fitted import FITTED
from stillwatch.lab.identity import Cast, enroll, some
from stillwatch.lab.text.compose import human_text, transcripts
from stillwatch.lab.text.grammar import draw_mixed, glue
from stillwatch.lab.world import World

SIGMA = FITTED["volume"]["person_sigma"]


def talk(world: World, cast: Cast, rates: clock.Floats, **how: Any) -> None:
    """Ordinary conversations of a cast: also used as a campaign's cover."""
    for part in world.parts(rates):
        some_of = cast.take(part)
        who, ts, session = clock.people(
            world.rng, rates[part], some_of.tz, world.scenario.days, weekday=world.weekday, **how
        )
        if len(who):
            text = human_text(some_of.language[who], turns(session, ts), world.rng)
            emit(world, some_of, who, ts, text, session=session)


def code(world: World, cast: Cast, rates: clock.Floats) -> None:
    """Ordinary API development: bursts of calls over own material, often with an own system prompt."""
    for part in world.parts(rates):
        _code(world, cast.take(part), rates[part])


def _code(world: World, cast: Cast, rates: clock.Floats) -> None:
    rng = world.rng
    who, ts, session = clock.scripts(rng, rates, cast.tz, world.scenario.days, weekday=world.weekday)
    if len(who) == 0:
        return
    own = draw_mixed("backend_system", cast.language, rng, 1).to_pylist()
    systems = np.where(some(rng, len(cast), 0.55), world.coder("system_prompt").codes(own), -1)
    task = draw_mixed("dev", cast.language[who], rng, 2)
    stem = draw_mixed("edit_ask", cast.language, rng, 2).take(pa.array(who))
    fixed = some(rng, len(cast), 0.4)[who]
    body = draw_mixed("slot_prompt", cast.language[who], rng, 2)
    text = pc.if_else(pa.array(fixed), glue(stem, body, ""), task)
    bots = some(rng, len(cast), 0.25)[who]  # own chat clients that send the whole conversation each time
    turn = turns(session, ts)
    lines = human_text(cast.language[who], turn, rng)
    whole = transcripts(lines, draw_mixed("answer", cast.language[who], rng, 0), session, turn)
    text = pc.if_else(pa.array(bots), whole, text)
    emit(
        world,
        cast,
        who,
        ts,
        text,
        session=session,
        system=systems[who],
        dialogue=False,
        output=(TOKENS["api_output_mu"], TOKENS["api_output_sigma"]),
    )


def chat(world: World, n: int) -> None:
    """Chat users: heavy-tailed volumes, sessions, sleep, weekends."""
    cast = enroll(world, n, "honest:chat", web=0.8, datacentre=0.1)
    talk(world, cast, world.volumes(n, 2.2, SIGMA * 0.8, 250))


def developers(world: World, n: int) -> None:
    """API developers: scripts in bursts."""
    cast = enroll(world, n, "honest:developers", web=0.0, datacentre=0.4)
    code(world, cast, world.volumes(n, 3.0, FITTED["volume"]["client_sigma"] * 0.75, 900))


def families(world: World, n: int) -> None:
    """Families and friends: 2–5 accounts on one card, one device, one home address."""
    rng = world.rng
    group = np.arange(n) // 3
    language = world.languages(group[-1] + 1)[group] if n else np.zeros(0, dtype=np.int64)
    payment = world.token("pm_", n)
    device = world.token("dv_", n)
    cast = enroll(
        world,
        n,
        "honest:families",
        web=0.9,
        languages=language,
        datacentre=0.0,
        payment=[payment[g] for g in group],
        device=[device[g] if x < 0.6 else device[i] for i, (g, x) in enumerate(zip(group, rng.random(n), strict=True))],
    )
    cast.ips[:, 0] = cast.ips[group * 3, 0]
    talk(world, cast, world.volumes(n, 2.5, 1.2, 120))


def switchers(world: World, n: int) -> None:
    """People who move to a new model the day it comes out."""
    cast = enroll(world, n, "honest:switchers", web=0.5)
    release = world.scenario.release_day
    if release is not None:
        cast.switch[:] = release + world.rng.exponential(0.4, n)
    talk(world, cast, world.volumes(n, 4.0, 1.3, 200))


def red_team(world: World, n: int) -> None:
    """Safety researchers: extraction wording, many refusals, a programme, no scale-up, each alone."""
    rng = world.rng
    cast = enroll(
        world,
        n,
        "honest:red_team",
        web=0.1,
        programme=["security-research" if x < 0.8 else None for x in rng.random(n)],
    )
    rates = world.volumes(n, 12, 0.8, 120)
    for part in world.parts(rates):
        some_of = cast.take(part)
        who, ts, session = clock.scripts(rng, rates[part], some_of.tz, world.scenario.days, weekday=world.weekday)
        emit(
            world,
            some_of,
            who,
            ts,
            draw_mixed("redteam", some_of.language[who], rng, 3),
            session=session,
            refuse=0.55,
            dialogue=False,
            category="reasoning_extraction",
        )


def audit(world: World, n: int) -> None:
    """Explainability: a few accounts of one payer each ask for the reasons of their own decisions."""
    rng = world.rng
    group = np.arange(n) // 4
    org = world.token("org_", n, 8)
    cast = enroll(
        world,
        n,
        "honest:audit",
        web=0.0,
        org=[org[g] for g in group],
        payment=[p[:15] for p in (f"pm_{o[4:]}0000" for o in (org[g] for g in group))],
        email=[f"{org[g][4:]}.example" for g in group],
        verification=["business"] * n,
    )
    rates = world.volumes(n, 30, 0.7, 300)
    for part in world.parts(rates, together=4):
        some_of = cast.take(part)
        who, ts, session = clock.scripts(rng, rates[part], some_of.tz, world.scenario.days, weekday=world.weekday)
        own = draw_mixed("backend_system", some_of.language[::4], rng, 1).to_pylist()
        system = world.coder("system_prompt").codes(own)[who // 4]
        text = draw_mixed("audit", some_of.language[who], rng, 3)
        emit(world, some_of, who, ts, text, session=session, system=system, dialogue=False, output=(5.9, 0.6))
