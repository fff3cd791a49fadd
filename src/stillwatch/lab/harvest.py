"""Hostile campaigns, built from the threat description: pool, dispatch, content, cover, bans."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.lab import clock, network
from stillwatch.lab.clock import DAY, HOUR, SECOND, Floats, Ints
from stillwatch.lab.emit import emit, turns
from stillwatch.lab.harvest_text import TASKS, compose, task_of, templates
from stillwatch.lab.honest.people import code, talk
from stillwatch.lab.identity import Cast, ages, enroll, shared, signup_burst, some
from stillwatch.lab.scenario import Campaign
from stillwatch.lab.text.compose import transcripts
from stillwatch.lab.text.grammar import draw_mixed, glue, grammar
from stillwatch.lab.world import World


@dataclass(frozen=True)
class Seats:
    """A pool keeps its number of working accounts: seat by seat, a banned account is followed by a new one."""

    seat: Ints
    begin: Floats
    end: Floats


def seats(campaign: Campaign, days: float, rng: np.random.Generator) -> Seats:
    """Who sits where from when to when (days); bans hit at random, the successor works within hours."""
    rows: list[tuple[int, float, float]] = []
    rate = campaign.ban_rate or (0.04 if "T-HYDRA" in campaign.tactics else 0.0)
    for seat in range(campaign.accounts):
        at = -1.0
        while True:
            gone = max(at, campaign.start_day) + (rng.exponential(1 / rate) if rate > 0 else np.inf)
            rows.append((seat, at, gone))
            if gone >= days:
                break
            at = gone + float(rng.gamma(2, 1.5 / 24))
    table = np.array(rows)
    return Seats(table[:, 0].astype(np.int64), table[:, 1], table[:, 2])


def queue(campaign: Campaign, world: World, total: int, begin: float, end: float) -> Ints:
    """Sorted arrival times of the common job queue."""
    rng = world.rng
    step = 1 / 96
    grid = np.arange(begin, end, step)
    weight = np.ones(len(grid))
    if campaign.working_hours:
        weight = clock.OFFICE[((grid * 24 + rng.integers(0, 24)) % 24).astype(int)]
    jobs = rng.lognormal(0, 1.0, len(grid) // 10 + 2) * (
        rng.random(len(grid) // 10 + 2) > 0.35 * campaign.job_modulation
    )
    weight = weight * (1 - campaign.job_modulation + campaign.job_modulation * jobs[np.arange(len(grid)) // 10])
    if campaign.slow_start > 0:
        weight = weight * np.clip((grid - begin) / campaign.slow_start, 0.03, 1)
    cell = rng.choice(len(grid), total, p=weight / weight.sum())
    return np.sort(((grid[cell] + rng.random(total) * step) * DAY).astype(np.int64))


def dispatch(campaign: Campaign, total: int, rng: np.random.Generator) -> Ints:
    """The seat that gets each item of the queue."""
    n = campaign.accounts
    weight = rng.lognormal(0, campaign.volume_dispersion, n)
    exact = weight / weight.sum() * total
    count = np.floor(exact + rng.random(n)).astype(np.int64)
    seat = np.repeat(np.arange(n), count)
    k = clock.run_sum(np.ones(len(seat)), count)
    per = count[seat]
    phase = (np.arange(n) / n)[seat]
    if campaign.dispatch == "round_robin":
        at = (k + phase + rng.normal(0, campaign.jitter, len(seat))) / per
    elif campaign.dispatch == "least_loaded":
        at = (k + rng.random(len(seat)) + rng.normal(0, campaign.jitter, len(seat))) / per
    elif campaign.dispatch == "sticky":
        run = rng.integers(5, 40, n)[seat]
        at = (k // run + rng.random(n)[seat] + (k % run) * 1e-4) * run / per
    else:
        at = rng.random(len(seat))
    order = seat[np.argsort(at, kind="stable")]
    return np.resize(order, total) if len(order) < total else order[:total]


def recruit(world: World, campaign: Campaign, who: Seats) -> Cast:
    """The pool's accounts."""
    rng, n = world.rng, len(who.seat)
    late = who.begin >= 0
    span = world.scenario.days
    start = campaign.start_day
    if "T-NORAMP" in campaign.tactics:
        created = signup_burst(world, n, start, 1) - int(0.04 * DAY)
    elif campaign.signup == "burst":
        created = signup_burst(world, n, start, 6) - (rng.integers(1, 5, n) * DAY * 0.9).astype(np.int64)
    elif campaign.signup == "spread":
        created = (world.start + (start - rng.uniform(0, 60, n)) * DAY).astype(np.int64)
    else:
        created = np.minimum(ages(world, n, 200, 0.05), world.start + int(min(start, span * 0.3) * DAY))
    created = np.where(
        late, world.start + (who.begin * DAY).astype(np.int64) - (rng.gamma(2, 0.5, n) * HOUR).astype(np.int64), created
    )
    uniform = some(rng, n, campaign.client_uniformity)
    pool = np.concatenate([network.datacentre(rng, max(3, n // 16)), network.residential(rng, max(3, n // 20))])
    on_pool = {"shared": np.ones(n, dtype=bool), "unique": np.zeros(n, dtype=bool), "mixed": some(rng, n, 0.5)}[
        campaign.infrastructure
    ]
    sharing = campaign.payment_sharing if campaign.infrastructure != "unique" else 1
    devices = campaign.device_sharing if campaign.infrastructure != "unique" else 1
    programme: list[str | None] | None = None
    if "T-PROGRAMME" in campaign.tactics:
        programme = [("education", "startup", "research", "trial")[i] for i in rng.integers(0, 4, n)]
    channels = (
        campaign.channels
        if "T-CHANNELS" not in campaign.tactics or len(campaign.channels) > 1
        else ("api", "cloud:nimbus", "cloud:stratus", "reseller")
    )
    plain = channels == ("api",)
    cast = enroll(
        world,
        n,
        "hostile",
        campaign=campaign.name,
        web=0.0,
        languages=world.languages(n),
        created=created,
        programme=programme,
        payment=list(shared(rng, world, "pm_", n, sharing)) if sharing > 1 else None,
        device=list(shared(rng, world, "dv_", n, devices)) if devices > 1 else None,
        channels=None if plain else channels,
        datacentre=0.25,
    )
    cast.ips[on_pool] = pool[rng.integers(0, len(pool), (int(on_pool.sum()), 3))]
    rows = np.flatnonzero(on_pool)
    account = world.accounts[-1]
    signup = network.dotted(pool[rng.integers(0, len(pool), len(rows))])
    for row, address in zip(rows.tolist(), signup, strict=True):
        if rng.random() < 0.8:
            account["signup_ip"][row] = address
        account["vpn"][row] = False
    first = network.client(rng, np.zeros(1, dtype=bool))
    cast.clients[uniform] = first[0]
    cast.tls[uniform] = world.coder("tls_fingerprint").codes([*network.tls(rng, first)])[0]
    if "T-SANITISE" in campaign.tactics:
        cast.clients[:], cast.tls[:] = -1, np.where(some(rng, n, 0.6), -1, cast.tls)
    for column, value in (
        (cast.temperature, rng.choice([0.0, 0.7, 1.0])),
        (cast.max_output, int(rng.choice([2048, 4096, 8192]))),
        (cast.stream, 0),
        (cast.tools, 0),
        (cast.format, -1),
        (cast.declares_session, 0),
    ):
        column[uniform] = value
    return cast


def run(world: World, campaign: Campaign) -> None:
    """Generate one campaign."""
    rng, days = world.rng, world.scenario.days
    end = days if campaign.end_day is None else min(campaign.end_day, days)
    begin = campaign.start_day
    pool = seats(campaign, end, rng)
    cast = recruit(world, campaign, pool)
    total = round(campaign.accounts * campaign.requests_per_account_day * (end - begin))
    relay = task_of(campaign) == "T-RELAY"
    size = np.ones(total, dtype=np.int64)
    if relay:
        size = np.maximum(1, np.round(rng.lognormal(0.8, 0.8, total // 3 + 1))).astype(np.int64)
    job = np.repeat(np.arange(len(size)), size)
    arrive = queue(campaign, world, len(size), begin, end)
    seat = dispatch(campaign, len(size), rng)
    gap = clock.run_sum(rng.lognormal(3.6, 1.2, len(job)) * SECOND, size).astype(np.int64)
    ts = arrive[job] + gap
    who = occupant(pool, seat[job], ts / DAY)
    live = who >= 0
    job, ts, who = job[live], ts[live], who[live]
    language = world.languages(len(size), campaign.languages)[job]
    text = compose(campaign, templates(campaign, days, rng), ts / DAY, language, rng)
    if relay:
        text = transcripts(text, draw_mixed("answer", language, rng, 0), job, turns(job, ts))
    _send(world, campaign, cast, who, ts, text, language, job if relay else None, pool)
    if "T-SEARCH" in campaign.tactics:
        _search(world, cast, begin)
    if "T-PROBE" in campaign.tactics:
        _probe(world, cast, pool, begin, end)
    if campaign.cover > 0:
        _cover(world, campaign, cast, pool, end - begin)


def occupant(pool: Seats, seat: Ints, day: Floats) -> Ints:
    """The account on a seat at a time; -1 between a ban and its replacement."""
    order = np.lexsort((pool.begin, pool.seat))
    key = pool.seat[order] * 10_000.0 + pool.begin[order]
    found = order[np.searchsorted(key, seat * 10_000.0 + day, side="right") - 1]
    return np.where((pool.seat[found] == seat) & (day < pool.end[found]), found, -1)


def _send(
    world: World,
    campaign: Campaign,
    cast: Cast,
    who: Ints,
    ts: Ints,
    text: Any,
    language: Ints,
    job: Ints | None,
    pool: Seats,
) -> None:
    rng, n = world.rng, len(who)
    target = int(rng.choice([0, 2])) if "T-REPLAY" not in campaign.tactics else 2
    model = np.full(n, target)
    if job is not None:
        model = rng.choice(4, n, p=[0.5, 0.25, 0.15, 0.1])
    release = world.scenario.release_day
    if "T-PIVOT" in campaign.tactics and release is not None:
        model = np.where((ts / DAY > release + 0.2) & some(rng, n, 0.6), 4 if target == 0 else 5, model)
    extra: dict[str, Any] = {"model": model}
    response = None
    task = task_of(campaign)
    if task in ("T-COT", "T-LANGUAGE"):
        response = draw_mixed("trace_text", language, rng, 1)
    if "T-LAUNDER" in campaign.tactics and task != "T-LAUNDER" and response is not None:
        text = _launder(text, response, language, rng)
    system = None
    if task in ("T-COT", "T-LANGUAGE") and campaign.paraphrase < 0.3:
        fixed = grammar("en").draw("cot_system", max(1, campaign.templates), rng, 3).to_pylist()
        codes = world.coder("system_prompt").codes(fixed)
        system = codes[rng.integers(0, len(codes), n)]
    if "T-REPLAY" in campaign.tactics:
        extra["replay"] = np.where(some(rng, n, 0.5), len(world.accounts), -1)
        job = np.arange(n) if job is None else job
    if job is not None and campaign.client_uniformity < 0.9:
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


def _search(world: World, cast: Cast, begin: float) -> None:
    """The search for a framing: a few accounts, thousands of wordings in hours, nearly all refused."""
    rng = world.rng
    scouts = min(len(cast), max(4, len(cast) // 20))
    n = min(3000, 60 * len(cast) // 4)
    ts = ((begin + rng.beta(1.2, 3, n) * 0.4) * DAY).astype(np.int64)
    who = rng.integers(0, scouts, n)
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


def _cover(world: World, campaign: Campaign, cast: Cast, pool: Seats, days: float) -> None:
    """Ordinary traffic of each account's (pretended or real) customers, at its own times, until it is banned."""
    rng = world.rng
    share = campaign.cover / (1 - campaign.cover)
    stay = np.clip(np.minimum(pool.end, days) - np.maximum(pool.begin, 0), 0, None) / days
    rates = (
        campaign.requests_per_account_day * share * rng.lognormal(-0.18, 0.6, len(cast)) * np.where(stay > 0, stay, 0)
    )
    before = len(world.blocks)
    half = some(rng, len(cast), 0.5)
    talk(world, cast, np.where(half, rates, 0))
    code(world, cast, np.where(half, 0, rates))
    ends = np.full(world.size, np.inf)
    ends[cast.index] = pool.end
    for position in range(before, len(world.blocks)):
        block = world.blocks[position]
        keep = block["ts"] / DAY < ends[block["acct"]]
        world.blocks[position] = {
            k: v[keep] if isinstance(v, np.ndarray) else v.filter(pa.array(keep)) for k, v in block.items()
        }
