"""Accounts: one sampler for everybody; kinds and campaigns override single attributes."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from stillwatch.lab import network
from stillwatch.lab.clock import DAY, HOUR, Floats, Ints
from stillwatch.lab.text.grammar import LANGUAGES
from stillwatch.lab.world import UTC_OFFSETS, World

MAIL = {
    "en": ["gmail.com", "outlook.com", "yahoo.com", "icloud.com", "proton.me"],
    "zh": ["qq.com", "163.com", "gmail.com", "outlook.com"],
    "ru": ["yandex.ru", "mail.ru", "gmail.com"],
    "es": ["gmail.com", "hotmail.com", "outlook.com"],
    "de": ["gmx.de", "web.de", "gmail.com"],
    "ja": ["gmail.com", "yahoo.co.jp", "icloud.com"],
    "fr": ["gmail.com", "orange.fr", "laposte.net", "outlook.com"],
}


@dataclass
class Cast:
    """Accounts as columns, and how each of them usually sends requests."""

    index: Ints
    language: Ints
    tz: Floats
    ips: Ints
    clients: Ints
    tls: Ints
    channel: Ints
    model: Ints
    switch: Floats
    """Day on which the account moves to the new model (infinite: not in this log)."""
    temperature: Floats
    top_p: Floats
    max_output: Ints
    stream: Ints
    effort: Ints
    tools: Ints
    schema: Ints
    format: Ints
    org: Ints
    keys: Ints
    created: Ints
    declares_session: Ints
    until: Floats
    """End of the account's traffic, microseconds from the start (a ban; infinite: none)."""

    def __len__(self) -> int:
        return len(self.index)

    def take(self, rows: Ints) -> Cast:
        """Some of the accounts."""
        return Cast(**{f.name: getattr(self, f.name)[rows] for f in fields(self)})


def some(rng: np.random.Generator, n: int, share: float) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """True for a random share."""
    return rng.random(n) < share


def shared(rng: np.random.Generator, world: World, prefix: str, n: int, group: float) -> list[str]:
    """Identifiers shared by ``group`` accounts each on average (1: one each)."""
    if group <= 1:
        return world.token(prefix, n)
    pool = world.token(prefix, max(1, round(n / group)))
    return [pool[i] for i in rng.permutation(np.arange(n) % len(pool)).tolist()]


def ages(world: World, n: int, median: float = 150, new: float = 0.1) -> Ints:
    """Creation times: mostly long before the log, some days before, a few during it."""
    rng = world.rng
    days = rng.lognormal(np.log(median), 1.1, n)
    recent = some(rng, n, new)
    days = np.where(recent, rng.uniform(-0.7 * world.scenario.days, 14, n), np.maximum(days, 1))
    return (world.start - days * DAY).astype(np.int64)


