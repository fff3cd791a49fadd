"""Crowds without a centre: classes, hackathons, users of popular tools, a viral prompt."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.lab import clock, network
from stillwatch.lab.clock import DAY, HOUR
from stillwatch.lab.emit import TOKENS, emit
from stillwatch.lab.fitted import FITTED
from stillwatch.lab.honest.people import talk
from stillwatch.lab.identity import Cast, enroll, some
from stillwatch.lab.text.compose import habits
from stillwatch.lab.text.grammar import LANGUAGES, draw_mixed, glue, grammar
from stillwatch.lab.world import World


def classroom(world: World, n: int) -> None:
    """Classes of about 30: the same exercise in the same lesson, then little."""
    rng = world.rng
    room = np.arange(n) // 30
    language = world.languages(n)[room * 30]
    school = network.residential(rng, n)[room * 30]
    mail = world.token("", n, 6)
    home = network.residential(rng, n, language * 7)
    cast = enroll(
        world,
        n,
        "honest:classroom",
        web=0.95,
        languages=language,
        programme=["education" if x < 0.9 else None for x in rng.random(n)],
        email=[f"edu-{mail[r]}.example" for r in room],
        ips=np.stack([school, school, home], axis=1),
        vpn=0.0,
        plan=["free"] * n,
    )
    cast.tz[:] = cast.tz[room * 30]
    lessons = max(1, round(world.scenario.days * 0.7))
    for _ in range(lessons):
        at = (rng.integers(0, max(1, int(world.scenario.days)), n) * 24 + (rng.integers(8, 16, n) - cast.tz) % 24)[
            room * 30
        ] * HOUR
        tasks = draw_mixed("exercise", language, rng, 3).take(pa.array(room * 30))
        there = np.flatnonzero(some(rng, n, 0.85))
        ts = (at + rng.gamma(2, 150, n) * clock.SECOND).astype(np.int64)[there]
        emit(world, cast, there, ts, habits(tasks.take(pa.array(there)), rng, 0.2))
    talk(world, cast, world.volumes(n, 1.2, 0.8, 20))


def hackathon(world: World, n: int) -> None:
    """Hackathon cohorts: sign-ups in one evening, starter kit, venue address, programme; each team builds its own."""
    rng = world.rng
    event = np.arange(n) // 120
    day = rng.uniform(-0.6, max(0.1, world.scenario.days - 0.8), n)[event * 120]
    created = (world.start + day * DAY + rng.gamma(2, 1.2, n) * HOUR).astype(np.int64)
    venue = network.residential(rng, n)[event * 120]
    dorm = network.residential(rng, n)
    cast = enroll(
        world,
        n,
        "honest:hackathon",
        web=0.05,
        created=created,
        programme=["startup" if x < 0.7 else "trial" for x in rng.random(n)],
        ips=np.stack([venue, venue + 1, np.where(some(rng, n, 0.5), dorm, venue)], axis=1),
        signup_ip=venue,
        payment=[None] * n,
    )
    cast.clients[:] = np.where(some(rng, n, 0.7), cast.clients[event * 120, 0], cast.clients[:, 0])[:, None]
    kit = world.coder("system_prompt").codes(grammar("en").draw("starter_system", n, rng, 3).to_pylist())[event * 120]
    own = world.coder("system_prompt").codes(grammar("en").draw("hackathon_system", n, rng, 3).to_pylist())
    system = np.where(some(rng, n, 0.6), kit, own)
    rates = world.volumes(n, 18, 0.9, 250)
    for part in world.parts(rates):
        team = cast.take(part)
        who, at, session = clock.people(
            rng, rates[part], team.tz, world.scenario.days, weekday=world.weekday, length=1.3
        )
        ts = ((team.created - world.start)[who] + at * 0.35 + 0.5 * HOUR).astype(np.int64)
        text = habits(draw_mixed("dev", team.language[who], rng, 2), rng)
        emit(world, team, who, ts, text, session=session, system=system[part][who])


def _tool_users(world: World, n: int, role: str) -> tuple[Cast, clock.Ints]:
    """Strangers with the same open-source tool: one client string per version, own payers, own places."""
    rng = world.rng
    cast = enroll(world, n, role, web=0.0, datacentre=0.15)
    tool = np.arange(n) // 400
    version = np.minimum(rng.geometric(0.5, n) - 1, 3)
    cast.clients[:] = (30 + (tool * 5 + version) % 40)[:, None]
    names = network.tls(np.random.default_rng(3), cast.clients[:, 0])
    cast.tls[:] = np.where(some(rng, n, 0.85), world.coder("tls_fingerprint").codes([*names]), cast.tls)
    cast.temperature[:] = np.where(some(rng, n, 0.9), 0.2 * (tool % 4), cast.temperature)
    return cast, tool


def tool(world: World, n: int) -> None:
    """An open-source agent with hundreds of users: one system prompt, one tool schema, everybody's own content."""
    rng = world.rng
    cast, which = _tool_users(world, n, "honest:tool")
    schemas = world.coder("tool_schema_hash").codes([*world.token("ts_", n, 16)])
    cast.schema[:], cast.tools[:] = schemas[which], 5 + which % 7
    prompts = world.coder("system_prompt").codes(grammar("en").draw("tool_system", n, rng, 3).to_pylist())
    gap = (FITTED["gap"]["agent_mu"], FITTED["gap"]["agent_sigma"])
    rates = world.volumes(n, 8, 1.2, 400)
    output = (TOKENS["agent_output_mu"], TOKENS["agent_output_sigma"])
    for part in world.parts(rates):
        users, system = cast.take(part), prompts[which[part]]
        who, ts, session = clock.people(
            rng, rates[part], users.tz, world.scenario.days, weekday=world.weekday, length=1.8, gap=gap
        )
        asks = some(rng, len(who), 0.35)
        asked = draw_mixed("chat", users.language[who], rng, 2)
        text = pc.if_else(pa.array(asks), asked, draw_mixed("tool_result", users.language[who], rng, 3))
        emit(
            world, users, who, ts, text, session=session, system=system[who], output=output, context=(8.0, 0.9)
        )  # fmt: skip


