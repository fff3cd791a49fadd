"""A campaign's accounts: sign-up, payment, addresses, clients, parameters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from stillwatch.lab import network
from stillwatch.lab.clock import DAY, HOUR
from stillwatch.lab.identity import Cast, ages, enroll, shared, signup_burst, some
from stillwatch.lab.pool import Seats
from stillwatch.lab.scenario import Campaign
from stillwatch.lab.world import World

Bools = npt.NDArray[np.bool_]


def recruit(world: World, campaign: Campaign, who: Seats) -> tuple[Cast, Cast]:
    """The pool's accounts as the campaign uses them, and as the ordinary customers behind its cover do."""
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
    after = np.zeros(n, dtype=bool) if campaign.purge_day is None else who.begin >= campaign.purge_day
    waves = [wave for wave in (~after, after) if wave.any()]
    sizes = [int(wave.sum()) for wave in waves]
    pools = [
        np.concatenate([network.datacentre(rng, max(3, k // 16)), network.residential(rng, max(3, k // 20))])
        for k in sizes
    ]
    on_pool = {"shared": np.ones(n, dtype=bool), "unique": np.zeros(n, dtype=bool), "mixed": some(rng, n, 0.5)}[
        campaign.infrastructure
    ]
    sharing, devices = campaign.per_payment, campaign.per_device
    programme: list[str | None] | None = None
    if "T-PROGRAMME" in campaign.tactics:
        programme = [("education", "startup", "research", "trial")[i] for i in rng.integers(0, 4, n)]
    channels = (
        campaign.channels
        if "T-CHANNELS" not in campaign.tactics or len(campaign.channels) > 1
        else ("api", "cloud:nimbus", "cloud:stratus", "reseller")
    )
    cast = enroll(
        world,
        n,
        "hostile",
        campaign=campaign.name,
        web=0.0,
        languages=world.languages(n),
        created=created,
        programme=programme,
        plan=["plus" if x < 0.7 else "trial" for x in rng.random(n)] if "T-NORAMP" in campaign.tactics else None,
        payment=_by_wave(world, "pm_", waves, sharing) if sharing > 1 else None,
        device=_by_wave(world, "dv_", waves, devices) if devices > 1 else None,
        channels=channels,
        datacentre=0.25,
    )
    account = world.accounts[-1]
    for pool, wave in zip(pools, waves, strict=True):
        rows = np.flatnonzero(on_pool & wave)
        cast.ips[rows] = pool[rng.integers(0, len(pool), (len(rows), 3))]
        signup = network.dotted(pool[rng.integers(0, len(pool), len(rows))])
        for row, address in zip(rows.tolist(), signup, strict=True):
            if rng.random() < 0.8:
                account["signup_ip"][row] = address
            account["vpn"][row] = False
    cover = replace(
        cast,
        **{
            f: getattr(cast, f).copy()
            for f in ("clients", "tls", "temperature", "max_output", "stream", "tools", "format")
        },
    )
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
    return cast, cover


def _by_wave(world: World, prefix: str, waves: Sequence[Bools], group: int) -> list[str | None]:
    """Identifiers shared among the accounts of a wave, none of them by two."""
    out = np.empty(len(waves[0]), dtype=object)
    for wave in waves:
        out[wave] = shared(world.rng, world, prefix, int(wave.sum()), group)
    return [str(token) for token in out]
