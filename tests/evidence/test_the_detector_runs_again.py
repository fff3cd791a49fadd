"""Replay: on a bag with its population the detector finds the same; on one without, that is said."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from stillwatch.domain.errors import InputError
from stillwatch.evidence.folder import Directory
from stillwatch.evidence.replay import replay
from stillwatch.evidence.seal import SealedBag
from stillwatch.evidence.verify import verify
from tests.evidence.conftest import KEY


def test_the_same_findings_come_out(populated: SealedBag) -> None:
    found = replay(populated.bag, threads=1)
    assert found.reproduced
    assert found.same_detector
    assert found.case.accounts == found.case.accounts_same
    assert found.case.same
    assert verify(Directory(populated.bag), KEY.public_key()).sound


def test_the_thread_count_changes_nothing(populated: SealedBag) -> None:
    assert replay(populated.bag, threads=2).reproduced


def test_what_the_rerun_gave_is_written_into_the_provenance(populated: SealedBag) -> None:
    said = json.loads((populated.bag / "data/provenance.json").read_text())["replay_when_sealed"]
    assert said["same"] is True
    assert said["accounts"] == said["accounts_same"]


def test_the_population_has_no_text_and_every_exchange(populated: SealedBag, world: Path) -> None:
    people = pq.read_table(populated.bag / "data/population/exchanges.parquet")
    assert people.num_rows == pq.read_table(world / "exchanges.parquet").num_rows
    for name in ("prompt", "system_prompt", "response"):
        assert people[name].null_count == people.num_rows


def test_a_changed_population_is_not_reproduced(populated: SealedBag, tmp_path: Path) -> None:
    copy = tmp_path / "bag"
    shutil.copytree(populated.bag, copy)
    place = copy / "data/population/exchanges.parquet"
    rows = pq.read_table(place)
    pq.write_table(rows.slice(0, rows.num_rows - 500), place)
    found = replay(copy, threads=1)
    assert not found.reproduced
    assert not found.case.same
    assert {name for g in found.case.groups for name in g.differs} >= {"exchanges"}


def test_without_a_population_the_reason_is_given(stamped: SealedBag) -> None:
    with pytest.raises(InputError, match="compare members with everybody else"):
        replay(stamped.bag, threads=1)


def test_findings_do_not_depend_on_what_things_are_called(populated: SealedBag) -> None:
    """Under pseudonyms every statistic is the same to the last digit, not only every verdict."""
    found = replay(populated.bag, threads=1)
    assert found.case.groups
    assert not any(g.statistics_differ for g in found.case.groups)


def test_a_damaged_population_is_refused_with_a_reason(populated: SealedBag, tmp_path: Path) -> None:
    copy = tmp_path / "bag"
    shutil.copytree(populated.bag, copy)
    (copy / "data/population/order.parquet").write_bytes(b"PAR1 no more")
    with pytest.raises(InputError, match="evidence verify"):
        replay(copy, threads=1)
