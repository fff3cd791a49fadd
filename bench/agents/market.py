"""Where operators get accounts and addresses, and what each seller's habits leave behind."""

from __future__ import annotations

from dataclasses import dataclass, field

from bench.agents.clock import DAY, HOUR
from bench.agents.dice import Dice
from bench.agents.internet import COUNTRIES
from bench.agents.ledger import Where
from bench.agents.people import person
from bench.agents.world import Account, World


@dataclass
class Seller:
    """A seller of accounts. `per_*` say how many accounts share one card, telephone, device or sign-up address."""

    name: str
    per_card: int = 6
    per_phone: int = 4
    per_device: int = 1
    per_address: int = 3
    mail: str = "free"  # free, own (a few catch-all domains), throwaway
    age_days: tuple[float, float] = (0.5, 12)  # age when sold
    burst_hours: float = 8  # accounts are made in sittings this long
    sitting: int = 25
    plans: tuple[str, ...] = ("payg", "plus")
    programme: str | None = None
    countries: tuple[str, ...] = ()  # none: anywhere
    language: str = "en"
    _made: int = 0
    _pools: dict[str, str] = field(default_factory=dict)

    def supply(self, world: World, dice: Dice, count: int, sold_at: int, role: str) -> list[Account]:
        """`count` accounts handed over at `sold_at` (µs)."""
        accounts = []
        sitting_at = 0
        shares = {c: w for c, (_, _, w) in COUNTRIES.items() if not self.countries or c in self.countries}
        for i in range(count):
            if i % self.sitting == 0:
                sitting_at = sold_at - int(dice.py.uniform(*self.age_days) * DAY) - int(self.burst_hours * HOUR)
            made_at = sitting_at + int(dice.py.uniform(0, self.burst_hours) * HOUR)
            country = dice.weighted(shares)
            account = world.open_account(
                dice,
                role,
                country,
                self.language,
                created_at=min(made_at, sold_at),
                plan=dice.pick(self.plans),
                programme=self.programme,
                verification=dice.pick(("phone", "phone", "email")),
                payment_fingerprint=self._shared(world, dice, "card", self.per_card),
                phone_fingerprint=self._shared(world, dice, "tel", self.per_phone),
                device_fingerprint=self._shared(world, dice, "dev", self.per_device) if dice.chance(0.7) else None,
                signup_ip=self._address(world, dice, country),
                email_domain=self._mail(world, dice),
            )
            if account.plan in ("free", "trial"):
                account.payment_fingerprint = None
            if account.verification == "email":
                account.phone_fingerprint = None
            self._made += 1
            accounts.append(account)
        return accounts

    def _shared(self, world: World, dice: Dice, kind: str, per: int) -> str:
        key = f"{kind} {self._made // per}"
        return self._pools.setdefault(key, dice.token(kind))

    def _address(self, world: World, dice: Dice, country: str) -> str:
        key = f"address {self._made // self.per_address}"
        return self._pools.setdefault(key, str(world.internet.office(country).client_ip))

    def _mail(self, world: World, dice: Dice) -> str:
        if self.mail == "free":
            return world.mail(dice, self.language)
        key = f"mail {dice.py.randrange(5)}"
        return self._pools.setdefault(
            key, f"{self.mail}{dice.py.randrange(100, 999)}.{dice.pick(['site', 'top', 'com', 'me'])}"
        )


def careful(name: str) -> Seller:
    """A seller who shares nothing between accounts and lets them grow old."""
    return Seller(name, 1, 1, 1, 1, "free", (20, 400), 500, 1, ("payg", "plus", "pro"))


@dataclass
class Proxies:
    """Rented exits: each account keeps one for `sticky_hours`, then gets another."""

    exits: list[Where]
    sticky_hours: float = 6

    def exit(self, account: Account, at: int) -> Where:
        rent = Dice("rent", account.key, int(at / (self.sticky_hours * HOUR)) if self.sticky_hours else at)
        return rent.pick(self.exits)


def grey_buyers(world: World, dice: Dice, seller: Seller, count: int) -> None:
    """Ordinary people without a card of their own buy from the same seller as the operators."""
    for i, account in enumerate(seller.supply(world, dice, count, world.at(-0.2), "honest:grey_buyer")):
        own = dice.child("grey", i)
        language = own.pick(["zh", "ru", "en", "es"])
        someone = person(world, own, "honest:grey_buyer", language=language, account=account)
        account.language = language
        someone.live()
