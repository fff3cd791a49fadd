"""Every dial of a campaign turns what it says, and leaves the others' marks alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest

from stillwatch.domain.errors import InputError
from stillwatch.lab import log
from stillwatch.lab.generate import generate
from stillwatch.lab.harvest_text import tasks_of
from stillwatch.lab.scenario import Campaign, Scenario, dials, load
from stillwatch.lab.text.grammar import grammar
from stillwatch.signals.tactics import catalogue

BASE = Scenario(
    name="dial",
    days=2,
    campaigns=(Campaign(name="c", tactics=("T-RUBRIC",), accounts=48, requests_per_account_day=20, job_modulation=0),),
)
Table = dict[str, Any]


def made(folder: Path, **turned: Any) -> tuple[Table, Table]:
    """Exchanges and accounts of the base campaign with some dials turned."""
    generate(dials(BASE, {f"campaigns.0.{name}": value for name, value in turned.items()}), 11, folder)
    read = (pq.read_table(folder / f"{name}.parquet").to_pydict() for name in ("exchanges", "accounts"))
    return next(read), next(read)


def day(x: Table) -> np.ndarray[Any, Any]:
    """Days since the start of the log."""
    start = datetime.fromisoformat(BASE.start).replace(tzinfo=UTC)
    return np.array([(t - start).total_seconds() / 86_400 for t in x["ts"]])


def per_account(x: Table, _: Table) -> float:
    return len(x["ts"]) / len(set(x["account_id"])) / 2


def openings(x: Table, _: Table) -> float:
    """Share of the commonest beginning of a prompt."""
    starts = Counter(p[:25] for p in x["prompt"])
    return starts.most_common(1)[0][1] / len(x["prompt"])


def accounts_per(column: str) -> Callable[[Table, Table], float]:
    return lambda _, a: len(a[column]) / len(set(a[column]))


def unevenness(x: Table, _: Table) -> float:
    """Variation of the accounts' volumes."""
    counts = np.array(list(Counter(x["account_id"]).values()))
    return float(counts.std() / counts.mean())


def regularity(x: Table, _: Table) -> float:
    """How often the account that was served 48 requests ago is served again."""
    served = np.array(x["account_id"])
    return float((served[48:] == served[:-48]).mean())


def busiest(hours: int) -> Callable[[Table, Table], float]:
    """Share of the exchanges in the busiest hours of the day."""

    def measure(x: Table, _: Table) -> float:
        return sum(n for _, n in Counter(t.hour for t in x["ts"]).most_common(hours)) / len(x["ts"])

    return measure


TURNS: dict[str, tuple[dict[str, Any], dict[str, Any], Callable[[Table, Table], float], float]] = {
    # dial: (one setting, another, measure, least factor between them)
    "accounts": ({"accounts": 24}, {"accounts": 96}, lambda x, _: len(set(x["account_id"])), 3.9),
    "rate 2 … 1,000": (
        {"requests_per_account_day": 2},
        {"requests_per_account_day": 1000, "accounts": 6},
        per_account,
        300,
    ),
    "cover 0.8": ({}, {"cover": 0.8}, per_account, 3.5),
    "paraphrase": ({"paraphrase": 1.0}, {}, openings, 5),
    "jitter": ({"jitter": 3.0, "volume_dispersion": 0}, {"jitter": 0.0, "volume_dispersion": 0}, regularity, 3),
    "infrastructure": (
        {"infrastructure": "unique"},
        {"infrastructure": "shared"},
        lambda x, _: len(set(x["account_id"])) / len(set(x["client_ip"])),
        5,
    ),
    "payment_sharing": ({"payment_sharing": 1}, {"payment_sharing": 12}, accounts_per("payment_fingerprint"), 6),
    "device_sharing": ({"device_sharing": 1}, {"device_sharing": 12}, accounts_per("device_fingerprint"), 6),
    "client_uniformity": (
        {"client_uniformity": 0.0},
        {"client_uniformity": 1.0},
        lambda x, _: Counter(x["user_agent"]).most_common(1)[0][1] / len(x["ts"]),
        2,
    ),
    "ban_rate": ({}, {"ban_rate": 0.5}, lambda x, _: len(set(x["account_id"])), 1.5),
    "purge_day": ({}, {"purge_day": 0.5}, lambda x, _: len(set(x["account_id"])), 1.9),
    "purge_pause": (
        {"purge_day": 0.5, "purge_pause": 0.2},
        {"purge_day": 0.5, "purge_pause": 1.0},
        lambda x, _: float(np.sort(day(x)[day(x) > 0.6]).min() - 0.5),
        2,
    ),
    "slow_start": ({"slow_start": 2}, {}, lambda x, _: float((day(x) < 0.5).mean()), 2.5),
    "working_hours": ({}, {"working_hours": True}, busiest(9), 1.4),
    "job_modulation": ({}, {"job_modulation": 1.0}, busiest(5), 1.3),
    "signup": (
        {"signup": "burst"},
        {"signup": "spread"},
        lambda _, a: float(np.std([t.timestamp() for t in a["created_at"]])),
        3,
    ),
    "templates": ({"templates": 6}, {}, openings, 2.5),
    "drift": ({"drift": 0.25}, {}, openings, 2),
    "channels": ({}, {"channels": ["api", "app", "reseller"]}, lambda x, _: len(set(x["channel"])), 2.9),
    "volume_dispersion": (
        {"volume_dispersion": 0.0, "dispatch": "random"},
        {"volume_dispersion": 1.2, "dispatch": "random"},
        unevenness,
        3,
    ),
    "start_day": ({"start_day": 1.5}, {}, lambda x, _: float(1 + (day(x) < 1).sum()), 50),
    "end_day": ({"end_day": 0.5}, {}, lambda x, _: float(1 + (day(x) > 1).sum()), 50),
}


