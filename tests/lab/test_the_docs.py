"""The lab's page keeps its word."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stillwatch.lab.generate import generate
from stillwatch.lab.honest import KINDS
from stillwatch.lab.scenario import Campaign, Scenario, load
from tests.lab.test_honesty import PLANTS

PAGE = (Path(__file__).parents[2] / "docs" / "lab.md").read_text("utf-8")


@pytest.fixture
def scenario(tmp_path: Path) -> Scenario:
    found = re.search(r"```yaml\n(.*?)```", PAGE, re.DOTALL)
    assert found is not None
    assert found[1].count("\n") == 20, "twenty lines"
    (tmp_path / "library.yaml").write_text(found[1], "utf-8")
    return load(tmp_path / "library.yaml")


def test_twenty_lines_are_enough_for_a_new_campaign(scenario: Scenario, tmp_path: Path) -> None:
    made = generate(scenario, 3, tmp_path / "world")
    told = re.search(r'"exchanges": (\d+),\s+"accounts": (\d+),\s+"hostile_accounts": (\d+)', PAGE)
    assert told is not None
    assert (made["exchanges"], made["accounts"], made["hostile_accounts"]) == tuple(map(int, told.groups()))
    truth = pq.read_table(tmp_path / "world" / "truth.parquet")["campaign"].to_pylist()
    assert truth.count("law-school") == made["hostile_accounts"]


def test_every_dial_and_every_honest_kind_is_told() -> None:
    table = PAGE[PAGE.index("| dial |") : PAGE.index("Shipped scenarios")]
    assert [name for name in Campaign.__struct_fields__ if f"`{name}`" not in table and name != "name"] == []
    assert [kind for kind in KINDS if not re.search(rf"\b{kind}\b", PAGE)] == []


def test_as_many_leaks_are_planted_as_it_says() -> None:
    assert len(PLANTS) + 1 == 13 and "thirteen kinds of leak" in PAGE  # one more renames accounts by role
