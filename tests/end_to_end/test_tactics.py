"""Tactics that only a group shows are named, through the real command, where they were played and nowhere else."""

from __future__ import annotations

import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from stillwatch.lab.generate import generate
from stillwatch.lab.scenario import Campaign, Scenario, load
from tests.end_to_end.test_scan import scan

PLAYED = {
    "probing": ("T-RUBRIC", "T-LOADBAL", "T-PIVOT", "T-PROBE", "T-SANITISE"),
    "abusing": ("T-COT", "T-PROGRAMME", "T-CHANNELS", "T-REPLAY", "T-NORAMP", "T-HYDRA"),
}
GROUP_LEVEL = {t for tactics in PLAYED.values() for t in tactics} - {"T-RUBRIC", "T-COT", "T-LOADBAL"}


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[str]]:
    """Tactics of the campaign that holds most of each hidden one."""
    base, folder = load("power-base"), tmp_path_factory.mktemp("tactics")
    campaigns = tuple(
        Campaign(name=name, tactics=tactics, accounts=120, requests_per_account_day=60 if name == "abusing" else 25)
        for name, tactics in PLAYED.items()
    )
    world = Scenario(name="tactics", days=2, release_day=1.0, honest=base.honest, volume=0.4, campaigns=campaigns)
    generate(world, 17, folder / "world")
    assert scan(folder / "world", folder / "case").returncode == 3
    named = pq.read_table(folder / "case" / "accounts.parquet").to_pylist()
    of = {row["account_id"]: row["campaign_id"] for row in named}
    truth = pq.read_table(folder / "world" / "truth.parquet").to_pylist()
    groups: list[dict[str, Any]] = json.loads((folder / "case" / "campaigns.json").read_text())["campaigns"]
    shown = {g["id"]: {t["id"] for t in g["tactics"]} for g in groups}
    out = {}
    for name in PLAYED:
        mine = [of.get(r["account_id"]) for r in truth if r["campaign"] == name]
        best = max(shown, key=mine.count)
        assert mine.count(best) > 60, f"{name} was not found"
        out[name] = shown[best]
    return out


@pytest.mark.parametrize("campaign", PLAYED)
def test_tactics_of_a_group_are_named_where_they_were_played(found: dict[str, set[str]], campaign: str) -> None:
    played = set(PLAYED[campaign]) & GROUP_LEVEL
    assert played <= found[campaign]
    assert not (found[campaign] & GROUP_LEVEL) - played, "a tactic of the other campaign"
