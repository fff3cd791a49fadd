"""`stillwatch lab economics`: the cheapest harvest with and without Stillwatch."""

from __future__ import annotations

import json as jsonlib
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import typer
from rich.table import Table

from stillwatch.cli.runs import Run, detector_id, measured, run_all, screen
from stillwatch.domain.errors import InputError
from stillwatch.lab.economics import (
    Choice,
    Cost,
    Hazard,
    Prices,
    Tokens,
    Tried,
    bill,
    cheapest,
    descend,
    hazard,
    overrides,
    read_prices,
)
from stillwatch.lab.economics_page import as_plain, render, summary
from stillwatch.lab.power import Axis, Point, parse_axis, run_key
from stillwatch.lab.scenario import Campaign, Scenario, dials, load
from stillwatch.lab.settings import parse_dials
from stillwatch.lab.store import Store


class _Search:
    """Measures choices on the axes and prices them."""

    def __init__(
        self,
        base: Scenario,
        axes: Sequence[Axis],
        exchanges: int,
        prices: Prices,
        seeds: range,
        store: Store,
        jobs: int,
    ) -> None:
        self.base, self.axes, self.exchanges, self.prices = base, axes, exchanges, prices
        self.seeds, self.store, self.jobs = seeds, store, jobs
        self.tokens = Tokens(0.0, 0.0)
        self.tried: dict[Choice, Tried] = {}

    def scenario(self, choice: Choice) -> Scenario:
        return dials(self.base, overrides(self.axes, choice))

    def dials(self, choice: Choice) -> dict[str, Any]:
        return {axis.name: axis.values[at] for axis, at in zip(self.axes, choice, strict=True)}

    def campaign(self, choice: Choice) -> Campaign:
        return self.scenario(choice).campaigns[0]

    def price(self, choice: Choice, probability: float) -> Cost:
        return bill(self.campaign(choice), self.exchanges, probability, self.base.days, self.tokens, self.prices)

    def records(self, choices: Sequence[Choice]) -> dict[Choice, list[dict[str, Any]]]:
        """Measure what is not yet measured; a failed run is an error here: a search cannot go round it."""
        runs: dict[Choice, list[Run]] = {}
        for choice in choices:
            world = self.scenario(choice)
            point = Point("", 0, "", world, (), {})
            runs[choice] = [Run(run_key(point, s, detector_id()), world, s, ()) for s in self.seeds]
        tasks = [run for some in runs.values() for run in some]
        run_all(tasks, measured, self.store, jobs=self.jobs, title="economics", key=lambda run: run.key)
        found = {choice: [self.store.records[run.key] for run in some] for choice, some in runs.items()}
        for choice, records in found.items():
            for record in records:
                if error := record.get("error"):
                    raise InputError(f"a world could not be measured: {error}", where=str(self.dials(choice)))
        return found

    def try_all(self, choices: Sequence[Choice]) -> dict[Choice, float]:
        for choice, records in self.records([c for c in choices if c not in self.tried]).items():
            one = hazard([_first(r)["recall"] for r in records])
            self.tried[choice] = Tried(choice, one, self.price(choice, one.value))
        return {c: self.tried[c].cost.total for c in choices}

    def learn_tokens(self, choice: Choice) -> None:
        """Tokens per exchange, from the worlds of one choice."""
        lines = [_first(r) for r in self.records([choice])[choice]]
        total = max(sum(x["exchanges"] for x in lines), 1)
        self.tokens = Tokens(*(sum(x[f"{side}_tokens"] for x in lines) / total for side in ("input", "output")))


def _first(record: dict[str, Any]) -> dict[str, Any]:
    campaign: dict[str, Any] = record["campaigns"][0]
    return campaign


