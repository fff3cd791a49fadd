"""Machines: product backends, batches, cron jobs, resellers, benchmarks, agents, licensed distillation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pyarrow as pa

from stillwatch.lab import clock
from stillwatch.lab.clock import DAY
from stillwatch.lab.emit import TOKENS, emit
from stillwatch.lab.fitted import FITTED
from stillwatch.lab.identity import Cast, enroll, some
from stillwatch.lab.text.compose import habits, human_text, transcripts
from stillwatch.lab.text.grammar import Text, draw_mixed, glue, grammar
from stillwatch.lab.world import PART, World

API = (TOKENS["api_output_mu"], TOKENS["api_output_sigma"])


def firm(world: World, n: int, role: str, *, size: int = 1, licence: str | None = None) -> Cast:
    """Business accounts: ``size`` accounts per organisation with one payer and one domain."""
    group = np.arange(n) // size
    org = world.token("org_", n, 8)
    pay = world.token("pm_", n)
    return enroll(
        world,
        n,
        role,
        web=0.0,
        datacentre=0.85,
        vpn=0.01,
        mobile=0.0,
        org=[org[g] for g in group],
        payment=[pay[g] for g in group],
        plan=["payg" if x < 0.6 else "enterprise" for x in world.rng.random(n)],
        email=[f"{org[g][4:]}.example" for g in group],
        verification=["business" if x < 0.7 else "email" for x in world.rng.random(n)],
        licence=licence,
    )


def own_systems(world: World, cast: Cast, symbol: str = "backend_system") -> clock.Ints:
    """One system prompt per account."""
    return world.coder("system_prompt").codes(draw_mixed(symbol, cast.language, world.rng, 2).to_pylist())


def users_of(world: World, who: clock.Ints, per_account: int) -> clock.Ints:
    """Stable end-user ids of each account, with heavy-tailed activity."""
    rank = (world.rng.random(len(who)) ** 2.2 * per_account).astype(np.int64)
    pairs, codes = np.unique(who * 1_000_000 + rank, return_inverse=True)
    return world.coder("end_user_id").new(world.token("u_", len(pairs)))[codes]


def backends(world: World, n: int) -> None:
    """Product backends: their end users' day, their own system prompt."""
    rng = world.rng
    cast = firm(world, n, "honest:backends")
    rates = world.volumes(n, 25, 1.5, 1500)
    for part in world.parts(rates):
        some_of = cast.take(part)
        who, ts = clock.stream(rng, rates[part], some_of.tz, world.scenario.days, weekday=world.weekday)
        text = habits(draw_mixed("enduser", some_of.language[who], rng, 2), rng)
        systems, users = own_systems(world, some_of)[who], users_of(world, who, 400)
        emit(world, some_of, who, ts, text, system=systems, end_user=users, output=API)


