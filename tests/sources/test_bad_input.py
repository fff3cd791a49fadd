"""Bad input: a clear error or a quarantined row; never a traceback, never silence."""

from __future__ import annotations

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import EXCHANGES
from stillwatch.sources import open_log, read_accounts, read_licences

FUZZ = settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.jsonl"))
GOOD: dict[str, Any] = {"ts": "2026-06-01T00:00:00Z", "account_id": "a", "prompt": "hi"}


def read(path: Path, *, quarantine: bool) -> tuple[int, int]:
    """(rows read, rows quarantined); an InputError is a clear answer too and gives (0, 0)."""
    try:
        reader = open_log([path], on_bad_row="quarantine" if quarantine else "fail")
        count = 0
        for batch in reader.batches():
            batch.validate(full=True)
            assert batch.schema.names == [*EXCHANGES.names, "source_file", "source_row"]
            count += batch.num_rows
        return count, len(reader.quarantine)
    except InputError as exc:
        assert str(exc)
        return 0, 0


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("ts", "yesterday"),
        ("ts", None),
        ("ts", "1970-01-01T00:00:00Z"),
        ("account_id", ""),
        ("account_id", None),
        ("account_id", {"nested": 1}),
        ("input_tokens", -1),
        ("input_tokens", "many"),
        ("input_tokens", 1.5),
        ("temperature", "NaN"),
        ("stream", "perhaps"),
        ("message_count", 2**40),
        ("prompt_sketch", "not hex"),
    ],
)
def test_a_bad_value_is_named_by_file_row_and_column(tmp_path: Path, column: str, value: Any) -> None:
    path = tmp_path / "log.ndjson"
    path.write_text("\n".join(json.dumps(r) for r in (GOOD, {**GOOD, column: value}, GOOD)) + "\n")
    with pytest.raises(InputError) as caught:
        list(open_log([path]).batches())
    message = str(caught.value)
    assert "log.ndjson" in message and "row 1" in message and column in message
    assert read(path, quarantine=True) == (2, 1)


