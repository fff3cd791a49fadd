"""Addresses, clients and request parameters people really use."""

from __future__ import annotations

import ipaddress
import zlib
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from bench.realtext.texts import read

HOMES = [24, 47, 67, 68, 71, 73, 76, 81, 82, 86, 88, 90, 95, 98, 99, 109, 113, 121, 151, 174, 177, 189, 201, 218, 222]
CARRIERS = [7922, 701, 20115, 3320, 3215, 2856, 4134, 4837, 9829, 12389, 28573, 7018, 22773, 5089, 12322, 3352, 17676]
SDK_VERSIONS = ["1.52.0", "1.54.4", "1.58.1", "1.61.0", "1.66.3", "1.70.0", "2.1.0", "2.3.2"]
BROWSERS = [
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 "
    "Safari/537.36",
    "Mozilla/5.0 (Linux; Android 15; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Mobile Safari/537.36",
]
LIBRARIES = ("python-requests", "okhttp", "axios", "node-fetch", "Go-http-client", "aiohttp", "python-httpx", "curl")
PARAMETERS: list[dict[str, Any]] = [
    {},
    {"temperature": 0.0},
    {"temperature": 0.7},
    {"temperature": 1.0},
    {"temperature": 0.2, "max_output_tokens": 1024},
    {"temperature": 0.7, "max_output_tokens": 1024},
    {"temperature": 0.7, "top_p": 0.95, "max_output_tokens": 2048},
    {"temperature": 0.0, "max_output_tokens": 512},
    {"temperature": 1.0, "top_p": 1.0, "max_output_tokens": 2048},
    {"max_output_tokens": 4096},
    {"temperature": 0.3, "top_p": 0.9},
    {"temperature": 0.5, "max_output_tokens": 800},
]


@dataclass(frozen=True, slots=True)
class Stack:
    user_agent: str
    tls: str


class Network:
    def __init__(self, data: Path, rng: np.random.Generator) -> None:
        self.data, self.rng = data, rng

    @cached_property
    def ranges(self) -> dict[str, list[tuple[int, int]]]:
        out: dict[str, list[tuple[int, int]]] = {"datacenter": [], "vpn": []}
        for row in read(self.data, "E_ip_ranges_dc_vpn"):
            if row["ip_version"] == 4:
                block = ipaddress.IPv4Network(row["cidr"], strict=False)
                out[row["category"].split(":")[0]].append((int(block.network_address), block.num_addresses))
        return out

    @cached_property
    def hosting(self) -> list[int]:
        return sorted({row["asn"] for row in read(self.data, "E_asn_lists")})

    @cached_property
    def exits(self) -> list[str]:
        """The VPN exits in use in this log; honest and hostile customers of the VPN share them."""
        return [self.inside("vpn") for _ in range(90)]

    @cached_property
    def carriers(self) -> list[str]:
        """Carrier-grade NAT addresses, each in front of many phones."""
        return [self.home() for _ in range(40)]

    @cached_property
    def stacks(self) -> tuple[list[Stack], list[Stack]]:
        rows = read(self.data, "E_ja4_samples")
        tls = {
            kind: sorted({row["ja4"] for row in rows if row["ja4"] and kind in (row[field] or "")})
            for kind, field in (("Python", "library"), ("GoLang", "library"), ("Chromium", "application"))
        }
        pick = self.rng.choice
        apps = [
            Stack(form.format(v=v), str(pick([j for j in tls["Chromium"] if j.startswith("t13")])))
            for v in range(136, 146)
            for form in BROWSERS
        ]
        apis = [Stack(f"OpenAI/Python {v}", tls["Python"][i % len(tls["Python"])]) for i, v in enumerate(SDK_VERSIONS)]
        apis += [Stack(f"OpenAI/JS 4.{v}.0", f"t13d1714h1_5b57614c22b0_{v:02x}45e6a1b2c0") for v in (67, 77, 85, 96)]
        agents = [str(row["user_agent"]) for row in read(self.data, "E_bot_user_agents")]
        for name in LIBRARIES:
            for agent in [agent for agent in agents if agent.lower().startswith(name.lower())][:3]:
                kind = "GoLang" if name.startswith("Go") else "Python"
                apis.append(Stack(agent, str(pick(tls[kind]))))
        return apps, apis

    @cached_property
    def clouds(self) -> list[tuple[int, int]]:
        """The blocks most servers of this log sit in."""
        blocks = self.ranges["datacenter"]
        return [blocks[int(i)] for i in self.rng.integers(len(blocks), size=30)]

    @cached_property
    def gateways(self) -> list[str]:
        """Egress addresses that unrelated customers share: cloud NAT, build services, commercial proxies."""
        return [self.inside("datacenter") for _ in range(70)]

    def server(self, shared: float) -> str:
        return str(self.rng.choice(self.gateways)) if self.rng.random() < shared else self.inside("datacenter")

    def inside(self, kind: str) -> str:
        blocks = self.clouds if kind == "datacenter" and self.rng.random() < 0.8 else self.ranges[kind]
        first, size = blocks[int(self.rng.integers(len(blocks)))]
        return str(ipaddress.IPv4Address(first + int(self.rng.integers(size))))

    def home(self) -> str:
        a, b, c, d = self.rng.choice(HOMES), *self.rng.integers(1, 255, 3)
        return f"{a}.{b}.{c}.{d}"

    def asn(self, address: str) -> int:
        """One network per /16; homes belong to carriers, listed ranges to hosters."""
        prefix = address.rsplit(".", 2)[0]
        pool = CARRIERS if int(prefix.split(".")[0]) in HOMES else self.hosting
        return pool[zlib.crc32(prefix.encode()) % len(pool)]

    def addresses(self, kind: str) -> list[str]:
        """The addresses one account comes from."""
        if kind == "home":
            return [self.home() for _ in range(1 + int(self.rng.random() < 0.4))]
        if kind == "cgnat":
            return [str(a) for a in self.rng.choice(self.carriers, 2, replace=False)]
        if kind == "vpn":
            return [str(a) for a in self.rng.choice(self.exits, int(self.rng.integers(1, 4)), replace=False)]
        return [self.server(0.3) for _ in range(1 + int(self.rng.random() < 0.3))]

    def stack(self, app: bool) -> Stack:
        """A client by popularity (Zipf), never one of a kind for attackers."""
        pool = self.stacks[0 if app else 1]
        rank = min(len(pool) - 1, int(self.rng.zipf(1.4)) - 1)
        return pool[rank]

    def parameters(self) -> dict[str, Any]:
        return dict(PARAMETERS[int(min(len(PARAMETERS) - 1, self.rng.geometric(0.22) - 1))])
