"""Groups with a declared centre: companies, key fleets, load balancers, agencies."""

from __future__ import annotations

import numpy as np

from stillwatch.lab import clock, network
from stillwatch.lab.emit import emit
from stillwatch.lab.honest.machines import API, firm, own_systems
from stillwatch.lab.honest.people import code, talk
from stillwatch.lab.identity import enroll, signup_burst, some
from stillwatch.lab.text.compose import habits
from stillwatch.lab.text.grammar import draw_mixed
from stillwatch.lab.world import PART, World


def company(world: World, n: int) -> None:
    """Companies behind a VPN or NAT: one verified domain and payer, staff with their own questions."""
    rng = world.rng
    group = np.arange(n) // 60
    org, pay = world.token("org_", n, 8), world.token("pm_", n)
    office = network.residential(rng, n)
    language = np.where(some(rng, n, 0.8), world.languages(n)[group * 60], 0)
    home = network.residential(rng, n, language * 7)
    ips = np.stack([office[group], office[group] + 1, home], axis=1)
    cast = enroll(
        world,
        n,
        "honest:company",
        web=0.7,
        languages=language,
        ips=ips,
        vpn=0.0,
        org=[org[g] for g in group],
        payment=[pay[g] for g in group],
        email=[f"{org[g][4:]}.example" for g in group],
        verification=["business"] * n,
        plan=["team"] * n,
    )
    talk(world, cast, world.volumes(n, 4, 1.2, 200), profile=clock.OFFICE, weekend=0.1)


def fleet(world: World, n: int) -> None:
    """Start-ups with dozens of keys and accounts under one payer: one product, one system prompt, one cloud."""
    rng = world.rng
    size = 40
    cast = firm(world, n, "honest:fleet", size=size)
    group = np.arange(n) // size
    base = network.datacentre(rng, n)
    cast.ips[:] = (base[group] + np.arange(n) % 7)[:, None]
    cast.clients[:] = cast.clients[group * size]
    cast.tls[:] = cast.tls[group * size]
    cast.language[:] = cast.language[group * size]
    systems = own_systems(world, cast)[group * size]
    cast.tz[:] = cast.tz[group * size]
    rates = world.volumes(n, 15, 0.6, 300)
    for part in world.parts(rates):
        some_of = cast.take(part)
        who, ts = clock.stream(rng, rates[part], some_of.tz, world.scenario.days, weekday=world.weekday)
        text = habits(draw_mixed("enduser", some_of.language[who], rng, 2), rng)
        emit(world, some_of, who, ts, text, system=systems[part][who], output=API)


def load_balancer(world: World, n: int) -> None:
    """An honest load balancer: round robin over the accounts of one organisation."""
    rng = world.rng
    cast = firm(world, n, "honest:load_balancer", size=n)
    base = network.datacentre(rng, 1)[0]
    cast.ips[:] = base + np.arange(3)
    for column in (cast.clients, cast.tls, cast.temperature, cast.max_output, cast.model, cast.language, cast.stream):
        column[:] = column[0]
    count = int(30 * n * world.scenario.days * world.scenario.volume)
    rate = np.array([count / world.scenario.days])
    _, ts = clock.stream(rng, rate, cast.tz[:1], world.scenario.days, weekday=world.weekday)
    ts, system = np.sort(ts), own_systems(world, cast)[0]
    for low in range(0, len(ts), PART):
        at = ts[low : low + PART]
        who = (low + np.arange(len(at))) % n
        text = habits(draw_mixed("enduser", cast.language[who], rng, 2), rng)
        emit(world, cast, who, at, text, system=np.full(len(at), system), output=API)


def agency(world: World, n: int) -> None:
    """Agencies: accounts for their clients on the agency's card and machines, each client's own work."""
    rng = world.rng
    group = np.arange(n) // 10
    pay, device = world.token("pm_", n), world.token("dv_", n)
    created = signup_burst(world, n, 0, 24) - (rng.lognormal(4.5, 0.8, n)[group * 10] * clock.DAY).astype(np.int64)
    office = network.residential(rng, n)[group * 10]
    cast = enroll(
        world,
        n,
        "honest:agency",
        web=0.3,
        payment=[pay[g] for g in group],
        device=[device[g * 10 + i % 3 if g * 10 + i % 3 < n else g] for i, g in enumerate(group)],
        created=created,
        signup_ip=office,
        ips=np.stack([office, office, network.residential(rng, n)], axis=1),
        vpn=0.0,
    )
    code(world, cast, world.volumes(n, 6, 1.0, 200))
