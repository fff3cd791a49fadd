"""The commands end to end."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from stillwatch.cli.lab import app
from stillwatch.domain.errors import InputError


def test_generate_check_and_list(tmp_path: Path) -> None:
    run = CliRunner()
    dials = ["--set", "honest={chat: 60, tool: 40}", "--set", "campaigns.0.accounts=30", "--set", "days=1"]
    made = run.invoke(app, ["generate", "power-base", "--out", str(tmp_path), *dials])
    assert made.exit_code == 0, made.output
    assert run.invoke(app, ["check", str(tmp_path)]).exit_code in (0, 1)
    assert "demo" in run.invoke(app, ["list"]).output


def test_every_command_of_the_lab_stands_in_the_documents() -> None:
    root = Path(__file__).parents[2]
    text = "".join((root / name).read_text("utf-8") for name in ("README.md", "docs/detection-power.md"))
    names = {c.name or c.callback.__name__.rstrip("_") for c in app.registered_commands if c.callback}
    assert {n for n in names if f"stillwatch lab {n}" not in text} == {"list"}


def test_a_scenario_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = CliRunner().invoke(app, ["generate", "nowhere", "--out", str(tmp_path)])
    assert isinstance(done.exception, InputError) and "power-base" in str(done.exception)


def test_a_scenario_with_an_unknown_dial_is_named(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("name: mine\ndays: 1\ncolour: red\n")
    done = CliRunner().invoke(app, ["generate", str(path), "--out", str(tmp_path / "w")])
    assert isinstance(done.exception, InputError) and "mine.yaml" in str(done.exception)
