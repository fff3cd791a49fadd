"""A signature takes in the campaign's work and hardly anybody else's; what a day gets wrong does not add up."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from stillwatch.campaigns.registry import REMEMBERED, together
from stillwatch.campaigns.signature import (
    LEARNT_FROM,
    RARE,
    Known,
    Others,
    Sample,
    Signature,
    carriers,
    first_rows,
    learn,
    sample,
)
from stillwatch.domain.verdict import ACCOUNT_VERDICTS

ROWS = 12
WORK = (np.arange(40, dtype=np.uint64) + np.uint64(1 << 41)) << np.uint64(21)
PROGRAM = {"client": 77, "tls": 78, "parameters": 79, "schema": 0}


def drawn(rng: np.random.Generator, accounts: int, *, work: float, program: bool, first: int = 0) -> Sample:
    """Accounts whose rows hold a few common phrases, and, so often, some of the campaign's."""
    lists, columns = [], {name: [] for name in LEARNT_FROM if name != "fingerprints"}  # type: ignore[var-annotated]
    for account in range(first, first + accounts):
        for _ in range(ROWS):
            words = (np.minimum(rng.zipf(1.3, 10), 1 << 40).astype(np.uint64)) << np.uint64(21)
            if rng.random() < work:
                words = np.concatenate([words, rng.choice(WORK, 6, replace=False)])
            lists.append(np.unique(words).tolist())
            for name in columns:
                value = PROGRAM.get(name, 0) if program else int(rng.integers(1, 12)) if name in PROGRAM else 0
                columns[name].append(account if name == "account" else value)
    arrays = {name: pa.array(values, pa.uint64()) for name, values in columns.items()}
    rows = pa.table({**arrays, "fingerprints": pa.array(lists, pa.list_(pa.uint64()))})
    return sample(first_rows([rows]), np.arange(first, first + accounts, dtype=np.uint64))


def taken_in(signature: Signature, looked: Sample) -> npt.NDArray[np.bool_]:
    """Accounts that a signature takes in by words and program."""
    known = Known((signature,))
    of = known.of_rows(looked.offsets, looked.marks, looked.whole)
    both = np.zeros(looked.accounts, np.bool_)
    both[looked.account[(of >= 0) & known.own_stack(of, looked.stack)]] = True
    return both & carriers(looked.account, of, np.bincount(looked.account, minlength=looked.accounts))


@pytest.mark.parametrize("work", [1.0, 0.6])
def test_members_are_known_again_and_strangers_are_not(work: float) -> None:
    rng = np.random.default_rng(5)
    others = Others.of(drawn(rng, 1_500, work=0.0, program=False, first=1_000))
    signature = learn(drawn(rng, 60, work=work, program=True), others, None)
    assert set(signature.marks) & set(WORK.tolist())
    assert taken_in(signature, drawn(rng, 60, work=work, program=True, first=9_000)).mean() >= 0.95
    strangers = taken_in(signature, drawn(rng, 2_000, work=0.0, program=False, first=20_000))
    assert strangers.mean() <= signature.chance
    # the words alone, or the program alone, take nobody in
    assert not taken_in(signature, drawn(rng, 300, work=1.0, program=False, first=30_000)).any()
    assert not taken_in(signature, drawn(rng, 300, work=0.0, program=True, first=40_000)).any()


def test_what_everybody_says_is_no_mark() -> None:
    rng = np.random.default_rng(6)
    others = drawn(rng, 1_500, work=0.01, program=False, first=1_000)  # in a tenth of the accounts
    signature = learn(drawn(rng, 60, work=1.0, program=True), Others.of(others), None)
    spread = (np.isin(others.marks, WORK)).any()
    assert spread and not set(signature.marks) & set(WORK.tolist())


def test_a_signature_of_nothing_takes_nobody_in() -> None:
    rng = np.random.default_rng(7)
    others = Others.of(drawn(rng, 1_500, work=0.0, program=False, first=1_000))
    signature = learn(drawn(rng, 40, work=0.0, program=False), others, None)
    strangers = drawn(rng, 2_000, work=0.0, program=False, first=20_000)
    assert taken_in(signature, strangers).mean() <= max(signature.chance, RARE)


def test_old_work_stays_known_when_the_work_changes() -> None:
    rng = np.random.default_rng(8)
    others = Others.of(drawn(rng, 1_500, work=0.0, program=False, first=1_000))
    before = learn(drawn(rng, 60, work=1.0, program=True), others, None)
    now = learn(drawn(rng, 60, work=0.0, program=True), others, before)
    assert set(before.marks) <= set(now.marks) and set(before.stacks) <= set(now.stacks)
    assert now.like(before) == 1.0


def verdicts(**given: Any) -> pa.Table:
    row = {
        "account_id": "a", "campaign_id": None, "disposition": "clear", "score": 0.0, "q_value": 1.0, "exchanges": 10,
        "harvest_exchanges": 0, "first_seen": 100, "last_seen": 200,
    } | given  # fmt: skip
    return pa.table({f.name: pa.array([row[f.name]]).cast(f.type) for f in ACCOUNT_VERDICTS}, schema=ACCOUNT_VERDICTS)


NAMED = {"campaign_id": "c-1", "disposition": "campaign", "score": 0.9, "q_value": 1e-9, "harvest_exchanges": 10}


def after(*scans: dict[str, Any], new: int = 10, fresh: int = 0) -> dict[str, Any]:
    """The account as several scans leave it; each saw ten new exchanges."""
    known = REMEMBERED.empty_table()
    for given in scans:
        named = given.get("disposition") == "campaign"
        known = together(known, verdicts(**given), np.array([new]), np.array([10 if named else fresh]))
    found: dict[str, Any] = known.to_pylist()[0]
    return found


def test_figures_of_several_scans_add_up() -> None:
    found = after(NAMED, {**NAMED, "first_seen": 50, "last_seen": 300}, {"first_seen": 400, "last_seen": 500})
    assert (found["exchanges"], found["harvest_exchanges"]) == (30, 20)
    assert [found[c].microsecond for c in ("first_seen", "last_seen")] == [50, 500]


@pytest.mark.parametrize(
    ("scans", "named"),
    [
        ([NAMED, {}], True),
        ([NAMED, {}, {}], False),
        ([NAMED, {}, {}, NAMED], True),
        ([NAMED, NAMED, NAMED, {}, {}, {}], True),
        ([{}, {}, {}, NAMED], True),
        ([NAMED, {"disposition": "licensed"}], False),
        ([NAMED, {"disposition": "lookalike:company"}], False),
        ([NAMED, {"disposition": "lookalike:company", "exchanges": 3}], True),
    ],
)
def test_a_member_stays_one_while_half_of_the_scans_say_so(scans: list[dict[str, Any]], named: bool) -> None:
    found = after(*scans)
    assert (found["disposition"] == "campaign") == named
    assert (found["campaign_id"] == "c-1") == named


def test_a_scan_that_sees_nothing_new_of_an_account_takes_no_vote() -> None:
    known = together(REMEMBERED.empty_table(), verdicts(**NAMED), np.array([10]), np.array([10]))
    for _ in range(4):
        known = together(known, verdicts(), np.array([0]), np.array([0]))
    assert known["disposition"].to_pylist() == ["campaign"]