@pytest.mark.parametrize("dial", TURNS)
def test_a_dial_turns_what_it_says(dial: str, tmp_path: Path) -> None:
    low, high, measure, factor = TURNS[dial]
    less, more = measure(*made(tmp_path / "low", **low)), measure(*made(tmp_path / "high", **high))
    assert more >= factor * less, f"{more:.3g} against {less:.3g}"


def test_every_dial_is_turned_here() -> None:
    turned = {name for low, high, *_ in TURNS.values() for name in (*low, *high)}
    told = {"name", "tactics", "languages"}  # names, and what other tests turn
    assert set(Campaign.__struct_fields__) == turned | told


def test_payments_and_addresses_are_dialled_apart(tmp_path: Path) -> None:
    x, a = made(tmp_path / "w", infrastructure="unique", payment_sharing=8)
    assert len(set(x["client_ip"])) >= 48
    assert accounts_per("payment_fingerprint")(x, a) > 5


def test_every_tactic_of_the_catalogue_has_a_campaign_in_the_demo() -> None:
    demo = load("demo").campaigns
    assert {t for c in demo for t in c.tactics} == {t.id for t in catalogue()}
    written = {task for c in demo for task in tasks_of(c)} | {"T-LAUNDER", "T-SEARCH"}
    assert {t.id for t in catalogue() if t.level == "exchange"} <= written, "a tactic is named but never written"


@pytest.mark.parametrize(
    "symbol", ["cot_ask", "language_ask", "rubric_ask", "rewrite_ask", "persona_ask", "launder_ask"]
)
def test_instructions_are_composed_in_thousands_of_forms(symbol: str) -> None:
    drawn = grammar("en").draw(symbol, 20_000, np.random.default_rng(1), 4).to_pylist()
    assert len(set(drawn)) > 5_000
    assert Counter(drawn).most_common(1)[0][1] < 40


@pytest.mark.parametrize(
    ("dial", "value", "told"),
    [
        ("campaigns.0.start_day", 2.0, "starts when the 2 days are over"),
        ("campaigns.0.cover", 2, "is no share"),
        ("campaigns.0.colour", "red", "colour"),
        ("campaigns.7.cover", 0.5, "there is no "),
        ("campaigns.first.cover", 0.5, "there is no "),
        ("days.0", 1, "there is no "),
    ],
)
def test_a_dial_that_cannot_be_turned_so_is_said(dial: str, value: object, told: str) -> None:
    with pytest.raises(InputError, match=told):
        dials(BASE, {dial: value})


def test_a_world_that_does_not_fit_in_memory_is_the_same_kind_of_world(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Small parts and runs on disk, as a world of millions takes them: in order, nothing lost, nothing twice."""
    plain, _ = made(tmp_path / "plain", cover=0.5)
    monkeypatch.setattr(log, "HELD_ROWS", 300)
    monkeypatch.setattr(log, "CHUNK_ROWS", 500)
    runs, _ = made(tmp_path / "runs", cover=0.5)
    assert sorted(zip(runs["ts"], runs["account_id"], runs["prompt"], strict=True)) == sorted(
        zip(plain["ts"], plain["account_id"], plain["prompt"], strict=True)
    )
    assert runs["ts"] == sorted(runs["ts"])
    for module in ("world", "pool"):
        monkeypatch.setattr(f"stillwatch.lab.{module}.PART", 400)
    parts, _ = made(tmp_path / "parts", cover=0.5)
    assert parts["ts"] == sorted(parts["ts"])
    assert len(set(parts["exchange_id"])) == len(parts["exchange_id"])
    assert 0.85 < len(parts["ts"]) / len(plain["ts"]) < 1.15
    assert not list(tmp_path.glob("**/.log-*")), "what was set aside goes away"
