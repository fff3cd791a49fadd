"""Figures computed by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from rich.console import Console

from stillwatch.domain.errors import InputError
from stillwatch.lab.evaluate import evaluate
from stillwatch.lab.evaluate_page import render
from stillwatch.lab.intervals import clopper_pearson
from stillwatch.lab.tables import as_tables
from tests.lab.cases import write_case


@pytest.fixture
def result(tmp_path: Path) -> dict[str, Any]:
    """Hostile: six of campaign a, four of b; 90 honest. Groups: g1 (4 a, 1 honest), g2 (1 a, 2 b), g3 (2 honest)."""
    truth, case = [], []

    def account(name: str, role: str, campaign: str | None, group: str | None, score: float, vpn: bool = False) -> None:
        truth.append(
            {"account_id": name, "role": role, "campaign": campaign, "language": "en", "vpn": vpn, "new": False}
        )
        kind = "campaign" if group else "clear"
        case.append({"account_id": name, "campaign_id": group, "disposition": kind, "score": score})

    for k, group in enumerate(["g1", "g1", "g1", "g1", "g2", None]):
        account(f"a{k}", "hostile", "a", group, 0.9 - 0.01 * k)
    for k, group in enumerate(["g2", "g2", None, None]):
        account(f"b{k}", "hostile", "b", group, 0.7 if group else 0.0)
    for k in range(90):
        group = {0: "g1", 1: "g3", 2: "g3"}.get(k)
        account(f"h{k}", "honest:chat" if k % 2 else "honest:tool", None, group, 0.8 if group else 0.1, vpn=k < 10)
    account("o", "honest:outgrown", None, "g4", 0.99)
    pq.write_table(pa.Table.from_pylist(truth), tmp_path / "truth.parquet")
    pq.write_table(pa.Table.from_pylist(case), tmp_path / "accounts.parquet")
    groups = [{"id": g} for g in ("g1", "g2", "g3", "g4")]
    (tmp_path / "campaigns.json").write_text(json.dumps({"campaigns": groups}))
    return evaluate(tmp_path, tmp_path / "truth.parquet")


def test_accounts_are_counted_by_hand(result: dict[str, Any]) -> None:
    assert result["accounts"]["precision"]["value"] == pytest.approx(7 / 10)
    assert result["accounts"]["recall"]["value"] == pytest.approx(7 / 10)
    rate = result["accounts"]["false_positive_rate"]
    assert (rate["hits"], rate["of"]) == (3, 90)
    assert rate["low"] == pytest.approx(0.00693, abs=2e-5) and rate["high"] == pytest.approx(0.09430, abs=5e-5)


def test_campaigns_are_matched_by_hand(result: dict[str, Any]) -> None:
    groups = result["campaigns"]
    assert groups["each"]["a"]["best_group_recall"] == pytest.approx(4 / 6)
    assert groups["each"]["a"]["purity"] == pytest.approx(4 / 5)
    assert groups["each"]["a"]["fragments"] == 2
    assert groups["each"]["b"]["found"] is True
    assert groups["recall"]["value"] == 1.0
    assert (groups["false"], groups["merged"]) == (["g3"], ["g2"])
    assert groups["realised_fdr"] == pytest.approx(1 / 3), "the outgrown licensee's group is judged apart"


def test_ranking_resolves_ties_against_the_detector(result: dict[str, Any]) -> None:
    assert result["ranking"]["recall_at_false_positive_rate"]["0.001"] == pytest.approx(6 / 10)
    assert result["ranking"]["review_budget"]["100"]["recall"] == pytest.approx(8 / 10)
    assert result["ranking"]["review_budget"]["100"]["precision"] == pytest.approx(8 / 100)


def test_collateral_names_who_bears_it(result: dict[str, Any]) -> None:
    vpn = result["collateral"]["vpn"]["vpn"]
    assert (vpn["hits"], vpn["of"], vpn["ratio"]) == (3, 10, None)
    kinds = result["collateral"]["kind"]
    assert kinds["tool"]["ratio"] == pytest.approx(2.0)
    assert result["outgrown"] == {"accounts": 1, "flagged": 1}


def test_exact_interval_of_nothing_in_a_thousand() -> None:
    assert clopper_pearson(0, 1000) == (0.0, pytest.approx(1 - 0.025 ** (1 / 1000)))
    assert clopper_pearson(5, 5)[1] == 1.0


def test_tables_print(result: dict[str, Any]) -> None:
    console = Console(record=True, width=120, quiet=True)
    console.print(as_tables(result))


def test_small_rates_carry_the_interval_of_what_was_let_through(result: dict[str, Any]) -> None:
    exact = result["ranking"]["exact"]["1e-05"]
    assert (exact["recall"]["hits"], exact["recall"]["of"]) == (6, 10)
    assert (exact["recall"]["low"], exact["recall"]["high"]) == clopper_pearson(6, 10)
    assert exact["false_positive_rate"]["high"] == clopper_pearson(0, 90)[1], "90 accounts cannot prove a rate of 1e-5"


def test_calibration_counts_groups_and_scores(result: dict[str, Any]) -> None:
    (last,) = (r for r in result["calibration"]["discoveries"] if r["nominal"] == 0.01)
    assert (last["groups"], last["false"]) == (3, 1), "the outgrown licensee's group is judged apart"
    top = result["calibration"]["scores"][-1]
    assert (top["accounts"], top["hostile"]) == (1, 1)


def test_agreement_is_over_hostile_and_flagged_accounts(result: dict[str, Any]) -> None:
    cubed = result["agreement"]["b_cubed"]
    precision = [4 / 5] * 4 + [1 / 3] + [1] + [2 / 3] * 2 + [1] * 2 + [1 / 5] + [1 / 2] * 2 + [1]
    recall = [4 / 6] * 4 + [1 / 6] * 2 + [2 / 4] * 2 + [1 / 4] * 2 + [1] * 4
    assert cubed["precision"] == pytest.approx(sum(precision) / 14)
    assert cubed["recall"] == pytest.approx(sum(recall) / 14)


def test_a_detector_that_writes_accounts_alone_is_scored(tmp_path: Path) -> None:
    write_case(tmp_path, [(True, "g", 1.0), (True, "g", 1.0), (False, None, 0.0), (False, "h", 1.0)])
    (tmp_path / "accounts.parquet").rename(tmp_path / "whole.parquet")
    pq.write_table(pq.read_table(tmp_path / "whole.parquet").drop_columns(["score"]), tmp_path / "accounts.parquet")
    found = evaluate(tmp_path, tmp_path / "truth.parquet")
    assert found["campaigns"]["each"]["c"]["found"] and found["campaigns"]["false"] == ["h"]
    assert found["ranking"]["roc_auc"] == pytest.approx(0.75)


def test_a_folder_without_a_case_is_named(tmp_path: Path) -> None:
    write_case(tmp_path, [(True, "g", 1.0)])
    with pytest.raises(InputError, match=r"accounts\.parquet"):
        evaluate(tmp_path / "none", tmp_path / "truth.parquet")


def test_the_page_has_the_calibration_plot(result: dict[str, Any]) -> None:
    page = render(result, "by hand")
    assert "<svg" in page and "Stated and realised false discoveries" in page and "<script" not in page