def template_tool(world: World, n: int) -> None:
    """A tool whose user prompt is a template with slots (commit messages, translation): strangers send alike texts."""
    rng = world.rng
    cast, which = _tool_users(world, n, "honest:template_tool")
    head = grammar("en").draw("tool_system", n, rng, 3).take(pa.array(which))
    rates = world.volumes(n, 6, 1.1, 300)
    for part in world.parts(rates):
        users = cast.take(part)
        who, ts, session = clock.people(
            rng, rates[part], users.tz, world.scenario.days, weekday=world.weekday, length=1.2
        )
        kinds = which[part][who] % 2
        changed = draw_mixed("diff", users.language[who], rng, 3)
        slot = pc.if_else(pa.array(kinds == 0), changed, draw_mixed("slot_prompt", users.language[who], rng, 3))
        text = glue(head.take(pa.array(part[who])), slot, "\n---\n")
        emit(world, users, who, ts, text, session=session, output=(3.5, 0.7), dialogue=False)


def viral(world: World, n: int) -> None:
    """One prompt that everybody tries for a day: strangers, copied verbatim or nearly, decaying, plus their own use."""
    rng = world.rng
    cast = enroll(world, n, "honest:viral", web=0.85, datacentre=0.05)
    peak = rng.uniform(0.05, 0.4) * world.scenario.days
    ts = ((peak + rng.exponential(0.35, n)) * DAY).astype(np.int64)
    base = {k: grammar(name).draw("viral", 1, rng, 3)[0].as_py() for k, name in enumerate(LANGUAGES)}
    text = habits(pa.array([base[int(k)] for k in cast.language], pa.large_string()), rng, 0.25)
    emit(world, cast, np.arange(n), ts, text)
    talk(world, cast, world.volumes(n, 2, 1.2, 80))