def economics(
    scenario: str = typer.Argument(..., help="A scenario with one campaign."),
    axis: list[str] = typer.Option(..., "--axis", help="Dials that the attacker may turn: cover=0:0.9:0.3, …"),
    out: Path = typer.Option(
        ..., "--out", help="Directory of results; may be that of a power sweep, whose runs it uses."
    ),
    exchanges: int = typer.Option(1_000_000, "--exchanges", min=1, help="Exchanges to be harvested."),
    prices: Path | None = typer.Option(None, "--prices", help="Prices (YAML); the shipped assumptions when absent."),
    seeds: int = typer.Option(5, "--seeds", min=1, help="Worlds per point."),
    first_seed: int = typer.Option(1, "--first-seed", help="Seeds count from here."),
    rounds: int = typer.Option(3, "--rounds", min=1, help="Most rounds of the search over the axes."),
    set_: list[str] = typer.Option([], "--set", help="A dial of all points: campaigns.0.accounts=80"),
    jobs: int = typer.Option(os.cpu_count() or 1, "--jobs", min=1, help="Worlds at a time, one core each."),
    json: bool = typer.Option(False, "--json", help="The result as JSON."),
) -> None:
    """The cheapest way to harvest N exchanges, with and without Stillwatch: the cost multiplier."""
    base = dials(load(scenario), parse_dials(set_))
    if len(base.campaigns) != 1:
        raise InputError(f"scenario {base.name} has {len(base.campaigns)} campaigns; the search needs one")
    axes, stated = [parse_axis(text, base) for text in axis], read_prices(prices)
    out.mkdir(parents=True, exist_ok=True)
    search = _Search(
        base, axes, exchanges, stated, range(first_seed, first_seed + seeds), Store(out / "runs.ndjson"), jobs
    )
    search.learn_tokens(tuple(0 for _ in axes))
    free = cheapest(axes, lambda c: search.price(c, 0.0).total)
    search.try_all([free])
    ends = [descend(axes, start, search.try_all, rounds) for start in (free, tuple(len(a.values) - 1 for a in axes))]
    best = min(ends, key=lambda c: search.tried[c].cost.total)
    result = _result(search, free, best)
    (out / "economics.json").write_text(jsonlib.dumps(result, indent=1), encoding="utf-8")
    (out / "economics.html").write_text(render(result, stated), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(_flat(result)), out / "economics.parquet", compression="zstd")
    if json:
        typer.echo(jsonlib.dumps(result))
        return
    table = Table("", "without", "with", title=f"The cheapest {exchanges:,} exchanges")
    for row in summary(result, stated.currency):
        table.add_row(*row)
    screen().print(table)
    typer.echo(
        f"cost multiplier {result['multiplier']:.2f} "
        f"({result['multiplier_low']:.2f} … {result['multiplier_high']:.2f}); "
        f"without adapting {result['unadapted_multiplier']:.2f}; {len(result['tried'])} points   "
        f"page: {out / 'economics.html'}"
    )


def _result(search: _Search, free: Choice, best: Choice) -> dict[str, Any]:
    base = search.price(free, 0.0)
    tried = search.tried.values()

    def least(of: Any) -> float:
        return min(search.price(t.choice, of(t.hazard)).total for t in tried)

    def line(t: Tried) -> dict[str, Any]:
        h: Hazard = t.hazard
        shares = {"hazard": h.value, "low": h.low, "high": h.high, "worlds": h.worlds}
        bills = {"total": t.cost.total, "undetected": search.price(t.choice, 0.0).total}
        return {"dials": search.dials(t.choice)} | shares | bills

    return {
        "scenario": search.base.name,
        "detector": detector_id(),
        "exchanges": search.exchanges,
        "window": search.base.days,
        "worlds": len(search.seeds),
        "tokens": search.tokens._asdict(),
        "without": as_plain(base, search.dials(free)),
        "with": as_plain(search.tried[best].cost, search.dials(best)),
        "multiplier": search.tried[best].cost.total / base.total,
        "multiplier_low": least(lambda h: h.low) / base.total,
        "multiplier_high": least(lambda h: h.high) / base.total,
        "unadapted_multiplier": search.tried[free].cost.total / base.total,
        "tried": [line(t) for t in tried],
    }


def _flat(result: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**t, "dials": jsonlib.dumps(t["dials"])} for t in result["tried"]]
