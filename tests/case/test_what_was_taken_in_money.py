"""Money by model; what has no price is unknown."""

from __future__ import annotations

from pathlib import Path

import pytest

from stillwatch.case import Price, PriceTable, campaign_cost, impact_cost, price_table
from stillwatch.domain.errors import InputError
from stillwatch.domain.verdict import Impact
from tests.report.example import example, group

TAKEN = Impact(input_tokens=2_000_000, output_tokens=1_000_000, reasoning_tokens=500_000)
TABLE = PriceTable(
    currency="USD",
    models={
        "atlas-*": Price(input_per_million=3.0, output_per_million=15.0),
        "atlas-small*": Price(input_per_million=1.0, output_per_million=5.0),
        "atlas-small-old": Price(input_per_million=0.5, output_per_million=1.0),
    },
)


def test_one_model_costs_its_tokens() -> None:
    cost = campaign_cost(group(1, "campaign", 9, 100, impact=TAKEN, models={"atlas-large": 100}), TABLE)
    assert cost == (21.0, (), False)


def test_the_most_particular_glob_decides() -> None:
    assert TABLE.price("atlas-small-new") == TABLE.models["atlas-small*"]
    assert TABLE.price("atlas-small-old") == TABLE.models["atlas-small-old"]
    assert TABLE.price("other") is None


def test_several_models_share_the_tokens_and_the_cost_is_called_an_estimate() -> None:
    both = group(1, "campaign", 9, 100, impact=TAKEN, models={"atlas-large": 50, "atlas-small": 50})
    assert campaign_cost(both, TABLE) == (14.0, (), True)


@pytest.mark.parametrize("models", [{"atlas-large": 99, "unlisted": 1}, {}, {"atlas-large": 60}])
def test_a_missing_price_or_model_makes_the_cost_unknown(models: dict[str, int]) -> None:
    assert campaign_cost(group(1, "campaign", 9, 100, impact=TAKEN, models=models), TABLE).amount is None


def test_the_case_says_what_had_no_price() -> None:
    case = example()
    priced = impact_cost(case, TABLE)
    first, third = priced.campaigns[0], priced.campaigns[2]
    assert first.impact.list_price is not None and first.impact.currency == "USD"
    assert third.impact.list_price is None
    assert priced.run["prices"]["models_without_price"] == sorted(third.models)
    assert case.run["prices"]["models_without_price"] == ["atlas-small"], "the given case is not changed"


def test_without_token_counts_the_cost_is_unknown_not_zero() -> None:
    case = example()
    case.run["columns"] = ["ts", "account_id", "model"]
    assert all(c.impact.list_price is None for c in impact_cost(case, TABLE).campaigns)


def test_a_price_table_is_read(tmp_path: Path) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text('currency: USD\nmodels: {"atlas-*": {input_per_million: 3, output_per_million: 15.0}}\n')
    assert price_table(path) == PriceTable(
        currency="USD", models={"atlas-*": Price(input_per_million=3.0, output_per_million=15.0)}
    )


@pytest.mark.parametrize(
    "text",
    [
        "currency: [",
        "models: {}",
        "currency: USD\nmodels: {a: {input_per_million: 3}}",
        "currency: USD\nmodels: {a: {input_per_million: 3, output_per_million: x}}",
        "currency: USD\nmodels: {a: {input_per_million: -3, output_per_million: 1}}",
        "currency: USD\nmodels: {a: {input_per_million: .nan, output_per_million: 1}}",
        "currency: USD\nmodels: {a: {input_per_million: 1, output_per_million: 1, per: 2}}",
    ],
)
def test_a_bad_price_table_is_a_clear_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "prices.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=r"prices\.yaml"):
        price_table(path)


def test_a_missing_price_table_is_a_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="cannot be opened"):
        price_table(tmp_path / "none.yaml")
