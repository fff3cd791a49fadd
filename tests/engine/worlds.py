"""Small worlds with something to find, and the real command run in this process, beside the Spark that it uses."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import typer

from stillwatch.cli import app
from stillwatch.lab.generate import generate
from stillwatch.lab.honest import KINDS
from stillwatch.lab.scenario import Campaign, Scenario

FILES = ("accounts.parquet", "campaigns.json", "evidence.parquet", "quarantine.parquet")
_CAMPAIGNS = {
    "honest": (),
    "base": (Campaign(name="c", tactics=("T-COT", "T-REPLAY", "T-SEARCH"), accounts=90, requests_per_account_day=25),),
    "relay": (
        Campaign(
            name="c",
            tactics=("T-RELAY", "T-FAILOVER"),
            accounts=90,
            dispatch="sticky",
            requests_per_account_day=20,
            languages={"en": 0.6, "zh": 0.2, "es": 0.2},
        ),
    ),
}


def make(name: str, folder: Path) -> Path:
    """A world of some ten thousand exchanges with every kind of honest account."""
    honest = {"chat": 300, "developers": 150} | {k: 12 for k in KINDS if k not in ("chat", "developers")}
    scenario = Scenario(
        name=name, days=1, release_day=0.6, volume=0.4, honest=honest, campaigns=_CAMPAIGNS[name]
    )  # fmt: skip
    generate(scenario, 3, folder / name)
    return folder / name


def stillwatch(*args: object) -> int:
    """The command; an :class:`InputError` comes through."""
    found = typer.main.get_command(app).main([str(a) for a in args], prog_name="stillwatch", standalone_mode=False)
    return int(found or 0)


def scan(out: Path, *logs: object, world: Path | None = None, more: tuple[object, ...] = ()) -> int:
    """A scan with the world's accounts and licences."""
    beside = () if world is None else ("--accounts", world / "accounts.parquet", "--licences", world / "licences.yaml")
    return stillwatch("scan", *logs, "--out", out, "--quiet", *beside, *more)


def facts(case: Path) -> dict[str, Any]:
    """``run.json`` without what says which engine it was and how long it took."""
    run: dict[str, Any] = json.loads((case / "run.json").read_text())
    del run["timings"], run["settings"]["engine"]
    run["versions"].pop("spark", None)
    return run


def page(case: Path) -> str:
    """The report without the two places that name the engine."""
    text = re.sub(r"<tr><td>spark</td>.*?</tr>", "", (case / "report.html").read_text())
    return re.sub(r"<td>engine</td><td><code>\w+", "<td>engine</td><td><code>", text)


def assert_same(mine: Path, theirs: Path) -> None:
    """Two cases are the same, byte by byte but for the engine's name and the seconds."""
    for file in FILES:
        assert (mine / file).exists() == (theirs / file).exists(), file
        if (mine / file).exists():
            assert (mine / file).read_bytes() == (theirs / file).read_bytes(), file
    assert facts(mine) == facts(theirs)
    assert page(mine) == page(theirs)
