"""Promises of the attacker's bill."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from stillwatch.cli.lab import app
from stillwatch.domain.errors import InputError
from stillwatch.lab.economics import (
    Choice,
    Prices,
    Tokens,
    bill,
    cheapest,
    descend,
    every_choice,
    hazard,
    life,
    overrides,
    read_prices,
)
from stillwatch.lab.intervals import clopper_pearson
from stillwatch.lab.power import Axis
from stillwatch.lab.scenario import Campaign

PRICES = read_prices(None)
ROUND = msgspec.structs.replace(
    PRICES,
    account=10.0,
    payment_instrument=4.0,
    device_profile=2.0,
    address_day=1.0,
    input_per_million=1.0,
    output_per_million=10.0,
    paraphrase=0.01,
    cover_recovered=0.0,
    delay_day=7.0,
    account_life_days=10.0,
    replacement_days=0.0,
    pool=50.0,
    most_accounts=100,
)
PLAIN = Campaign(name="c", accounts=100, requests_per_account_day=10, infrastructure="unique")


def test_a_bill_by_hand() -> None:
    """10,000 exchanges at 10 a day for 10 days: 100 accounts, one round of the pool, ten days."""
    cost = bill(PLAIN, 10_000, 0.0, 2.0, Tokens(1000, 100), ROUND)
    assert (cost.accounts, cost.life_days, cost.days) == (100, 10, 10)
    expected = {
        "accounts": 1000,
        "payment": 400,
        "devices": 200,
        "addresses": 1000,
        "tokens": 20,
        "delay": 70,
        "pools": 50,
    }
    assert cost.parts == pytest.approx(expected | {"cover": 0, "paraphrase": 0})
    assert cost.total == pytest.approx(2740)


def test_sharing_cover_and_paraphrase_are_paid_for() -> None:
    shared = msgspec.structs.replace(
        PLAIN, infrastructure="shared", payment_sharing=8, device_sharing=5, cover=0.5, paraphrase=0.5
    )
    parts = bill(shared, 10_000, 0.0, 2.0, Tokens(1000, 100), ROUND).parts
    assert (parts["payment"], parts["devices"]) == pytest.approx((50, 40))
    assert parts["addresses"] == pytest.approx(1000 * (1 / 16 + 1 / 20))
    assert (parts["cover"], parts["paraphrase"]) == pytest.approx((20, 50))


def test_small_pools_are_paid_for() -> None:
    small = msgspec.structs.replace(PLAIN, accounts=20)
    assert bill(small, 10_000, 0.0, 2.0, Tokens(1000, 100), ROUND).parts["pools"] == pytest.approx(250)


def test_a_life_ends_with_the_window_that_names_it() -> None:
    prices = msgspec.structs.replace(PRICES, account_life_days=6.0, action_days=0.5)
    assert life(0.5, 2.0, prices) == pytest.approx(0.5 * 2.5 + 0.25 * 4.5 + 0.25 * 6)
    assert life(1.0, 6.0, prices) == 6.0, "an ordinary end comes before the ban"


@given(st.floats(0, 1), st.floats(0, 1))
def test_being_named_more_often_never_pays(one: float, other: float) -> None:
    low, high = sorted((one, other))
    costs = [bill(PLAIN, 10_000, p, 2.0, Tokens(1000, 100), PRICES).total for p in (low, high)]
    assert costs[0] <= costs[1] * (1 + 1e-9)


def test_hazard_is_the_mean_with_an_exact_interval() -> None:
    assert hazard([1.0, 0.0, 1.0, 1.0])[:3] == (0.75, *clopper_pearson(3, 4))
    part = hazard([0.5, 0.5])
    assert part.low < 0.5 < part.high


AXES = (Axis("cover", ("campaigns.0.cover",), (0, 0.5, 0.9)), Axis("jitter", ("campaigns.0.jitter",), (0, 1)))


def test_choices_are_all_combinations_and_become_dials() -> None:
    assert len(list(every_choice(AXES))) == 6
    assert overrides(AXES, (2, 1)) == {"campaigns.0.cover": 0.9, "campaigns.0.jitter": 1}
    assert cheapest(AXES, lambda c: abs(c[0] - 1) + c[1]) == (1, 0)


def test_descent_finds_the_lowest_point_of_a_bowl_and_measures_no_more_than_lines() -> None:
    asked: list[Choice] = []

    def cost(choices: object) -> dict[Choice, float]:
        asked.extend(choices)  # type: ignore[call-overload]
        return {c: float((c[0] - 1) ** 2 + (c[1] - 1) ** 2) for c in choices}  # type: ignore[attr-defined]

    assert descend(AXES, (2, 0), cost, rounds=5) == (1, 1)
    assert len(asked) == 10, "two rounds of both axes"


def test_descent_stays_where_nothing_is_cheaper() -> None:
    assert descend(AXES, (1, 1), lambda cs: dict.fromkeys(cs, 1.0), rounds=3) == (1, 1)


@pytest.mark.parametrize(
    "change", [{"account": -1.0}, {"delay_day": float("nan")}, {"most_accounts": 0}, {"cover_recovered": 2.0}]
)
def test_prices_that_cannot_be_are_refused(tmp_path: Path, change: dict[str, float]) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(json.dumps(msgspec.to_builtins(PRICES) | change).replace("NaN", ".nan"))
    with pytest.raises(InputError):
        read_prices(path)


def test_a_file_without_prices_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        read_prices(tmp_path / "none.yaml")


def test_the_command_prices_what_it_measures(tmp_path: Path) -> None:
    small = ["--set", "honest={chat: 60}", "--set", "campaigns.0.accounts=20", "--set", "days=1"]
    args = ["economics", "power-base", *small, "--axis", "infrastructure=shared,unique", "--seeds", "1", "--jobs", "1"]
    done = CliRunner().invoke(app, [*args, "--out", str(tmp_path), "--json"])
    assert done.exit_code == 0, done.output
    result = json.loads(done.output)
    assert result["multiplier"] >= 1 and len(result["tried"]) == 2
    assert result["multiplier_low"] <= result["multiplier"] <= result["multiplier_high"]
    assert result["without"]["dials"] == {"infrastructure": "shared"}
    assert result["tokens"]["input"] > 0
    assert "Stated prices" in (tmp_path / "economics.html").read_text("utf-8")


def test_several_campaigns_are_refused(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["economics", "demo", "--axis", "cover=0,1", "--out", str(tmp_path)])
    assert isinstance(done.exception, InputError)


def test_shipped_prices_are_all_there() -> None:
    assert PRICES.currency == "USD" and isinstance(PRICES, Prices)
