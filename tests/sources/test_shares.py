"""A log that others read, share by share, is the log that one reads from end to end: rows, bad rows, notes, errors."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import EXCHANGES
from stillwatch.engine import SharedLog
from stillwatch.sources import LogReader, open_log

GOLDEN = Path(__file__).parent / "golden"


def read_elsewhere(reader: LogReader) -> pa.Table:
    """Each share in a copy of its own, as another process has it; the notes come back and are put together."""
    assert isinstance(reader, SharedLog)
    parts: list[pa.RecordBatch] = []
    noted = []
    for share in reader.shares():
        copy, mine = pickle.loads(pickle.dumps((reader, share)))
        parts += copy.read(mine)
        noted += copy.take_problems()
        assert copy.take_problems() == [[0, [], []]]
    reader.settle(pickle.loads(pickle.dumps(noted)), sum(p.num_rows for p in parts))
    return pa.Table.from_batches(parts, None if parts else EXCHANGES)


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.jsonl")), ids=lambda p: p.stem)
def test_every_format_by_shares(path: Path) -> None:
    whole, shared = open_log([path]), open_log([path])
    shared.on_progress = lambda _: None  # no business of anybody elsewhere, and not to be sent there
    expected = pa.Table.from_batches(list(whole.batches()))
    assert read_elsewhere(shared).equals(expected)
    assert shared.columns_present == whole.columns_present
    assert shared.quarantine.passed_over == whole.quarantine.passed_over


def rows(n: int) -> pa.Table:
    times = pa.array(1_780_000_000_000_000 + np.arange(n) * 1_000_000, pa.timestamp("us", "UTC"))
    return pa.table({"ts": times, "account_id": [f"a{i % 7}" for i in range(n)], "n": pa.array([1] * n, pa.int32())})


def write_log(folder: Path) -> Path:
    """Three files of nine row groups; rows 12, 30 and 80 of the second are bad, and rows 25–49 are damaged."""
    good, bad = rows(100), rows(100)
    people = bad["account_id"].to_pylist()
    people[12] = people[30] = people[80] = None
    bad = bad.set_column(1, "account_id", pa.array(people))
    pq.write_table(good, folder / "a.parquet", row_group_size=40)
    pq.write_table(bad, folder / "b.parquet", row_group_size=25, compression="none", use_dictionary=False)
    pq.write_table(good.slice(0, 30), folder / "c.parquet", row_group_size=20)
    where = pq.read_metadata(folder / "b.parquet").row_group(1).column(1)
    data = bytearray((folder / "b.parquet").read_bytes())
    data[where.data_page_offset : where.data_page_offset + 8] = b"\xff" * 8
    (folder / "b.parquet").write_bytes(data)
    return folder


def test_row_groups_by_shares_bad_and_damaged_ones_among_them(tmp_path: Path) -> None:
    folder = write_log(tmp_path)
    whole, shared = (open_log([folder], on_bad_row="quarantine") for _ in range(2))
    expected = pa.Table.from_batches(list(whole.batches()))
    assert len(shared.shares()) == 3 + 4 + 2
    assert read_elsewhere(shared).equals(expected)
    assert expected.num_rows == 230 - 25 - 2  # a damaged row group costs itself, and the bad row in it is not seen
    assert shared.quarantine_table().equals(whole.quarantine_table())
    aside = [(r["file"], r["row"], r["column"]) for r in whole.quarantine_table().to_pylist()]
    assert aside == [("b.parquet", 12, "account_id"), ("b.parquet", -1, ""), ("b.parquet", 80, "account_id")]


def test_the_first_bad_share_tells_the_error(tmp_path: Path) -> None:
    folder = write_log(tmp_path)
    with pytest.raises(InputError) as whole:
        list(open_log([folder]).batches())
    with pytest.raises(InputError) as shared:
        read_elsewhere(open_log([folder]))
    assert str(whole.value) == str(shared.value) and "b.parquet, row 12, column account_id" in str(whole.value)


def test_a_log_without_rows_is_an_error_either_way(tmp_path: Path) -> None:
    pq.write_table(rows(0), tmp_path / "a.parquet")
    with pytest.raises(InputError, match="no exchanges"):
        list(open_log([tmp_path]).batches())
    with pytest.raises(InputError, match="no exchanges"):
        read_elsewhere(open_log([tmp_path]))


def test_a_log_that_the_worker_cannot_see_is_told_so(tmp_path: Path) -> None:
    pq.write_table(rows(5), tmp_path / "a.parquet")
    reader = open_log([tmp_path])
    (share,) = reader.shares()
    (tmp_path / "a.parquet").unlink()
    with pytest.raises(InputError, match=r"a\.parquet: cannot be seen where it is to be read"):
        list(reader.read(share))