@pytest.mark.parametrize("content", [b"", b"\n\n", b"{}\n", b"[]", b"ts,account_id\n", b"\x00\x01", b"PAR1", b"null\n"])
@pytest.mark.parametrize(
    "name", ["log.ndjson", "log.csv", "log.parquet", "log.json", "log.ndjson.gz", "log.ndjson.zst"]
)
def test_files_without_exchanges_are_an_error(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    for mode in ("fail", "quarantine"):
        with pytest.raises(InputError):
            list(open_log([path], on_bad_row=mode).batches())  # type: ignore[arg-type]


def test_missing_columns_mixed_formats_and_missing_files_are_errors(tmp_path: Path) -> None:
    (tmp_path / "a.ndjson").write_text(json.dumps(GOOD) + "\n")
    (tmp_path / "b.jsonl").write_bytes(GOLDEN[0].read_bytes())
    with pytest.raises(InputError, match="different formats"):
        open_log([tmp_path])
    with pytest.raises(InputError, match="no log file"):
        open_log([tmp_path / "none*.parquet"])
    with pytest.raises(InputError, match="unknown source"):
        open_log([tmp_path / "a.ndjson"], source="carrier-pigeon")
    pq.write_table(pa.table({"account_id": ["a"]}), tmp_path / "c.parquet")
    with pytest.raises(InputError, match="ts is missing"):
        list(open_log([tmp_path / "c.parquet"]).batches())


def test_a_field_of_ten_megabytes_is_read_and_a_larger_one_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "log.ndjson"
    path.write_text(json.dumps({**GOOD, "prompt": "x" * 10_000_000}) + "\n" + json.dumps(GOOD) + "\n")
    assert read(path, quarantine=False) == (2, 0)
    path.write_text(json.dumps({**GOOD, "prompt": "x" * 17_000_000}) + "\n" + json.dumps(GOOD) + "\n")
    assert read(path, quarantine=True) == (1, 1)


def test_invalid_utf8_is_a_bad_row(tmp_path: Path) -> None:
    (tmp_path / "log.csv").write_bytes(
        b"ts,account_id,prompt\n2026-06-01T00:00:00Z,a,ok\n2026-06-01T00:00:00Z,b,\xff\xfe\n"
    )
    assert read(tmp_path / "log.csv", quarantine=True) == (1, 1)
    (tmp_path / "log.ndjson").write_bytes(json.dumps(GOOD).encode() + b'\n{"ts": "2026-06-01", "account_id": "\xff"}\n')
    assert read(tmp_path / "log.ndjson", quarantine=True) == (1, 1)


def test_truncated_archives_say_so(tmp_path: Path) -> None:
    lines = b"".join(json.dumps({**GOOD, "exchange_id": str(i)}).encode() + b"\n" for i in range(5_000))
    packed = gzip.compress(lines)
    path = tmp_path / "log.ndjson.gz"
    path.write_bytes(packed[: len(packed) // 2])
    with pytest.raises(InputError, match=r"truncated or damaged|JSON object"):
        list(open_log([path]).batches())
    buffer = io.BytesIO()
    pq.write_table(pa.table({"ts": ["2026-06-01T00:00:00Z"] * 100, "account_id": ["a"] * 100}), buffer)
    damaged = tmp_path / "log.parquet"
    damaged.write_bytes(buffer.getvalue()[:-40])
    with pytest.raises(InputError, match="truncated or damaged"):
        list(open_log([damaged]).batches())


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**70), 2**70),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=20),
    st.sampled_from(["2026-06-01T00:00:00+09:00", "NaN", "-5", "1e999", "\ud7ff", "a\u0000b"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)


@FUZZ
@given(st.lists(st.dictionaries(st.sampled_from(EXCHANGES.names), VALUES), min_size=1, max_size=8))
def test_any_ndjson_record_is_read_or_quarantined(tmp_path: Path, records: list[dict[str, Any]]) -> None:
    path = tmp_path / "log.ndjson"
    path.write_text("".join(json.dumps(r) + "\n" for r in records))
    read(path, quarantine=False)
    count, held = read(path, quarantine=True)
    assert count + held == len(records) or (count, held) == (0, 0)


@FUZZ
@given(data=st.data())
def test_damaged_bytes_of_any_format_never_crash(tmp_path: Path, data: st.DataObject) -> None:
    golden = data.draw(st.sampled_from(GOLDEN))
    raw = bytearray(golden.read_bytes())
    for _ in range(data.draw(st.integers(0, 4))):
        raw[data.draw(st.integers(0, len(raw) - 1))] = data.draw(st.integers(0, 255))
    raw = raw[: data.draw(st.integers(0, len(raw)))]
    path = tmp_path / "log.jsonl"
    path.write_bytes(bytes(raw))
    read(path, quarantine=False)
    read(path, quarantine=True)


@FUZZ
@given(
    st.binary(max_size=200), st.sampled_from(["log.csv", "log.parquet", "log.ndjson.gz", "log.ndjson.zst", "log.txt"])
)
def test_arbitrary_bytes_never_crash(tmp_path: Path, content: bytes, name: str) -> None:
    (tmp_path / name).write_bytes(b"ts,account_id\n" + content if name.endswith("csv") else content)
    read(tmp_path / name, quarantine=True)
    read(tmp_path / name, quarantine=False)


def test_accounts_and_licences_say_what_is_wrong(tmp_path: Path) -> None:
    (tmp_path / "twice.csv").write_text("account_id\na\na\n")
    with pytest.raises(InputError, match="repeated"):
        read_accounts(tmp_path / "twice.csv")
    (tmp_path / "none.csv").write_text("name\na\n")
    with pytest.raises(InputError, match="account_id is missing"):
        read_accounts(tmp_path / "none.csv")
    (tmp_path / "l.yaml").write_text("licences: [{org_id: a}]")
    with pytest.raises(InputError, match="not a licences file"):
        read_licences(tmp_path / "l.yaml")
    (tmp_path / "l.yaml").write_text("licences: [")
    with pytest.raises(InputError, match="not YAML"):
        read_licences(tmp_path / "l.yaml")
