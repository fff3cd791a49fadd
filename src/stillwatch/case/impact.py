"""What was taken, in money at list price. What has no price is unknown, never free."""

from __future__ import annotations

from typing import NamedTuple

import msgspec

from stillwatch.case.prices import PriceTable
from stillwatch.domain.verdict import Campaign, CaseResult

TOKEN_COLUMNS = ("input_tokens", "output_tokens")


class Cost(NamedTuple):
    """The list price of one group's harvest."""

    amount: float | None
    """None where a model has no price, or part of the exchanges no model."""
    unpriced: tuple[str, ...]
    apportioned: bool
    """True when tokens were divided among differently priced models by their exchanges: then it is an estimate."""


def campaign_cost(campaign: Campaign, table: PriceTable) -> Cost:
    """Tokens × price. A group's tokens are known in sum only, so several models share them by exchanges."""
    prices = {model: table.price(model) for model in sorted(campaign.models)}
    unpriced = tuple(model for model, price in prices.items() if price is None)
    named = sum(campaign.models.values())
    if unpriced or not named or named < campaign.harvest_exchanges:
        return Cost(None, unpriced, False)
    taken, amount = campaign.impact, 0.0
    for model, price in prices.items():
        if price is not None:
            share = campaign.models[model] / named
            amount += share * taken.input_tokens * price.input_per_million / 1e6
            amount += share * taken.output_tokens * price.output_per_million / 1e6
    return Cost(round(amount, 2), (), len(set(prices.values())) > 1)


def impact_cost(case: CaseResult, table: PriceTable) -> CaseResult:
    """The case with ``list_price`` and ``currency`` in every impact, and what had no price under ``run["prices"]``.

    Where the log carries no token counts (``run["columns"]``), cost is unknown throughout.
    """
    columns = case.run.get("columns")
    counted = columns is None or all(name in columns for name in TOKEN_COLUMNS)
    costs = [campaign_cost(c, table) if counted else Cost(None, (), False) for c in case.campaigns]
    campaigns = tuple(
        msgspec.structs.replace(
            c, impact=msgspec.structs.replace(c.impact, list_price=cost.amount, currency=table.currency)
        )
        for c, cost in zip(case.campaigns, costs, strict=True)
    )
    prices = {
        "currency": table.currency,
        "models_without_price": sorted({model for cost in costs for model in cost.unpriced}),
        "estimated_groups": [c.id for c, cost in zip(campaigns, costs, strict=True) if cost.apportioned],
    }
    return CaseResult(
        accounts=case.accounts,
        campaigns=campaigns,
        evidence=case.evidence,
        run={**case.run, "prices": prices},
        quarantine=case.quarantine,
    )
