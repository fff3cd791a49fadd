"""What N exchanges cost an attacker who chooses the dials, with and without a detector that shortens accounts' lives.

A scan covers one window (the scenario's days). Each account is named in a window with the measured probability
``hazard`` (the mean share of a campaign's accounts that are named), banned after ``action_days``, and replaced. Windows
count as independent and a new pool as unknown to the defender, who in truth remembers: the multiplier is understated.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from importlib import resources
from itertools import product
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import yaml

from stillwatch.domain.errors import InputError
from stillwatch.lab.intervals import clopper_pearson
from stillwatch.lab.power import Axis
from stillwatch.lab.scenario import Campaign

Choice = tuple[int, ...]
"""A position on each axis."""


class Prices(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Stated prices and times, as ``prices.yaml`` explains them."""

    currency: str
    account: float
    payment_instrument: float
    device_profile: float
    address_day: float
    input_per_million: float
    output_per_million: float
    paraphrase: float
    cover_recovered: float
    delay_day: float
    account_life_days: float
    replacement_days: float
    action_days: float
    pool: float
    most_accounts: int


class Tokens(NamedTuple):
    """Mean tokens of one exchange of the harvest."""

    input: float
    output: float


class Hazard(NamedTuple):
    """Probability that an account is named within one window, with its 95 % interval, and the worlds behind it."""

    value: float
    low: float
    high: float
    worlds: int


class Cost(NamedTuple):
    """The bill of one way to harvest."""

    total: float
    accounts: float
    """Accounts opened over the whole harvest."""
    life_days: float
    days: float
    parts: dict[str, float]


class Tried(NamedTuple):
    """A measured point of the search."""

    choice: Choice
    hazard: Hazard
    cost: Cost


def read_prices(path: Path | None) -> Prices:
    """The shipped assumptions, or a file like them. Raises :class:`InputError` where it is not one."""
    source = resources.files("stillwatch.lab").joinpath("prices.yaml")
    try:
        text = source.read_text("utf-8") if path is None else path.read_text("utf-8")
        found = msgspec.convert(yaml.safe_load(text), Prices)
    except (OSError, yaml.YAMLError, msgspec.ValidationError, UnicodeDecodeError) as exc:
        raise InputError(f"is not a price file: {exc}", where=str(path)) from exc
    for name in Prices.__struct_fields__:
        value = getattr(found, name)
        if name != "currency" and (not math.isfinite(value) or value < 0):
            raise InputError(f"{name} is negative or not a number", where=str(path))
    if found.account_life_days <= 0 or found.most_accounts < 1 or found.cover_recovered > 1:
        raise InputError("a life of no days, no accounts, or cover that pays more than it costs", where=str(path))
    return found


def hazard(recalls: Sequence[float]) -> Hazard:
    """From the share of accounts named in each world.

    The interval is Clopper and Pearson's with the sum of shares as hits: as wide as if every world were all or nothing,
    which no bounded measurement exceeds in variance.
    """
    total = sum(recalls)
    low, high = clopper_pearson(total, len(recalls))
    return Hazard(total / len(recalls) if recalls else 0.0, low, high, len(recalls))


def life(probability: float, window: float, prices: Prices) -> float:
    """Expected days that an account works: until the ban after the first window that names it, or its ordinary end.

    >>> life(0.0, 2.0, read_prices(None)), life(1.0, 2.0, read_prices(None))
    (30.0, 2.5)
    """
    expected, alive = 0.0, 1.0
    for number in range(1, math.ceil(prices.account_life_days / window) + 1):
        ended = min(number * window + prices.action_days, prices.account_life_days)
        expected += alive * probability * ended
        alive *= 1 - probability
    return expected + alive * prices.account_life_days


def bill(campaign: Campaign, exchanges: int, probability: float, window: float, tokens: Tokens, prices: Prices) -> Cost:
    """The cost of ``exchanges`` with a campaign's dials, run as many pools of its size as accounts allow.

    Pools share nothing, and a pool whose accounts are gone is followed by a new one: small pools are paid for.
    ``unique`` infrastructure means one address per account, and one card and device where the campaign does not say
    otherwise; ``shared`` about one address for nine accounts (the pool that the generator draws).
    """
    lived = life(probability, window, prices)
    rate = campaign.requests_per_account_day
    opened = exchanges / (rate * lived)
    addresses = {"unique": 1.0, "shared": 1 / 16 + 1 / 20, "mixed": 0.5 + 0.5 * (1 / 16 + 1 / 20)}
    pools = max(prices.most_accounts // max(campaign.accounts, 1), 1)
    busy = pools * campaign.accounts * rate * lived / (lived + prices.replacement_days)
    days = exchanges / busy
    one = (tokens.input * prices.input_per_million + tokens.output * prices.output_per_million) / 1e6
    cover = campaign.cover / (1 - campaign.cover)
    parts = {
        "accounts": opened * prices.account,
        "payment": opened * prices.payment_instrument / campaign.per_payment,
        "devices": opened * prices.device_profile / campaign.per_device,
        "addresses": opened * lived * addresses[campaign.infrastructure] * prices.address_day,
        "pools": opened / max(campaign.accounts, 1) * prices.pool,
        "tokens": exchanges * one,
        "cover": exchanges * one * cover * (1 - prices.cover_recovered),
        "paraphrase": exchanges * campaign.paraphrase * prices.paraphrase,
        "delay": days * prices.delay_day,
    }
    return Cost(sum(parts.values()), opened, lived, days, parts)


def every_choice(axes: Sequence[Axis]) -> Iterator[Choice]:
    """All combinations of the axes' values."""
    return product(*(range(len(axis.values)) for axis in axes))


def overrides(axes: Sequence[Axis], choice: Choice) -> dict[str, Any]:
    """The dials of a choice."""
    return {path: v for axis, at in zip(axes, choice, strict=True) for path, v in axis.at(axis.values[at]).items()}


def cheapest(axes: Sequence[Axis], cost: Callable[[Choice], float]) -> Choice:
    """The cheapest of all combinations; the first of equals."""
    return min(every_choice(axes), key=cost)


def descend(
    axes: Sequence[Axis], start: Choice, try_all: Callable[[Sequence[Choice]], dict[Choice, float]], rounds: int
) -> Choice:
    """Coordinate descent: each axis in turn to its cheapest value, until a round changes nothing."""
    best = start
    for _ in range(rounds):
        before = best
        for number, axis in enumerate(axes):
            line = [(*best[:number], at, *best[number + 1 :]) for at in range(len(axis.values))]
            costs = try_all(line)
            best = min(line, key=lambda c: (costs[c], c != best))
        if best == before:
            break
    return best