def spans(total: int) -> list[tuple[float, float, int]]:
    """``total`` requests over the log (0…1) in stretches of about ``PART``: from, to, how many."""
    parts = max(1, -(-total // PART))
    edges = [total * k // parts for k in range(parts + 1)]
    return [(k / parts, (k + 1) / parts, edges[k + 1] - edges[k]) for k in range(parts)]


def _templated(world: World, cast: Cast, who: clock.Ints) -> Text:
    stem = draw_mixed("edit_ask", cast.language, world.rng, 3).take(pa.array(who))
    return glue(stem, draw_mixed("slot_prompt", cast.language[who], world.rng, 3), "")


def batch(world: World, n: int) -> None:
    """Batch jobs: one account, one template, day and night."""
    everybody = firm(world, n, "honest:batch")
    rates = world.volumes(n, 120, 1.0, 1500)
    for part in world.parts(rates):
        cast = everybody.take(part)
        who, ts = clock.steady(world.rng, rates[part], world.scenario.days)
        ts = ts + (world.rng.random(len(cast)) * 0.5 * DAY).astype(np.int64)[who]
        text = _templated(world, cast, who)
        emit(world, cast, who, ts, text, system=own_systems(world, cast)[who], output=API)


def judges(world: World, n: int) -> None:
    """Quality teams that grade their own product's answers: a rubric each, one payer, working hours."""
    rng = world.rng
    everybody = firm(world, n, "honest:judges")
    rates = world.volumes(n, 60, 0.9, 900)
    for part in world.parts(rates):
        cast = everybody.take(part)
        who, ts, session = clock.scripts(rng, rates[part], cast.tz, world.scenario.days, weekday=world.weekday)
        rubric = draw_mixed("rubric_ask", cast.language, rng, 3).take(pa.array(who))
        asked = draw_mixed("enduser", cast.language[who], rng, 2)
        given = draw_mixed("candidate", cast.language[who], rng, 2)
        text = glue(rubric, "\n\nUser: ", asked, "\nAnswer: ", given, "")
        emit(world, cast, who, ts, text, session=session, dialogue=False, output=(1.4, 0.6))


def cron(world: World, n: int) -> None:
    """Cron jobs: each its own round clock."""
    everybody = firm(world, n, "honest:cron")
    rates = world.volumes(n, 48, 0.6, 400)
    for part in world.parts(rates):
        cast = everybody.take(part)
        who, ts = clock.cron(world.rng, rates[part], world.scenario.days)
        emit(world, cast, who, ts, _templated(world, cast, who), output=API)


def aggregators(world: World, n: int) -> None:
    """Resellers: many end users on one key; on 429 they back off, then use the same payer's second account."""
    cast = firm(world, n, "honest:aggregators", size=2)
    cast.channel[:] = world.coder("channel").codes(["reseller"])[0]
    rates = world.volumes(n, 130, 0.9, 1500)
    for part in world.parts(2 * rates, together=2):
        _resell(world, cast.take(part), rates[part])


def _resell(world: World, cast: Cast, rates: clock.Floats) -> None:
    rng, n = world.rng, len(cast)
    who, start = clock.stream(rng, rates, cast.tz, world.scenario.days, weekday=world.weekday)
    size = np.maximum(1, np.round(rng.lognormal(0.4, 0.7, len(who)))).astype(np.int64)
    users, language = users_of(world, who // 2, 900), world.languages(len(who))
    talks = np.repeat(np.arange(len(who)), size)
    turn = clock.run_sum(np.ones(len(talks)), size).astype(np.int64)
    gaps = rng.lognormal(FITTED["gap"]["person_mu"] + 0.6, FITTED["gap"]["person_sigma"], len(talks))
    ts = start[talks] + (clock.run_sum(gaps, size) * clock.SECOND).astype(np.int64)
    who, users, language = who[talks], users[talks], language[talks]
    text = transcripts(human_text(language, turn, rng), draw_mixed("answer", language, rng, 0), talks, turn)
    model = rng.choice(4, len(who), p=[0.5, 0.3, 0.1, 0.1])
    limited = some(rng, len(who), 0.006)
    emit(
        world,
        cast,
        who,
        ts,
        text,
        end_user=users,
        language=language,
        retry=0.0,
        extra={"model": model, "status": np.where(limited, 429, 200)},
    )
    rows = np.flatnonzero(limited)
    if len(rows):
        later = ts[rows] + (rng.lognormal(3.2, 0.7, len(rows)) * clock.SECOND).astype(np.int64)
        other = np.minimum(who[rows] ^ 1, n - 1)
        emit(
            world,
            cast,
            other,
            later,
            text.take(pa.array(rows)),
            end_user=users[rows],
            language=language[rows],
            extra={"model": model[rows]},
        )


def benchmarks(world: World, n: int) -> None:
    """Evaluation harnesses: unrelated payers send the same finite item set, many on release day."""
    rng = world.rng
    cast = enroll(world, n, "honest:benchmarks", web=0.0, datacentre=0.7)
    sets = [grammar("en").draw("item", 400, np.random.default_rng(77 + k), 3) for k in range(3)]
    stems = ["Question: ", "Answer the following question. Think step by step.\n\n", ""]
    harness = rng.integers(0, 3, n)
    size = rng.choice([40, 100, 200], n, p=[0.6, 0.3, 0.1])
    release = world.scenario.release_day
    day = rng.uniform(0, world.scenario.days * 0.9, n)
    if release is not None:
        day = np.where(some(rng, n, 0.6), release + rng.exponential(0.15, n), day)
        cast.switch[:] = release
    cast.temperature[:] = 0.0
    for part in world.parts(size / world.scenario.days):
        _evaluate(world, cast.take(part), size[part], day[part], harness[part], stems, sets)


def _evaluate(
    world: World,
    cast: Cast,
    size: clock.Ints,
    day: clock.Floats,
    harness: clock.Ints,
    stems: list[str],
    sets: list[Text],
) -> None:
    rng = world.rng
    who = np.repeat(np.arange(len(cast)), size)
    rank = clock.run_sum(np.ones(len(who)), size).astype(np.int64)
    ts = (day[who] * DAY + clock.run_sum(rng.gamma(1.5, 1.5, len(who)) * clock.SECOND, size)).astype(np.int64)
    for k in range(3):
        rows = np.flatnonzero(harness[who] == k)
        if len(rows):
            text = glue(pa.scalar(stems[k], pa.large_string()), sets[k].take(pa.array(rank[rows])), "")
            emit(
                world, cast, who[rows], ts[rows], text, output=(5.6, 0.7), language=np.zeros(len(rows), dtype=np.int64)
            )


def swarms(world: World, n: int) -> None:
    """Agent swarms: accounts of one payer run long tool loops over private state."""
    rng = world.rng
    cast = firm(world, n, "honest:swarms", size=12)
    loops = np.maximum(1, rng.poisson(1.2 * world.scenario.days * world.scenario.volume, n))
    for part in world.parts(loops * 60 / world.scenario.days, together=12):
        _swarm(world, cast.take(part), loops[part])


def _swarm(world: World, cast: Cast, loops: clock.Ints) -> None:
    rng, n = world.rng, len(cast)
    group = np.arange(n) // 12
    volume = FITTED["volume"]
    owner = np.repeat(np.arange(n), loops)
    size = np.clip(
        rng.lognormal(volume["agent_session_mu"] - 0.8, volume["agent_session_sigma"], len(owner)), 1, 300
    ).astype(np.int64)
    session = np.repeat(np.arange(len(owner)), size)
    start = rng.random(len(owner)) * world.scenario.days * DAY
    gap = FITTED["gap"]
    ts = (
        start[session]
        + clock.run_sum(rng.lognormal(gap["agent_mu"], gap["agent_sigma"], len(session)) * clock.SECOND, size)
    ).astype(np.int64)
    who = owner[session]
    cast.tools[:] = rng.integers(4, 20, n)[group]
    cast.schema[:] = world.coder("tool_schema_hash").codes([*world.token("ts_", n, 16)])[group]
    systems = own_systems(world, cast, "tool_system")[group]
    text = draw_mixed("tool_result", cast.language[who], rng, 3)
    emit(
        world,
        cast,
        who,
        ts,
        text,
        session=session,
        system=systems[who],
        output=(TOKENS["agent_output_mu"], TOKENS["agent_output_sigma"]),
        context=(8.5, 1.0),
    )


def _distil(world: World, n: int, role: str, exceed: bool) -> None:
    rng = world.rng
    licence = f"lic-{len(world.licences) + 1:03d}"
    cast = firm(world, n, role, size=n, licence=licence)
    org = world.accounts[-1]["org_id"][0]
    cast.model[:] = 0
    cast.temperature[:], cast.max_output[:] = 1.0, 4096
    total = int(60 * n * world.scenario.days * world.scenario.volume)
    ask: Any = None
    for low, high, count in spans(total):
        ts = ((low + np.sort(rng.random(count)) * (high - low)) * world.span).astype(np.int64)
        who = np.arange(count) % n
        ask = grammar("en").draw("cot_ask", 1, rng, 3)[0] if ask is None else ask
        items = grammar("en").draw("item", count, rng, 3)
        text = glue(pa.scalar(ask.as_py() + "\n\n", pa.large_string()), items, "")
        emit(world, cast, who, ts, text, output=(6.8, 0.5), language=np.zeros(count, dtype=np.int64))
    begin = np.datetime64(world.scenario.start[:10])
    world.licences.append(
        {
            "id": licence,
            "org_id": org,
            "models": ["atlas-large-*"],
            "purpose": "distillation",
            "channels": sorted({"api", "cloud:nimbus", "cloud:stratus"}),
            "max_exchanges": int(total * (0.5 if exceed else 20)),
            "valid_from": str(begin - 90),
            "valid_to": str(begin + 275),
        }
    )


def licensed(world: World, n: int) -> None:
    """Distillation under a licence."""
    _distil(world, n, "honest:licensed", False)


def outgrown(world: World, n: int) -> None:
    """A licensee who sends twice what the licence allows."""
    _distil(world, n, "honest:outgrown", True)
