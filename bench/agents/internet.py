"""Networks: homes behind providers, mobile CGNAT, offices, clouds, commercial VPNs, rented residential proxies."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq
from bench.agents.dice import Dice
from bench.agents.ledger import Where

# country: (language, UTC offset in hours, weight among people)
COUNTRIES: dict[str, tuple[str, int, float]] = {
    "US": ("en", -6, 22), "GB": ("en", 1, 8), "IN": ("en", 5, 9), "CA": ("en", -5, 4), "NG": ("en", 1, 2),
    "PH": ("en", 8, 3), "AU": ("en", 10, 3), "DE": ("de", 2, 7), "AT": ("de", 2, 1), "FR": ("fr", 2, 6),
    "ES": ("es", 2, 4), "MX": ("es", -6, 4), "AR": ("es", -3, 2), "BR": ("pt", -3, 6), "PT": ("pt", 1, 1),
    "JP": ("ja", 9, 5), "CN": ("zh", 8, 5), "TW": ("zh", 8, 2), "SG": ("zh", 8, 2), "RU": ("ru", 3, 4),
    "KZ": ("ru", 5, 2), "GE": ("ru", 4, 1), "UA": ("ru", 3, 1), "IL": ("ru", 3, 1), "MY": ("zh", 8, 1),
}  # fmt: skip
LANGUAGE_COUNTRIES = {
    lang: {c: w for c, (spoken, _, w) in COUNTRIES.items() if spoken == lang}
    for lang in sorted({spoken for spoken, _, _ in COUNTRIES.values()})
}


@dataclass(slots=True)
class Provider:
    """A home or mobile provider: its ASN and a few /16 prefixes; `cgnat` addresses are shared by many homes."""

    asn: int
    prefixes: list[int]
    cgnat: list[str]


@dataclass(slots=True)
class Pool:
    """A set of exits behind one name (a VPN vendor, a cloud region, an office)."""

    asn: int
    exits: list[str]

    def exit(self, dice: Dice) -> Where:
        return Where(dice.pick(self.exits), self.asn)


@dataclass
class Internet:
    """All networks of one world."""

    dice: Dice
    folder: Path
    providers: dict[str, list[Provider]] = field(default_factory=dict)
    mobiles: dict[str, list[Provider]] = field(default_factory=dict)
    homes: list[Where] = field(default_factory=list)
    clouds: list[Pool] = field(default_factory=list)
    vpns: list[Pool] = field(default_factory=list)

    def __post_init__(self) -> None:
        dice = self.dice
        for country in COUNTRIES:
            self.providers[country] = [self._provider(3, 6) for _ in range(4)]
            self.mobiles[country] = [self._provider(2, 40) for _ in range(2)]
        ranges = pq.read_table(self.folder / "E_ip_ranges_dc_vpn.parquet").to_pylist()
        asns = pq.read_table(self.folder / "E_asn_lists.parquet")["asn"].to_pylist()
        four = [row for row in ranges if row["ip_version"] == 4]
        hosting = [row["cidr"] for row in four if row["category"] == "datacenter"]
        tunnels = [row["cidr"] for row in four if row["category"].startswith("vpn")]
        self.clouds = [self._pool(dice.some(hosting, 40), dice.pick(asns), 400) for _ in range(8)]
        self.vpns = [self._pool(dice.some(tunnels, 30), dice.pick(asns), dice.pick([24, 60, 120])) for _ in range(6)]

    def _provider(self, prefixes: int, shared: int) -> Provider:
        roll = self.dice.py
        starts = [roll.randrange(20, 220) << 24 | roll.randrange(256) << 16 for _ in range(prefixes)]
        provider = Provider(roll.randrange(3_000, 65_000), starts, [])
        provider.cgnat = [self._address(provider) for _ in range(shared)]
        return provider

    def _address(self, provider: Provider) -> str:
        return _dotted(self.dice.pick(provider.prefixes) + self.dice.py.randrange(1, 65_535))

    def _pool(self, cidrs: list[str], asn: int, size: int) -> Pool:
        exits = []
        for _ in range(size):
            base, _, bits = self.dice.pick(cidrs).partition("/")
            start = sum(int(part) << shift for part, shift in zip(base.split("."), (24, 16, 8, 0), strict=True))
            exits.append(_dotted(start + self.dice.py.randrange(1 << (32 - int(bits or 32)))))
        return Pool(asn, exits)

    def home(self, country: str) -> Where:
        """A household's address; one in eight shares its provider's CGNAT."""
        provider = self.dice.pick(self.providers[country])
        address = self.dice.pick(provider.cgnat) if self.dice.chance(0.12) else self._address(provider)
        where = Where(address, provider.asn)
        self.homes.append(where)
        return where

    def mobile(self, country: str, dice: Dice) -> Where:
        provider = dice.pick(self.mobiles[country])
        return Where(dice.pick(provider.cgnat), provider.asn)

    def office(self, country: str) -> Where:
        provider = self.dice.pick(self.providers[country])
        return Where(self._address(provider), provider.asn)

    def server(self) -> Where:
        return self.dice.pick(self.clouds).exit(self.dice)

    def pool(self, country: str, size: int) -> Pool:
        """A few addresses of one provider: a campus, a city's CGNAT, a venue."""
        provider = self.dice.pick(self.providers[country])
        return Pool(provider.asn, [self._address(provider) for _ in range(size)])

    def residential(self, size: int, countries: list[str]) -> list[Where]:
        """Exits of a residential proxy network: home routers, some of them those of people in this world."""
        exits = []
        for _ in range(size):
            if self.homes and self.dice.chance(0.08):
                exits.append(self.dice.pick(self.homes))
            else:
                provider = self.dice.pick(self.providers[self.dice.pick(countries)])
                exits.append(Where(self._address(provider), provider.asn))
        return exits


def _dotted(number: int) -> str:
    return ".".join(str(number >> shift & 255) for shift in (24, 16, 8, 0))
