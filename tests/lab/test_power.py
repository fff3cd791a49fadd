"""Promises of the power sweep."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st
from typer.testing import CliRunner

from stillwatch.cli.lab import app
from stillwatch.cli.runs import Run, measured, run_all
from stillwatch.domain.errors import InputError
from stillwatch.lab.evaluate_page import pooled_collateral
from stillwatch.lab.generate import generate
from stillwatch.lab.intervals import clopper_pearson
from stillwatch.lab.measure import ingredients
from stillwatch.lab.power import ABLATIONS, parse_axis, points, run_key, taken
from stillwatch.lab.power_page import floors, merge_places, pictures, render, summaries, to_table
from stillwatch.lab.scenario import Campaign, Scenario
from stillwatch.lab.store import Store

TINY = Scenario(name="tiny", days=1, honest={"chat": 60}, campaigns=(Campaign(name="a"), Campaign(name="b")))
SMALL_WORLD = ["--set", "honest={chat: 60}", "--set", "campaigns.0.accounts=20", "--set", "days=1"]


def test_an_axis_turns_the_dial_of_every_campaign() -> None:
    axis = parse_axis("cover=0:0.9:0.3", TINY)
    worlds = [p.scenario for p in points(TINY, [axis]) if p.experiment == "cover"]
    assert [[c.cover for c in w.campaigns] for w in worlds] == [[v, v] for v in (0, 0.3, 0.6, 0.9)]


def test_a_dotted_path_turns_one_dial_only() -> None:
    axis = parse_axis("campaigns.1.dispatch=round_robin,random", TINY)
    last = points(TINY, [axis])[-1].scenario
    assert [c.dispatch for c in last.campaigns] == ["round_robin", "random"]


@pytest.mark.parametrize(
    "text", ["cover", "cover=", "colour=0,1", "cover=0:0.9:-0.1", "cover=0:a:1", "accounts=1:9:x0.5"]
)
def test_an_axis_that_makes_no_sense_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        parse_axis(text, TINY)


@pytest.mark.parametrize("text", ["dispatch=sometimes", "cover=1", "paraphrase=-0.1", "accounts=0", "accounts=many"])
def test_a_value_that_the_dial_cannot_take_is_refused_before_any_world_is_made(text: str) -> None:
    with pytest.raises(InputError, match=text):
        parse_axis(text, TINY)


@given(st.integers(1, 50), st.integers(1, 40), st.integers(1, 9))
def test_a_range_holds_both_ends(first: int, steps: int, by: int) -> None:
    axis = parse_axis(f"accounts={first}:{first + steps * by}:{by}", TINY)
    assert (axis.values[0], axis.values[-1], len(axis.values)) == (first, first + steps * by, steps + 1)


def test_worst_cases_join_hard_ends() -> None:
    axes = [parse_axis(t, TINY) for t in ("cover=0,0.9", "jitter=0,0.5,1", "templates=1,8")]
    found = points(TINY, axes, combine=("pairs", "ladder", "grid"))
    pairs = [p.dials for p in found if p.experiment == "pairs"]
    assert pairs[0] == {"cover": 0.9, "jitter": 1} and len(pairs) == 4
    assert pairs[-1] == {"cover": 0.9, "jitter": 1, "templates": 8}
    ladder = [p.dials for p in found if p.experiment == "ladder"]
    assert ladder[0] == {"cover": 0, "jitter": 0, "templates": 1} and ladder[-1] == pairs[-1]
    assert sum(p.experiment == "grid" for p in found) == 12


def test_an_ablation_takes_one_kind_of_column_or_all_others() -> None:
    assert taken("address") == ("asn", "client_ip", "signup_ip")
    kept = set(taken("only-address"))
    assert not kept & set(taken("address")) and set(taken("text")) < kept
    assert len([p for p in points(TINY, [], ablate=["all"]) if p.experiment == "ablation"]) == 2 * len(ABLATIONS) + 1


def test_a_run_is_known_by_world_columns_seed_and_detector() -> None:
    base, other = points(TINY, [parse_axis("cover=0.5", TINY)])
    keys = {run_key(base, 1, "d"), run_key(base, 2, "d"), run_key(base, 1, "e"), run_key(other, 1, "d")}
    assert len(keys | {run_key(base._replace(without=("prompt",)), 1, "d")}) == 5
    same = base._replace(experiment="cover", label="0", position=3)
    assert run_key(same, 1, "d") in keys, "a point that two experiments share is run once"


def test_a_stopped_sweep_goes_on_where_it_was(tmp_path: Path) -> None:
    done: list[str] = []

    def work(run: Run, scratch: str) -> dict[str, Any]:
        done.append(run.key)
        return {"key": run.key} | ({"error": "no memory"} if run.key == "bad" and len(done) < 4 else {})

    def go(store: Store) -> int:
        tasks = [Run(k, TINY, 1, ()) for k in ("a", "bad", "c", "a")]
        return run_all(tasks, work, store, jobs=1, title="", key=lambda run: run.key)

    assert go(Store(tmp_path / "runs.ndjson")) == 1
    with (tmp_path / "runs.ndjson").open("a") as file:
        file.write('{"key": "torn')
    store = Store(tmp_path / "runs.ndjson")
    assert go(store) == 0
    assert done == ["a", "bad", "c", "bad"]
    assert all("error" not in r for r in Store(tmp_path / "runs.ndjson").records.values())
    assert [p.name for p in tmp_path.iterdir()] == ["runs.ndjson"], "scratch is cleared"


def test_a_damaged_store_is_named(tmp_path: Path) -> None:
    (tmp_path / "runs.ndjson").write_text("nonsense\n")
    with pytest.raises(InputError, match="line 1"):
        Store(tmp_path / "runs.ndjson")


def record(key: str, found: bool, honest_named: int) -> dict[str, Any]:
    campaign = {"name": "a", "accounts": 10, "recall": 0.9 if found else 0.2, "best_group_recall": 0.9, "purity": 1.0}
    shared = {"key": key, "honest": 100, "honest_named": honest_named, "reported": 1, "false_campaigns": 0}
    return shared | {"campaigns": [campaign | {"fragments": 1, "found": found}], "seconds": 1.0}


def place(key: str, seed: int, label: str = "0.5") -> dict[str, Any]:
    texts = {"scenario": "tiny", "dials": "{}", "without": "", "detector": "d"}
    return texts | {"experiment": "cover", "position": 1, "label": label, "seed": seed, "key": key}


def test_shares_and_intervals_are_those_of_the_worlds() -> None:
    records = {str(k): record(str(k), k < 3, int(k == 0)) for k in range(4)} | {"x": {"key": "x", "error": "broken"}}
    places = [place(key, seed) for seed, key in enumerate(records)]
    lines = to_table(places, records).to_pylist()
    (point,) = summaries(lines)
    assert (point.runs, point.found.value, point.honest_named, point.honest) == (4, 0.75, 1, 400)
    assert (point.found.low, point.found.high) == clopper_pearson(3, 4)
    assert point.recall.value == pytest.approx((0.9 * 3 + 0.2) / 4)
    assert point.stained.value == 0.25


def test_the_floor_says_how_far_a_dial_can_be_turned() -> None:
    """Found in 20, 20, 15 and 5 of 20 worlds along the axis: it holds up to the second value, is lost at the fourth."""
    lines = []
    for position, hits in enumerate((20, 20, 15, 5)):
        for seed in range(20):
            key = f"{position}-{seed}"
            at = place(key, seed, str(position)) | {"position": position}
            lines += to_table([at], {key: record(key, seed < hits, 0)}).to_pylist()
    (floor,) = floors(lines)
    assert (floor.dial, floor.easy, floor.hard, floor.holds, floor.lost, floor.worlds) == (
        "cover",
        "0",
        "3",
        "1",
        "3",
        20,
    )
    held = floors([r for r in lines if r["position"] < 2])[0]
    assert (held.holds, held.lost) == ("1", None)


def test_the_page_stands_alone_and_says_what_is_missing() -> None:
    page = render(to_table([place("k", 1, "<b>&")], {"k": record("k", True, 0)}), missing=7)
    assert "<svg" in page and "&lt;b&gt;" in page and "<b>" not in page
    assert "7 runs" in page and "http" not in page.replace("http-equiv", "") and "<script" not in page


def test_every_figure_is_also_a_file_of_its_own() -> None:
    drawn = pictures(to_table([place("k", 1, "<b>&")], {"k": record("k", True, 0)}))
    assert len(drawn) == 1
    for picture in drawn.values():
        root = ElementTree.fromstring(picture)
        assert root.tag == "{http://www.w3.org/2000/svg}svg" and "<b>&" in "".join(root.itertext())


def test_places_of_earlier_calls_stay_until_measured_anew() -> None:
    old = json.dumps([place("k1", 1), place("k2", 2)])
    merged = merge_places(old, [place("k3", 2), place("k4", 3)])
    assert [p["key"] for p in merged] == ["k1", "k3", "k4"]


def test_ingredients_count_what_a_campaign_uses(tmp_path: Path) -> None:
    shared = Campaign(name="a", accounts=24, payment_sharing=8, requests_per_account_day=5, tactics=("T-RUBRIC",))
    generate(Scenario(name="s", days=1, campaigns=(shared,)), 1, tmp_path, without=["input_tokens"])
    made_of = ingredients(tmp_path)["a"]
    assert made_of["exchanges"] == pytest.approx(120, abs=12)
    assert 1 <= made_of["payments"] <= 3 and "input_tokens" not in made_of and made_of["output_tokens"] > 0


def test_the_command_measures_resumes_and_draws(tmp_path: Path) -> None:
    run = CliRunner()
    args = ["power", "power-base", *SMALL_WORLD, "--axis", "cover=0,0.5", "--seeds", "1", "--jobs", "1"]
    first = run.invoke(app, [*args, "--out", str(tmp_path)])
    assert first.exit_code == 0, first.output
    size = (tmp_path / "runs.ndjson").stat().st_size
    again = run.invoke(app, [*args, "--out", str(tmp_path), "--ablate", "text"])
    assert again.exit_code == 0, again.output
    table = pq.read_table(tmp_path / "power.parquet").to_pylist()
    assert {r["experiment"] for r in table} == {"base", "cover", "ablation"} and len(table) == 5
    grown = (tmp_path / "runs.ndjson").read_bytes()[size:]
    assert grown.count(b"\n") == 1, "only the new point was run"
    assert "<svg" in (tmp_path / "power.html").read_text("utf-8")


def test_a_dry_call_lists_the_points_and_writes_nothing(tmp_path: Path) -> None:
    out = tmp_path / "p"
    done = CliRunner().invoke(app, ["power", "power-base", "--axis", "jitter=0,1", "--out", str(out), "--dry"])
    assert done.output.splitlines() == ["base: as the scenario has it", "jitter: 0", "jitter: 1"]
    assert not out.exists()


def test_all_cores_give_what_one_gives(tmp_path: Path) -> None:
    world = Scenario(name="tiny", days=1, honest={"chat": 40}, campaigns=(Campaign(name="a", accounts=15),))
    tasks = [Run(str(seed), world, seed, ()) for seed in (1, 2)]
    found = []
    for jobs in (1, 2):
        store = Store(tmp_path / str(jobs) / "runs.ndjson")
        assert run_all(tasks, measured, store, jobs=jobs, title="", key=lambda run: run.key) == 0
        found.append({k: {n: v for n, v in r.items() if n != "seconds"} for k, r in store.records.items()})
    assert found[0] == found[1]


def test_a_world_that_cannot_be_made_is_recorded_and_the_others_go_on(tmp_path: Path) -> None:
    broken = Scenario(name="broken", days=1, honest={"nobody": 3})
    record = measured(Run("k", broken, 1, ()), str(tmp_path))
    assert "unknown honest kind" in record["error"]


def test_collateral_of_many_worlds_is_added_up() -> None:
    one = {"kind": {"chat": [1, 40], "tool": [0, 10]}}
    both = pooled_collateral([one, one, {"kind": {"chat": [0, 20]}}])
    chat = both["kind"]["chat"]
    assert (chat["hits"], chat["of"]) == (2, 100) and (chat["low"], chat["high"]) == clopper_pearson(2, 100)
    assert both["kind"]["tool"]["of"] == 20
