"""The attacker's bill on one page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from stillwatch.lab.economics import Cost, Prices
from stillwatch.lab.page import figure, heading, html, paragraph, table
from stillwatch.lab.plot import Mark, rows

_TIMES = (("accounts opened", "accounts"), ("days of an account's life", "life_days"), ("days of harvest", "days"))


def render(result: Mapping[str, Any], prices: Prices) -> str:
    """The page: multiplier, the two cheapest bills side by side, every measured point, the prices."""
    low, high = result["multiplier_low"], result["multiplier_high"]
    free, watched = result["without"], result["with"]
    head = (
        f"Harvesting {result['exchanges']:,} exchanges costs at least {free['total']:,.0f} {prices.currency} "
        f"without Stillwatch and {watched['total']:,.0f} {prices.currency} with it: "
        f"{result['multiplier']:.2f} times as much ({low:.2f} … {high:.2f} at the ends of the 95 % intervals). "
        "An attacker who keeps the dials that were cheapest without it pays "
        f"{result['unadapted_multiplier']:.2f} times."
    )
    bills = [("total", f"{free['total']:,.0f}", f"{watched['total']:,.0f}")]
    bills += [(name, f"{free['parts'][name]:,.0f}", f"{watched['parts'][name]:,.0f}") for name in watched["parts"]]
    bills.append(("dials", _dials(free["dials"]), _dials(watched["dials"])))
    for words, key in _TIMES:
        bills.append((words, f"{free[key]:,.1f}", f"{watched[key]:,.1f}"))
    tried = sorted(result["tried"], key=lambda t: float(t["total"]))
    marks = [Mark(f"{n}", t["hazard"], t["low"], t["high"]) for n, t in enumerate(tried[:40], 1)]
    body = [
        paragraph(head),
        paragraph(
            f"Scenario {result['scenario']}, {result['worlds']} worlds per point, window {result['window']:g} days. "
            "Windows count as independent and new pools as unknown to the defender, who in truth remembers. All pools "
            "of a harvest use the same dials. Only dials on the axes were searched.",
            note=True,
        ),
        heading("The two cheapest ways"),
        table(("", "without Stillwatch", "with Stillwatch"), bills),
        heading("Probability that an account is named in one window, cheapest points first"),
        figure(rows("Probability of being named", marks)),
        table(
            ("", "dials", f"with, {prices.currency}", f"without, {prices.currency}", "named per window", "worlds"),
            [
                (
                    str(n),
                    _dials(t["dials"]),
                    f"{t['total']:,.0f}",
                    f"{t['undetected']:,.0f}",
                    f"{t['hazard']:.0%} ({t['low']:.0%} … {t['high']:.0%})",
                    str(t["worlds"]),
                )
                for n, t in enumerate(tried, 1)
            ],
        ),
        heading("Stated prices"),
        table(("what", "value"), [(k.replace("_", " "), str(v)) for k, v in msgspec.to_builtins(prices).items()]),
    ]
    return html("What does a harvest cost?", body)


def as_plain(cost: Cost, dials: Mapping[str, Any]) -> dict[str, Any]:
    """A bill with its dials."""
    return {**cost._asdict(), "dials": dict(dials)}


def _dials(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{k} {v}" for k, v in values.items()) or "as the scenario has it"


def summary(result: Mapping[str, Any], currency: str) -> Sequence[tuple[str, str, str]]:
    """Rows for a terminal: what, without, with."""
    free, watched = result["without"], result["with"]
    lines = [(f"total, {currency}", f"{free['total']:,.0f}", f"{watched['total']:,.0f}")]
    lines += [(part, f"{free['parts'][part]:,.0f}", f"{watched['parts'][part]:,.0f}") for part in watched["parts"]]
    lines += [(words, f"{free[k]:,.1f}", f"{watched[k]:,.1f}") for words, k in _TIMES]
    return [*lines, *((f"dial: {k}", str(free["dials"][k]), str(watched["dials"][k])) for k in watched["dials"])]
