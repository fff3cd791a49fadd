"""A world replayed: what was known when, and what was gone by then."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from stillwatch.cli.lab import app
from stillwatch.domain.errors import InputError
from stillwatch.lab.generate import generate
from stillwatch.lab.replay import HOUR, cuts, parse_span, render, timeline, write_cut
from stillwatch.lab.scenario import Campaign, Scenario


@pytest.fixture(scope="module")
def young(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One day, one campaign that starts in the evening."""
    out = tmp_path_factory.mktemp("young")
    late = Campaign(name="late", accounts=30, start_day=0.5, tactics=("T-RUBRIC", "T-NORAMP"))
    generate(Scenario(name="young", days=1, honest={"chat": 80}, campaigns=(late,)), 1, out)
    return out


def test_cut_offs_are_round_and_reach_the_last_exchange(young: Path) -> None:
    times = [cut.until for cut in cuts(young, 6 * HOUR, "d")]
    last = pc.max(pq.read_table(young / "exchanges.parquet")["ts"]).cast("int64").as_py()
    assert all(t % (6 * HOUR) == 0 for t in times) and len(times) == 4
    assert times[-2] <= last < times[-1]


def test_a_cut_shows_no_later_exchange_and_no_later_account(young: Path, tmp_path: Path) -> None:
    cut = cuts(young, 6 * HOUR, "d")[1]
    write_cut(cut, tmp_path / "part")
    for name, column in (("exchanges", "ts"), ("accounts", "created_at")):
        whole = pq.read_table(young / f"{name}.parquet")
        part = pq.read_table(tmp_path / "part" / f"{name}.parquet")
        early = pc.sum(pc.less(whole[column].cast("int64"), cut.until)).as_py()
        assert 0 < len(part) == early < len(whole)
    assert (tmp_path / "part" / "licences.yaml").exists()


def test_another_world_or_detector_gives_other_keys(young: Path) -> None:
    keys = [cuts(young, every * HOUR, name)[0].key for every, name in ((6, "d"), (6, "e"), (12, "d"))]
    assert len(set(keys)) == 3


@pytest.mark.parametrize("text", ["", "h", "0h", "5", "1w", "-1h"])
def test_a_span_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_span(text)


def test_a_folder_without_a_world_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is missing"):
        cuts(tmp_path, HOUR, "d")


def record(until: int, recall: float, exchanges: int) -> dict[str, Any]:
    campaign = {"name": "late", "recall": recall, "found": recall >= 0.5, "exchanges": exchanges}
    return {"until": until, "honest_named": 0, "campaigns": [campaign]}


def test_the_first_finding_counts_even_when_it_is_lost_again(young: Path) -> None:
    table = pq.read_table(young / "exchanges.parquet").join(pq.read_table(young / "truth.parquet"), "account_id")
    mine = table.filter(pc.equal(table["campaign"], "late"))
    start, total = pc.min(mine["ts"]).cast("int64").as_py(), len(mine)
    steps = [record(start + HOUR * k, r, 10 * k) for k, r in enumerate((0.0, 0.1, 0.8, 0.0), 1)]
    (line,) = timeline(young, steps)
    assert (line["any_hours"], line["hours"], line["exchanges"]) == (2.0, 3.0, 30)
    assert line["share"] == pytest.approx(30 / total)
    assert "late" in render("young", steps, [line])


def test_a_campaign_never_found_says_so(young: Path) -> None:
    (line,) = timeline(young, [record(10**15, 0.0, 5)])
    assert line["hours"] is None
    assert "never" in render("young", [record(10**15, 0.0, 5)], [line])


def test_the_command_replays_and_goes_on(young: Path, tmp_path: Path) -> None:
    args = ["replay", str(young), "--every", "12h", "--out", str(tmp_path), "--jobs", "1"]
    first = CliRunner().invoke(app, args)
    assert first.exit_code == 0, first.output
    before = (tmp_path / "cuts.ndjson").read_bytes()
    assert CliRunner().invoke(app, [*args, "--json"]).exit_code == 0
    assert (tmp_path / "cuts.ndjson").read_bytes() == before, "nothing was scanned twice"
    assert (tmp_path / "replay.html").exists()
