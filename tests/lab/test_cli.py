"""The commands end to end."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from stillwatch.cli.lab import app


def test_generate_check_and_list(tmp_path: Path) -> None:
    run = CliRunner()
    dials = ["--set", "honest={chat: 60, tool: 40}", "--set", "campaigns.0.accounts=30", "--set", "days=1"]
    made = run.invoke(app, ["generate", "power-base", "--out", str(tmp_path), *dials])
    assert made.exit_code == 0, made.output
    assert run.invoke(app, ["check", str(tmp_path)]).exit_code in (0, 1)
    assert "demo" in run.invoke(app, ["list"]).output
