"""An exchange counts once, is found again whole, and is gone when it is to be forgotten."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from stillwatch.domain.errors import InputError
from stillwatch.engine import DuckEngine
from stillwatch.kernels.hashing import hash_strings
from stillwatch.signals.features import FEATURES, FeaturePass
from stillwatch.sources import open_log
from stillwatch.state import State
from tests.state.logs import DAY, START, day, opened, taken_in, write_log

ALL = np.iinfo(np.int64).max
NONE = np.zeros(0, np.uint64)


def held(state: State) -> pa.Table:
    """Everything that it would give a scan."""
    tables = list(state.history(None, NONE, most=ALL))
    return pa.concat_tables(tables) if tables else pa.table({"key": pa.array([], pa.uint64())})


def hashes(*names: str) -> np.ndarray:
    return hash_strings(pa.array(names, pa.string()))


def test_what_was_taken_in_comes_back_as_the_text_pass_made_it(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.parquet", day(0))
    with opened(tmp_path / "state") as state:
        assert taken_in(state, log) == 100
    with opened(tmp_path / "state") as state:
        again = held(state).sort_by("key")
    with DuckEngine(threads=1) as engine:
        engine.map_batches(open_log([str(log)]), FeaturePass())
        columns = engine.columns("exchanges")
        order = np.argsort(columns["key"])
        assert set(again.column_names) == {*columns}
        for name in set(columns) - {"rid", "fingerprints"}:
            assert (again[name].to_numpy() == columns[name][order]).all(), name
        lists = [v for _, offsets, values in columns.lists("fingerprints", 50) for v in np.split(values, offsets[1:-1])]
        assert [list(lists[i]) for i in order] == again["fingerprints"].to_pylist()


@pytest.mark.parametrize("ids", [True, False])
def test_a_log_that_comes_twice_counts_once(tmp_path: Path, ids: bool) -> None:
    first = write_log(tmp_path / "first.parquet", day(0, ids=ids))
    both = write_log(tmp_path / "both.parquet", day(0, ids=ids) + day(1, ids=ids))
    with opened(tmp_path / "state") as state:
        assert [taken_in(state, log) for log in (first, first, both, first)] == [100, 0, 100, 0]
        assert state.manifest.rows == 200 == held(state).num_rows == len(np.unique(held(state)["key"].to_numpy()))


@settings(max_examples=25)
@given(st.lists(st.lists(st.integers(0, 3), max_size=8), min_size=1, max_size=4))
def test_rows_without_an_id_count_as_often_as_the_log_that_holds_them_most_often(
    tmp_path_factory: pytest.TempPathFactory, logs: list[list[int]]
) -> None:
    rows = day(0, accounts=4, each=1, ids=False)
    folder = tmp_path_factory.mktemp("multiset")
    with opened(folder / "state") as state:
        for number, chosen in enumerate(logs):
            if chosen:
                taken_in(state, write_log(folder / f"{number}.parquet", [rows[i] for i in chosen]))
        assert state.manifest.rows == sum(max(log.count(i) for log in logs) for i in range(4))


def test_what_was_never_committed_is_not_there(tmp_path: Path) -> None:
    log = write_log(tmp_path / "log.parquet", day(0))
    with opened(tmp_path / "state") as state:
        taken_in(state, log, commit=False)
    with opened(tmp_path / "state") as state:
        assert state.manifest.rows == 0 and not list((tmp_path / "state" / "data").iterdir())
        assert taken_in(state, log) == 100


def test_history_is_whole_accounts_with_the_fewest_rows_first(tmp_path: Path) -> None:
    many = [r | {"account_id": "busy"} for r in day(0, each=4)]
    few = [r | {"account_id": "rare"} for r in day(1, each=1)]
    with opened(tmp_path / "state") as state:
        taken_in(state, write_log(tmp_path / "0.parquet", many + day(2, accounts=1, each=3)))
        taken_in(state, write_log(tmp_path / "1.parquet", few))
        asked = hashes("busy", "rare", "a000", "nobody")
        for most, expected in (
            (2, set()),
            (3, {"a000"}),
            (22, {"a000"}),
            (23, {"a000", "rare"}),
            (200, {"a000", "rare", "busy"}),
        ):
            tables = list(state.history(asked, NONE, most=most))
            found = np.unique(pa.concat_tables(tables)["account"].to_numpy()) if tables else NONE
            assert set(found.tolist()) == set(hashes(*sorted(expected)).tolist())
        assert not list(state.history(hashes("nobody"), NONE, most=ALL))


def test_rows_that_are_at_hand_are_not_given_again(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as state:
        taken_in(state, write_log(tmp_path / "log.parquet", day(0)))
        keys = held(state)["key"].to_numpy()
        assert sum(t.num_rows for t in state.history(None, keys[:60], most=ALL)) == 40


def test_an_account_that_is_erased_leaves_no_byte(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    with opened(folder) as state:
        for number in range(3):
            log = write_log(tmp_path / f"{number}.parquet", day(number))
            taken_in(state, log, blobs={"kept": b"a007 was here" if number < 2 else b"nobody"})
        erased = hashes("a007")
        assert state.forget(accounts=erased, blobs={"kept": b"nobody"}) == 15
        assert state.check() == []
        assert state.manifest.rows == 285 == held(state).num_rows
        assert not np.isin(held(state)["account"].to_numpy(), erased).any()
        assert "a007" not in state.names()["name"].to_pylist()
    for path in folder.rglob("*"):
        if path.is_file():
            data = path.read_bytes()
            assert b"a007" not in data
            assert erased.tobytes() not in data


def test_what_is_forgotten_by_date_does_not_come_back(tmp_path: Path) -> None:
    logs = [write_log(tmp_path / f"{number}.parquet", day(number)) for number in range(3)]
    with opened(tmp_path / "state") as state:
        for log in logs:
            taken_in(state, log)
        assert state.forget(before_us=START + DAY + 50_000_000) == 150
        assert int(held(state)["ts"].to_numpy().min()) == START + DAY + 50_000_000
        assert [taken_in(state, log) for log in logs] == [0, 0, 0]
        assert state.forget(before_us=START + 10 * DAY) == 150
        assert state.manifest.rows == 0 and state.check() == []


def test_compacting_changes_nothing_that_can_be_asked(tmp_path: Path) -> None:
    logs = [write_log(tmp_path / f"{number}.parquet", day(number)) for number in range(3)]
    with opened(tmp_path / "state") as state:
        for log in logs:
            taken_in(state, log)
        before = held(state).drop_columns("rid").sort_by("key")
        assert state.compact() == 3
        assert len(state.manifest.segments) == 1 and state.check() == []
        assert held(state).drop_columns("rid").sort_by("key").equals(before)
        assert [taken_in(state, log) for log in logs] == [0, 0, 0]


def test_one_at_a_time(tmp_path: Path) -> None:
    with opened(tmp_path / "state"), pytest.raises(InputError, match="in use"):
        opened(tmp_path / "state")
    with opened(tmp_path / "state"):
        pass


def test_no_state_is_made_where_none_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no state"):
        State.open(tmp_path / "state", features=FEATURES)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("years")
    with pytest.raises(InputError, match="not a state"):
        opened(tmp_path / "mine")
    assert (tmp_path / "mine" / "thesis.txt").read_text() == "years"


def test_another_text_pass_is_refused(tmp_path: Path) -> None:
    with opened(tmp_path / "state") as state:
        taken_in(state, write_log(tmp_path / "log.parquet", day(0)))
    with pytest.raises(InputError, match="text pass"):
        State.open(tmp_path / "state", features=FEATURES + 1)


@pytest.mark.parametrize("harm", ["cut", "flipped", "gone"])
def test_a_damaged_file_is_told(tmp_path: Path, harm: str) -> None:
    with opened(tmp_path / "state") as state:
        taken_in(state, write_log(tmp_path / "log.parquet", day(0)), blobs={"kept": b"something"})
        files = [tmp_path / "state" / "data" / f.name for f in state.manifest.files]
    for path in files:
        whole = path.read_bytes()
        if harm == "gone":
            path.unlink()
        else:
            path.write_bytes(whole[:-1] if harm == "cut" else whole[:-1] + bytes([whole[-1] ^ 1]))
        with opened(tmp_path / "state") as state:
            assert [p.partition(":")[0] for p in state.check()] == [path.name]
        path.write_bytes(whole)


def test_a_damaged_manifest_gives_way_to_the_one_before(tmp_path: Path) -> None:
    logs = [write_log(tmp_path / f"{number}.parquet", day(number)) for number in range(2)]
    with opened(tmp_path / "state") as state:
        for log in logs:
            taken_in(state, log)
    manifest = tmp_path / "state" / "MANIFEST"
    manifest.write_bytes(manifest.read_bytes()[:-3])
    with opened(tmp_path / "state") as state:
        assert state.recovered and state.manifest.rows == 100 and state.check() == []
        assert [taken_in(state, log) for log in logs] == [0, 100]
    with opened(tmp_path / "state") as state:
        assert not state.recovered and state.manifest.rows == 200
    for name in ("MANIFEST", "MANIFEST.before"):
        (tmp_path / "state" / name).write_bytes(b"nonsense")
    with pytest.raises(InputError, match="damaged"):
        opened(tmp_path / "state")
