"""Measures of agreement, against hand-computed values and against scikit-learn."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.lab.agreement import adjusted_rand, average_precision, b_cubed, roc_auc
from stillwatch.lab.calibration import discoveries, pooled, reliability
from stillwatch.lab.evaluate import evaluate
from tests.lab.cases import write_case

LABELS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 4)), min_size=2, max_size=60)
SCORED = st.lists(st.tuples(st.booleans(), st.sampled_from([0.0, 0.1, 0.25, 0.5, 0.9, 1.0])), min_size=2, max_size=60)


def peer(name: str) -> Any:
    return getattr(pytest.importorskip("sklearn.metrics"), name)


def columns(rows: list[tuple[bool, float]]) -> tuple[Any, Any]:
    return np.array([r[0] for r in rows]), np.array([r[1] for r in rows])


def test_b_cubed_by_hand() -> None:
    """Truth {a, a, a, b}, found {x, x, y, y}: precision (1 + 1 + ½ + ½) / 4, recall (⅔ + ⅔ + ⅓ + 1) / 4."""
    assert b_cubed("aaab", "xxyy") == (pytest.approx(0.75), pytest.approx(2 / 3))


def test_the_same_partition_under_other_names_agrees_fully() -> None:
    assert adjusted_rand("aabbc", "xxyyz") == 1.0
    assert b_cubed("aabbc", "xxyyz") == (1.0, 1.0)


@given(LABELS)
def test_adjusted_rand_is_that_of_scikit_learn(rows: list[tuple[int, int]]) -> None:
    truth, found = [r[0] for r in rows], [r[1] for r in rows]
    assert adjusted_rand(truth, found) == pytest.approx(peer("adjusted_rand_score")(truth, found), abs=1e-12)


@given(SCORED)
def test_areas_are_those_of_scikit_learn(rows: list[tuple[bool, float]]) -> None:
    hostile, score = columns(rows)
    if hostile.any():
        expected = peer("average_precision_score")(hostile, score)
        assert average_precision(hostile, score) == pytest.approx(expected, abs=1e-12)
    if hostile.any() and not hostile.all():
        assert roc_auc(hostile, score) == pytest.approx(peer("roc_auc_score")(hostile, score), abs=1e-12)


def test_areas_of_one_class_are_unknown() -> None:
    nobody, score = np.zeros(3, dtype=bool), np.array([0.1, 0.2, 0.3])
    assert (
        average_precision(nobody, score) is None and roc_auc(nobody, score) is None and roc_auc(~nobody, score) is None
    )


@given(SCORED)
def test_reliability_counts_every_account_once(rows: list[tuple[bool, float]]) -> None:
    hostile, score = columns(rows)
    bins = reliability(score, hostile)
    assert sum(b["accounts"] for b in bins) == len(rows)
    assert sum(b["hostile"] for b in bins) == hostile.sum()
    assert all(b["low"] <= b["value"] <= b["high"] for b in bins)


def test_reliability_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    score = rng.random(500)
    hostile = rng.random(500) < score**2
    observed, mean = peer_calibration(hostile, score)
    bins = reliability(score, hostile)
    assert [b["value"] for b in bins] == pytest.approx(observed.tolist())
    assert [b["mean_score"] for b in bins] == pytest.approx(mean.tolist())


def peer_calibration(hostile: Any, score: Any) -> tuple[Any, Any]:
    found: tuple[Any, Any] = pytest.importorskip("sklearn.calibration").calibration_curve(hostile, score, n_bins=10)
    return found


def test_discoveries_count_false_groups_under_each_rate() -> None:
    rows = {r["nominal"]: r for r in discoveries([(1e-9, False), (5e-4, True), (0.02, False), (0.5, True)])}
    assert (rows[1e-6]["groups"], rows[1e-6]["false"]) == (1, 0)
    assert (rows[1e-3]["groups"], rows[1e-3]["realised"]) == (2, 0.5)
    assert rows[0.1]["realised"] == pytest.approx(1 / 3)
    assert discoveries([])[0]["realised"] is None


def test_worlds_are_pooled_by_adding_counts() -> None:
    one = {
        "scores": reliability(np.array([0.05, 0.95]), np.array([False, True])),
        "discoveries": discoveries([(0.0, True)]),
    }
    both = pooled([one, one])
    assert [(b["bin"], b["accounts"], b["hostile"]) for b in both["scores"]] == [(0, 2, 0), (9, 2, 2)]
    assert both["discoveries"][0]["false"] == 2 and both["discoveries"][0]["realised"] == 1.0


def test_precision_and_recall_of_a_case_are_those_of_scikit_learn(tmp_path: Any) -> None:
    rng = np.random.default_rng(2)
    hostile, flagged = rng.random(400) < 0.2, rng.random(400) < 0.3
    write_case(tmp_path, [(bool(h), "g" if f else None, float(f)) for h, f in zip(hostile, flagged, strict=True)])
    accounts = evaluate(tmp_path, tmp_path / "truth.parquet")["accounts"]
    assert accounts["precision"]["value"] == pytest.approx(peer("precision_score")(hostile, flagged))
    assert accounts["recall"]["value"] == pytest.approx(peer("recall_score")(hostile, flagged))


def test_recall_at_a_rate_is_on_scikit_learns_curve(tmp_path: Any) -> None:
    rng = np.random.default_rng(3)
    hostile = np.arange(3000) < 300
    score = np.clip(rng.normal(0.3 + 0.3 * hostile, 0.1), 0, 1)
    write_case(tmp_path, [(bool(h), None, float(s)) for h, s in zip(hostile, score, strict=True)])
    exact = evaluate(tmp_path, tmp_path / "truth.parquet")["ranking"]["exact"]["0.001"]
    rates, recalls, _ = peer("roc_curve")(hostile, score, drop_intermediate=False)
    assert exact["recall"]["value"] == pytest.approx(recalls[rates <= 0.001].max())
    assert exact["false_positive_rate"]["value"] <= 0.001
