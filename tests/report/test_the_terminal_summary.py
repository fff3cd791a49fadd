"""A row per campaign, a line for everything else, and the same as values."""

from __future__ import annotations

import io
import json

from rich.console import Console

from stillwatch.domain.verdict import ACCOUNT_VERDICTS, CaseResult
from stillwatch.report import print_summary, summary_json
from tests.report.example import accounts_table, case_of, example


def shown(case: CaseResult, width: int = 140) -> str:
    out = io.StringIO()
    print_summary(case, Console(file=out, width=width, color_system=None))
    return out.getvalue()


def test_every_campaign_has_its_row() -> None:
    text = shown(example())
    for c in example().campaigns[:3]:
        assert c.id in text and f"{c.accounts:,}" in text and f"{c.harvest_exchanges:,}" in text
    for said in ("T-LOADBAL", "T-COT", "timing 1e-12", "content (drew it)", "3e-06", "2026-03-03"):
        assert said in text, said


def test_the_rest_is_a_line_each() -> None:
    lines = shown(example(), 300).splitlines()
    starts = ("watch: 1 group, 41 accounts", "licensed: 32 accounts; beyond the licence: 1", "breach: licence lic-002",
              "look-alikes (accounts): benchmark or evaluation 230", "evidence not in the log: continuity",
              "measurements without data: device, phone", "rows in quarantine: 3")  # fmt: skip
    for start in starts:
        assert any(line.startswith(start) for line in lines), start


def test_nothing_found_is_one_line() -> None:
    assert shown(case_of(accounts_table({"clear": 9}))).startswith("no campaign found among 9 accounts")
    assert shown(case_of(ACCOUNT_VERDICTS.empty_table())).count("\n") == 1


def test_a_narrow_terminal_still_shows_figures_whole() -> None:
    text = shown(example(), 80)
    assert "351,204" in text and "c-9e3779b97f4a" in text and "3e-06" in text


def test_the_values_are_json_and_complete() -> None:
    value = json.loads(json.dumps(summary_json(example()), allow_nan=False))
    assert [c["verdict"] for c in value["campaigns"]] == ["campaign"] * 3
    assert value["campaigns"][0]["families"]["content"] == {"state": "formed", "p_value": None}
    assert value["campaigns"][0]["families"]["timing"] == {"state": "tested", "p_value": 1e-12}
    assert value["dispositions"]["lookalike:aggregator"] == 14
    assert value["licence_breaches"] == ["licence lic-002: 1,204,331 exchanges against 1,000,000 allowed"]
    assert value["quarantined"] == 3 and value["unavailable_families"] == ["continuity"]
