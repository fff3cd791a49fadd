"""Addresses, networks and clients: one stock for everybody, honest or not."""

from __future__ import annotations

from typing import Any

import numpy as np

Rng = np.random.Generator
Ints = np.ndarray[Any, np.dtype[np.int64]]

_STOCK = np.random.default_rng(20260615)
_NETS = _STOCK.permutation(
    np.array([a * 256 + b for a in range(11, 198) if a not in (127, 169, 172, 192) for b in range(256)])
)
RESIDENTIAL = _NETS[:2400].reshape(80, 30)
"""80 access networks of 30 prefixes (/16) each."""
MOBILE = _NETS[2400:2440].reshape(20, 2)
DATACENTRE = _NETS[2440:2740].reshape(30, 10)
VPN = _NETS[2740:2764].reshape(8, 3)

_ASN = np.zeros(65536, dtype=np.int64)
for _block, _base in ((RESIDENTIAL, 3200), (MOBILE, 21900), (DATACENTRE, 14000), (VPN, 39300)):
    for _i, _nets in enumerate(_block):
        _ASN[_nets] = _base + 17 * _i + 3

VPN_EXITS = (VPN[_STOCK.integers(0, 8, 90), _STOCK.integers(0, 3, 90)] << 16) | _STOCK.integers(1, 65535, 90)
"""Exits of consumer VPNs, shared by strangers in every role."""
MOBILE_EXITS = (MOBILE[_STOCK.integers(0, 20, 160), _STOCK.integers(0, 2, 160)] << 16) | _STOCK.integers(1, 65535, 160)
"""Carrier-grade NAT of mobile networks."""


def asn_of(ip: Ints) -> Ints:
    """The network number an address belongs to."""
    numbers: Ints = _ASN[ip >> 16]
    return numbers


def _zipf(n: int, power: float = 1.0) -> np.ndarray[Any, np.dtype[np.float64]]:
    weight: np.ndarray[Any, np.dtype[np.float64]] = np.power(np.arange(1, n + 1, dtype=np.float64), -power)
    weight /= weight.sum()
    return weight


def residential(rng: Rng, n: int, region: Ints | None = None) -> Ints:
    """Home addresses; ``region`` (any whole number) prefers a few networks."""
    network = rng.choice(80, n, p=_zipf(80, 0.8))
    if region is not None:
        network = (region * 11 + rng.choice(12, n, p=_zipf(12))) % 80
    return (RESIDENTIAL[network, rng.integers(0, 30, n)] << 16) | rng.integers(1, 65535, n)


def datacentre(rng: Rng, n: int) -> Ints:
    """Addresses of rented machines."""
    return (DATACENTRE[rng.choice(30, n, p=_zipf(30)), rng.integers(0, 10, n)] << 16) | rng.integers(1, 65535, n)


def dotted(ip: Ints) -> list[str]:
    """Addresses as text."""
    return [f"{x >> 24}.{x >> 16 & 255}.{x >> 8 & 255}.{x & 255}" for x in ip.tolist()]


def _clients() -> tuple[list[str], list[str]]:
    api = [
        f"atlas-python/{a}.{b}.{c}"
        for a, b, c in [(1, 44, 0), (1, 43, 2), (1, 42, 0), (2, 0, 1), (1, 40, 3), (1, 38, 0), (0, 28, 1), (1, 31, 1)]
    ]
    api += [f"atlas-node/{v}" for v in ("4.52.0", "4.51.1", "4.48.0", "5.0.0", "4.20.1", "3.3.0")]
    api += [f"python-requests/2.{v}" for v in ("32.3", "31.0", "28.2", "32.4")] + [
        f"python-httpx/0.{v}" for v in ("27.0", "28.1", "25.2")
    ]
    api += [
        "axios/1.7.2",
        "axios/1.6.8",
        "node-fetch/1.0",
        "undici",
        "Go-http-client/2.0",
        "okhttp/4.12.0",
        "aiohttp/3.9.5",
    ]
    api += [
        "curl/8.5.0",
        "curl/7.88.1",
        "Java-http-client/21.0.3",
        "Apache-HttpClient/5.3",
        "ruby-openapi/3.2",
        "Guzzle/7",
        "reqwest/0.12",
    ]
    api += [f"langkit/{a}.{b} atlas-python/1.4{c}.0" for a in range(2) for b in range(1, 8) for c in range(4)]
    api += [f"botframe-{k}/{v}.{w}" for k in ("slack", "telegram", "discord", "wp") for v in (1, 2) for w in range(5)]
    web = []
    for system in (
        "Windows NT 10.0; Win64; x64",
        "Macintosh; Intel Mac OS X 10_15_7",
        "X11; Linux x86_64",
        "iPhone; CPU iPhone OS 18_4 like Mac OS X",
        "Linux; Android 15; Pixel 8",
        "Linux; Android 14; SM-S921B",
    ):
        for version in (137, 136, 135, 134, 131, 128, 124):
            web.append(
                f"Mozilla/5.0 ({system}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{version}.0.0.0 Safari/537.36"
            )
        for version in (139, 138, 128):
            web.append(f"Mozilla/5.0 ({system}; rv:{version}.0) Gecko/20100101 Firefox/{version}.0")
    order = np.random.default_rng(5).permutation(len(web))
    return api, [web[i] for i in order]


API_CLIENTS, WEB_CLIENTS = _clients()
CLIENTS = [*API_CLIENTS, *WEB_CLIENTS]


def client(rng: Rng, web: np.ndarray[Any, np.dtype[np.bool_]]) -> Ints:
    """Client numbers (into CLIENTS) as honest users have them."""
    n = len(web)
    api = rng.choice(len(API_CLIENTS), n, p=_zipf(len(API_CLIENTS), 1.05))
    return np.where(web, len(API_CLIENTS) + rng.choice(len(WEB_CLIENTS), n, p=_zipf(len(WEB_CLIENTS), 0.8)), api)


def tls(rng: Rng, client_numbers: Ints) -> list[str]:
    """JA4-like fingerprints: a few per client family, with rarer builds."""
    variant = rng.choice(6, len(client_numbers), p=[0.62, 0.2, 0.09, 0.05, 0.03, 0.01])
    return [_ja4(c, v) for c, v in zip(client_numbers.tolist(), variant.tolist(), strict=True)]


def _ja4(client_number: int, variant: int) -> str:
    family = CLIENTS[client_number].split("/")[0] if client_number < len(API_CLIENTS) else CLIENTS[client_number][-22:]
    r = np.random.default_rng([*family.encode(), variant])
    a, b = int(r.integers(0, 16**12)), int(r.integers(0, 16**12))
    return f"t13d{15 + variant:02d}{int(r.integers(7, 14)):02d}h2_{a:012x}_{b:012x}"