def enroll(
    world: World,
    n: int,
    role: str,
    *,
    campaign: str | None = None,
    web: float = 0.3,
    languages: Ints | None = None,
    created: Ints | None = None,
    org: list[str | None] | None = None,
    plan: list[str] | None = None,
    programme: list[str | None] | None = None,
    email: list[str] | None = None,
    payment: list[str | None] | None = None,
    device: list[str | None] | None = None,
    licence: str | None = None,
    datacentre: float = 0.25,
    ips: Ints | None = None,
    clients: Ints | None = None,
    vpn: float = 0.07,
    mobile: float = 0.08,
    verification: list[str] | None = None,
    channels: tuple[str, ...] | None = None,
    signup_ip: Ints | None = None,
    tz: Floats | None = None,
) -> Cast:
    """``n`` new accounts of a role; whatever is not given is drawn like for anybody."""
    rng = world.rng
    language = world.languages(n) if languages is None else languages
    place = [
        UTC_OFFSETS[LANGUAGES[i]][int(k) % len(UTC_OFFSETS[LANGUAGES[i]])]
        for i, k in zip(language, rng.integers(0, 840, n), strict=True)
    ]
    on_web = some(rng, n, web)
    created = ages(world, n) if created is None else created
    home = network.residential(rng, n, language * 7 + np.array([hash_place(p[1]) for p in place]))
    home = np.where(some(rng, n, datacentre) & ~on_web, network.datacentre(rng, n), home)
    by_mobile = some(rng, n, mobile)
    by_vpn = some(rng, n, vpn)
    mobiles = network.MOBILE_EXITS[rng.integers(0, 160, (n, 2))]
    exits = network.VPN_EXITS[rng.integers(0, 90, (n, 3))]
    moved = np.where(some(rng, n, 0.3), network.residential(rng, n, language * 7), home)
    own = np.stack([home, np.where(by_mobile, mobiles[:, 0], home), moved], axis=1)
    own = np.where(
        (by_mobile & some(rng, n, 0.4))[:, None], np.stack([mobiles[:, 0], mobiles[:, 1], home], axis=1), own
    )
    own = np.where(by_vpn[:, None], exits, own)
    used = own if ips is None else ips
    ua = np.stack([network.client(rng, on_web)] * 2, axis=1)
    ua[:, 1] = np.where(some(rng, n, 0.2), network.client(rng, on_web), ua[:, 0])
    ua = ua if clients is None else clients
    channel_names: list[str | None] = [
        "app" if w else ("cloud:nimbus" if x < 0.08 else "cloud:stratus" if x < 0.12 else "api")
        for w, x in zip(on_web, rng.random(n), strict=True)
    ]
    if channels is not None:
        channel_names = [channels[i] for i in rng.integers(0, len(channels), n)]
    mail = email or [
        f"{world.token('', 1, 6)[0]}.example"
        if x < 0.16
        else "inbox-burner.example"
        if x < 0.18
        else MAIL[LANGUAGES[i]][int(k) % len(MAIL[LANGUAGES[i]])]
        for i, k, x in zip(language, rng.integers(0, 60, n) * rng.integers(0, 2, n), rng.random(n), strict=True)
    ]
    plans = plan or [
        str(x) for x in rng.choice(["free", "plus", "pro", "payg", "team"], n, p=[0.24, 0.3, 0.08, 0.33, 0.05])
    ]
    pays = payment or [p if k != "free" else None for p, k in zip(shared(rng, world, "pm_", n, 1), plans, strict=True)]
    devices = device or [d if x < 0.92 else None for d, x in zip(world.token("dv_", n), rng.random(n), strict=True)]
    programmes = programme or [
        None if x > 0.03 else ("education", "startup", "research")[int(x * 100) % 3] for x in rng.random(n)
    ]
    phones = [p if x < 0.55 else None for p, x in zip(world.token("ph_", n), rng.random(n), strict=True)]
    signup = (
        np.where(some(rng, n, 0.75), own[:, 0], network.residential(rng, n, language * 7))
        if signup_ip is None
        else signup_ip
    )
    ids = world.token("acct_", n, 14)
    organisations = org or [None] * n
    new = created > world.start + world.span - 14 * DAY
    world.accounts.append(
        {
            "account_id": list(ids),
            "created_at": created.tolist(),
            "org_id": list(organisations),
            "plan": plans,
            "programme": list(programmes),
            "verification": verification
            or [
                str(x)
                for x in rng.choice(["none", "email", "phone", "id", "business"], n, p=[0.05, 0.5, 0.33, 0.06, 0.06])
            ],
            "email_domain": list(mail),
            "phone_fingerprint": phones,
            "payment_fingerprint": list(pays),
            "signup_ip": network.dotted(signup),
            "device_fingerprint": list(devices),
            "licence_id": [licence] * n,
            "country": [p[1] for p in place],
            "role": [role] * n,
            "campaign": [campaign] * n,
            "language": [LANGUAGES[i] for i in language],
            "vpn": np.isin(used, network.VPN_EXITS).max(axis=1).astype(bool).tolist(),
            "new": new.tolist(),
        }
    )
    index = np.arange(world.size, world.size + n)
    world.size += n
    release = world.scenario.release_day
    late = np.where(some(rng, n, 0.35), rng.exponential(2.5, n), np.inf)
    return Cast(
        index=index,
        language=language,
        tz=np.array([p[0] for p in place], dtype=float) if tz is None else tz,
        ips=used,
        clients=ua,
        tls=world.coder("tls_fingerprint").codes([*network.tls(rng, ua[:, 0])]),
        channel=world.coder("channel").codes(channel_names),
        model=rng.choice(4, n, p=[0.42, 0.3, 0.16, 0.12]),
        switch=np.full(n, np.inf) if release is None else release + late,
        temperature=np.where(
            on_web,
            np.nan,
            rng.choice([np.nan, 0, 0.2, 0.3, 0.5, 0.7, 0.8, 1.0], n, p=[0.4, 0.17, 0.1, 0.05, 0.05, 0.13, 0.02, 0.08]),
        ),
        top_p=rng.choice([np.nan, 0.8, 0.9, 0.95, 1.0], n, p=[0.78, 0.02, 0.06, 0.06, 0.08]),
        max_output=rng.choice(
            [-1, 64, 256, 500, 512, 1000, 1024, 2000, 2048, 4096, 8192],
            n,
            p=[0.42, 0.03, 0.06, 0.05, 0.06, 0.06, 0.08, 0.04, 0.08, 0.08, 0.04],
        ),
        stream=np.where(on_web, 1, some(rng, n, 0.45)).astype(np.int64),
        effort=rng.choice([-1, 0, 1, 2], n, p=[0.8, 0.06, 0.09, 0.05]),
        tools=np.where(on_web | some(rng, n, 0.8), 0, rng.integers(1, 9, n)),
        schema=np.full(n, -1),
        format=np.where(on_web | some(rng, n, 0.85), -1, 0),
        org=world.coder("org_id").codes(list(organisations)),
        keys=np.where(on_web, -1, world.coder("api_key_id").new(world.token("key_", n))),
        created=created,
        declares_session=(on_web | some(rng, n, 0.3)).astype(np.int64),
        until=np.full(n, np.inf),
    )


def hash_place(code: str) -> int:
    """A small number for a country code, to prefer its access networks."""
    return ord(code[0]) * 3 + ord(code[1])


def signup_burst(world: World, n: int, day: float, hours: float) -> Ints:
    """Creation times within a few hours of a day of the log (may lie before it)."""
    return (world.start + day * DAY + world.rng.gamma(2, hours / 4, n) * HOUR).astype(np.int64)
