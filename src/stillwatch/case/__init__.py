"""A case on disk: writing it, reading it back, and what was taken in money."""

from __future__ import annotations

from stillwatch.case.impact import Cost, campaign_cost, impact_cost
from stillwatch.case.layout import CASE_FORMAT
from stillwatch.case.prices import Price, PriceTable, price_table
from stillwatch.case.read import read_case
from stillwatch.case.write import check_place, write_case

__all__ = [
    "CASE_FORMAT",
    "Cost",
    "Price",
    "PriceTable",
    "campaign_cost",
    "check_place",
    "impact_cost",
    "price_table",
    "read_case",
    "write_case",
]
