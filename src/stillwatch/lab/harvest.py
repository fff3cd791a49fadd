"""Hostile campaigns, built from the threat description: pool, dispatch, content, cover, bans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.lab import clock, network
from stillwatch.lab.clock import DAY, SECOND, Ints
from stillwatch.lab.emit import emit, turns
from stillwatch.lab.harvest_text import TASKS, Templates, compose, tasks_of, templates
from stillwatch.lab.honest.people import code, talk
from stillwatch.lab.identity import Cast, some
from stillwatch.lab.pool import Seats, dispatch, load, occupant, queue, seats, stretches
from stillwatch.lab.recruit import recruit
from stillwatch.lab.scenario import Campaign
from stillwatch.lab.text.compose import transcripts
from stillwatch.lab.text.grammar import draw_mixed, glue, grammar
from stillwatch.lab.world import World


def run(world: World, campaign: Campaign) -> None:
    """Generate one campaign."""
    rng, days = world.rng, world.scenario.days
    end = days if campaign.end_day is None else min(campaign.end_day, days)
    begin = campaign.start_day
    pool = seats(campaign, end, rng)
    cast, customers = recruit(world, campaign, pool)
    total = round(campaign.accounts * campaign.requests_per_account_day * (end - begin))
    grid, weight = load(campaign, world, begin, end)
    tasks = tasks_of(campaign)
    relay = tasks == ("T-RELAY",)
    kits = {task: Kit() for task in tasks}
    sent: list[Ints] = []
    text: Any = None
    for cells, count in stretches(weight, total, rng):
        size = np.ones(count, dtype=np.int64)
        if relay:
            size = np.maximum(1, np.round(rng.lognormal(0.8, 0.8, count // 3 + 1))).astype(np.int64)
        job = np.repeat(np.arange(len(size)), size)
        arrive = queue(grid[cells], weight[cells], len(size), rng)
        seat = dispatch(campaign, len(size), rng)
        gap = clock.run_sum(rng.lognormal(3.6, 1.2, len(job)) * SECOND, size).astype(np.int64)
        ts = arrive[job] + gap
        who = occupant(pool, seat[job], ts / DAY)
        live = who >= 0
        job, ts, who = job[live], ts[live], who[live]
        language = world.languages(len(size), campaign.languages)[job]
        of_task = rng.integers(0, len(tasks), len(ts)) if len(tasks) > 1 else np.zeros(len(ts), dtype=np.int64)
        for number, task in enumerate(tasks):
            mine, kit = np.flatnonzero(of_task == number), kits[task]
            if kit.templates is None:
                kit.templates = templates(campaign, task, days, rng)
            text = compose(campaign, task, kit.templates, ts[mine] / DAY, language[mine], rng)
            if relay:
                text = transcripts(text, draw_mixed("answer", language, rng, 0), job, turns(job, ts))
            _send(
                world,
                campaign,
                task,
                cast,
                kit,
                who[mine],
                ts[mine],
                text,
                language[mine],
                job if relay else None,
                pool,
            )
        sent.append(np.unique(who))
    if "T-SEARCH" in campaign.tactics:
        _search(world, cast, pool, begin)
    if "T-PROBE" in campaign.tactics:
        _probe(world, cast, pool, begin, end)
    if campaign.cover > 0 or "T-COVER" in campaign.tactics:
        _cover(world, campaign, customers, pool, end - begin)
    _locked_out(world, cast, pool, end, np.concatenate(sent), text)


@dataclass
class Kit:
    """What a campaign keeps for a task from the first request on."""

    templates: Templates | None = None
    target: int | None = None
    systems: Ints | None = None


def _send(
    world: World,
    campaign: Campaign,
    task: str,
    cast: Cast,
    kit: Kit,
    who: Ints,
    ts: Ints,
    text: Any,
    language: Ints,
    job: Ints | None,
    pool: Seats,
) -> None:
    rng, n = world.rng, len(who)
    if kit.target is None:
        kit.target = int(rng.choice([0, 2])) if "T-REPLAY" not in campaign.tactics else 2
    target = kit.target
    model = np.full(n, target)
    if job is not None:
        model = rng.choice(4, n, p=[0.5, 0.25, 0.15, 0.1])
    release = world.scenario.release_day
    if "T-PIVOT" in campaign.tactics and release is not None:
        model = np.where((ts / DAY > release + 0.2) & some(rng, n, 0.6), 4 if target == 0 else 5, model)
    extra: dict[str, Any] = {"model": model}
    response = None
    if task in ("T-COT", "T-LANGUAGE"):
        response = draw_mixed("trace_text", language, rng, 1)
    if "T-LAUNDER" in campaign.tactics and task != "T-LAUNDER":
        response = draw_mixed("answer", language, rng, 0) if response is None else response
        text = _launder(text, response, language, rng)
    system = None
    if task in ("T-COT", "T-LANGUAGE") and campaign.paraphrase < 0.3:
        if kit.systems is None:
            fixed = grammar("en").draw("cot_system", max(1, campaign.templates), rng, 3).to_pylist()
            kit.systems = world.coder("system_prompt").codes(fixed)
        system = kit.systems[rng.integers(0, len(kit.systems), n)]
    if "T-REPLAY" in campaign.tactics:
        extra["replay"] = np.where(some(rng, n, 0.5), 0, -1)
        job = np.arange(n) if job is None else job
    if job is not None and campaign.client_uniformity < 0.9 and "T-SANITISE" not in campaign.tactics:
        clients = network.client(rng, some(rng, int(job.max()) + 1, 0.4))
        extra["user_agent"] = clients[job]
    how: dict[str, Any] = {
        "system": system,
        "output": TASKS[task][2],
        "language": language,
        "response": response,
        "refuse": 0.03,
    }
    turn = None
    if "T-FAILOVER" in campaign.tactics:
        jobs = np.arange(n) if job is None else job
        turn = turns(jobs, ts)
        size = np.bincount(jobs)
        broken = np.where(some(rng, len(size), 0.15), (rng.random(len(size)) * size).astype(np.int64), 1 << 30)[jobs]
        other = occupant(pool, rng.integers(0, campaign.accounts, len(size))[jobs], ts / DAY)
        broken = np.where(other >= 0, broken, 1 << 30)
        hit = np.flatnonzero(turn == broken)
        blocked = {k: _rows(v, hit) for k, v in how.items() if k in ("system", "language", "response")}
        status = np.where(some(rng, len(hit), 0.7), 429, 403)
        cut = {k: v[hit] for k, v in extra.items()} | {"status": status}
        emit(
            world,
            cast,
            who[hit],
            ts[hit],
            text.take(pa.array(hit)),
            turn=turn[hit],
            extra=cut,
            output=how["output"],
            retry=0.0,
            **blocked,
        )
        wait = np.zeros(len(size))
        wait[jobs[hit]] = rng.lognormal(1.6, 0.7, len(hit)) * SECOND
        moved = turn >= broken
        ts = ts + np.where(moved, wait[jobs], 0).astype(np.int64)
        who = np.where(moved, other, who)
        job = None if job is None else job * 2 + moved
    emit(world, cast, who, ts, text, session=job, turn=turn, extra=extra, **how)


def _rows(column: Any, rows: Ints) -> Any:
    if column is None or isinstance(column, np.ndarray):
        return None if column is None else column[rows]
    return column.take(pa.array(rows))


def _launder(text: Any, response: Any, language: Ints, rng: np.random.Generator) -> Any:
    """A quarter of the requests sends an earlier answer of the pool back to be cleaned or scored."""
    n = len(text)
    back = some(rng, n, 0.25) & (np.arange(n) > 50)
    earlier = response.take(pa.array((rng.random(n) * np.arange(n)).astype(np.int64)))
    ask = draw_mixed("launder_ask", language, rng, 2)
    return pc.if_else(pa.array(back), glue(ask, earlier, "\n\n"), text)


def _search(world: World, cast: Cast, pool: Seats, begin: float) -> None:
    """The search for a framing: a few accounts, thousands of wordings in hours, nearly all refused."""
    rng = world.rng
    scouts = min(len(cast), max(4, len(cast) // 20))
    n = min(3000, 60 * len(cast) // 4)
    ts = ((begin + rng.beta(1.2, 3, n) * 0.4) * DAY).astype(np.int64)
    who = rng.integers(0, scouts, n)
    free = ts / DAY < pool.end[who]
    who, ts = who[free], ts[free]
    emit(
        world,
        cast,
        who,
        ts,
        draw_mixed("search", cast.language[who], rng, 4),
        refuse=0.93,
        category="reasoning_extraction",
        output=(4.0, 0.8),
    )


def _probe(world: World, cast: Cast, pool: Seats, begin: float, end: float) -> None:
    """Canaries: a short finite list asked again and again to notice altered answers."""
    rng = world.rng
    items = grammar("en").draw("probe_ask", 12, rng, 3)
    n = round(len(cast) * (end - begin) * 0.5)
    who = rng.integers(0, len(cast), n)
    day = begin + rng.random(n) * (end - begin)
    fine = (day >= pool.begin[who]) & (day < pool.end[who])
    emit(
        world,
        cast,
        who[fine],
        (day[fine] * DAY).astype(np.int64),
        items.take(pa.array(rng.integers(0, 12, int(fine.sum())))),
        output=(3.0, 0.6),
    )


def _locked_out(world: World, cast: Cast, pool: Seats, end: float, who: Ints, text: Any) -> None:
    """A banned account's next tries, answered with 403."""
    rng = world.rng
    gone = np.flatnonzero(np.isin(np.arange(len(cast)), who) & (pool.end < end))
    tries = np.repeat(gone, rng.integers(1, 4, len(gone)))
    if len(tries) == 0:
        return
    ts = (pool.end[tries] * DAY + rng.gamma(1.5, 40, len(tries)) * SECOND).astype(np.int64)
    prompts = text.take(pa.array(rng.integers(0, len(text), len(tries))))
    emit(world, cast, tries, ts, prompts, extra={"status": np.full(len(tries), 403)}, retry=0.0)


def _cover(world: World, campaign: Campaign, cast: Cast, pool: Seats, days: float) -> None:
    """Ordinary traffic of each account's (pretended or real) customers, at its own times, until it is banned."""
    rng = world.rng
    cover = campaign.cover or 0.3
    share = cover / (1 - cover)
    stay = np.clip(np.minimum(pool.end, days) - np.maximum(pool.begin, 0), 0, None) / days
    rates = (
        campaign.requests_per_account_day * share * rng.lognormal(-0.18, 0.6, len(cast)) * np.where(stay > 0, stay, 0)
    )
    cast.until = pool.end * DAY
    half = some(rng, len(cast), 0.5)
    talk(world, cast, np.where(half, rates, 0))
    code(world, cast, np.where(half, 0, rates))
