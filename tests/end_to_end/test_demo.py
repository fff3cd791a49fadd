"""`stillwatch demo`: what a newcomer runs first."""

from __future__ import annotations

import json
from pathlib import Path

import yaml
from typer.testing import CliRunner

from stillwatch.cli import app
from stillwatch.lab.scenario import load

SMALL = {"name": "small", "days": 1, "honest": {"chat": 120, "developers": 60, "tool": 60}, "volume": 0.3}


def test_the_demo_ends_with_findings_on_screen_and_a_report(tmp_path: Path) -> None:
    scenario = tmp_path / "small.yaml"
    campaign = {"name": "hidden", "tactics": ["T-COT", "T-LOADBAL"], "accounts": 60, "requests_per_account_day": 20}
    scenario.write_text(yaml.safe_dump(SMALL | {"campaigns": [campaign]}))
    assert load(str(scenario)).campaigns[0].accounts == 60
    done = CliRunner().invoke(app, ["demo", "--scenario", str(scenario), "--out", str(tmp_path / "out")])
    assert done.exit_code == 0, done.output
    assert "hidden" in done.output and "hostile accounts named: 60 of 60" in done.output
    assert (tmp_path / "out" / "case" / "report.html").read_text("utf-8").startswith("<!doctype html>")
    assert json.loads((tmp_path / "out" / "case" / "run.json").read_text("utf-8"))["settings"]["rate"] == 0.01


def test_a_demo_that_finds_nothing_says_so_by_its_exit_status(tmp_path: Path) -> None:
    scenario = tmp_path / "honest.yaml"
    scenario.write_text(yaml.safe_dump(SMALL))
    done = CliRunner().invoke(app, ["demo", "--scenario", str(scenario), "--out", str(tmp_path / "out")])
    assert done.exit_code == 1, done.output
    assert "honest accounts named: 0" in done.output
