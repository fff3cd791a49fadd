"""Golden records of each documented shape, and what is read out of them."""

from __future__ import annotations

import base64
import csv
import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from stillwatch.domain.errors import InputError
from stillwatch.domain.log import EXCHANGES
from stillwatch.domain.sketch import HEAD_BYTES, MAGIC
from stillwatch.sources import FORMATS, open_log
from stillwatch.sources.functions import FUNCTIONS

GOLDEN = Path(__file__).parent / "golden"
SKETCH = MAGIC.ljust(HEAD_BYTES + 8, b"\1")
INPUTS = sorted(p for p in GOLDEN.iterdir() if not p.name.endswith(".expected.json"))


def rows(*paths: Path, source: str | None = None) -> list[dict[str, Any]]:
    reader = open_log([str(p) for p in paths], source=source)
    table = pa.Table.from_batches(list(reader.batches())).select(EXCHANGES.names)
    return [{k: v for k, v in r.items() if v is not None} for r in table.to_pylist()]


def packed(content: bytes, codec: str) -> bytes:
    if codec == "gzip":
        return gzip.compress(content)
    sink = pa.BufferOutputStream()
    with pa.CompressedOutputStream(sink, codec) as stream:
        stream.write(content)
    return bytes(sink.getvalue())


@pytest.mark.parametrize("path", INPUTS, ids=lambda p: p.name)
def test_golden_record_is_detected_and_read(path: Path) -> None:
    reader = open_log([path])
    assert reader.format == path.stem.split("-")[0]
    expected = json.loads(path.with_suffix(".expected.json").read_text())
    got = [{k: (v.isoformat() if k == "ts" else v) for k, v in r.items()} for r in rows(path)]
    assert got == expected


@pytest.mark.parametrize("path", INPUTS, ids=lambda p: p.name)
@pytest.mark.parametrize("codec", ["gzip", "zstd"])
def test_packed_files_are_told_by_their_bytes_not_by_their_names(path: Path, codec: str, tmp_path: Path) -> None:
    """Object stores hand out compressed objects under any name."""
    copy = tmp_path / path.name
    copy.write_bytes(packed(path.read_bytes(), codec))
    assert rows(copy) == rows(path)


def test_every_format_has_a_golden_record() -> None:
    have = {p.stem.split("-")[0] for p in INPUTS}
    assert {f.name for f in FORMATS} - {"canonical"} <= have


def test_every_function_is_used_by_a_format_or_told_to_writers_of_mappings() -> None:
    told = (Path(__file__).parents[2] / "docs" / "sources.md").read_text("utf-8")
    assert [name for name in FUNCTIONS if f"`{name}`" not in told] == []


def test_the_same_table_in_every_file_format_gives_the_same_rows(tmp_path: Path) -> None:
    table = pa.table(
        {
            "ts": pa.array([1_780_000_000_000_000, 1_780_000_000_500_000], pa.timestamp("us", "UTC")),
            "account_id": ["a", "б"],
            "prompt": ['hello, "world"\nsecond line', "你好"],
            "org_id": ["", "o"],
            "temperature": [0.5, None],
            "stream": [True, None],
            "input_tokens": [12, 0],
            "client_ip": ["10.0.0.1", "2001:db8::1"],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    pacsv.write_csv(table, tmp_path / "t.csv")
    records = [{**r, "ts": r["ts"].isoformat()} for r in table.to_pylist()]
    lines = "".join(json.dumps(r, ensure_ascii=False) + "\n" for r in records).encode()
    (tmp_path / "t.ndjson").write_bytes(lines)
    (tmp_path / "windows.ndjson").write_bytes(b"\xef\xbb\xbf" + lines.replace(b"}\n", b"}\r\n\r\n"))
    with (tmp_path / "windows.csv").open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, table.column_names)
        writer.writeheader()
        writer.writerows(records)
    (tmp_path / "array.json").write_text(json.dumps(records))
    (tmp_path / "pretty.json").write_text("\n".join(json.dumps(r, indent=2) for r in records))
    (tmp_path / "batches.json").write_text("\n".join(json.dumps([r]) for r in records))
    (tmp_path / "g.ndjson.gz").write_bytes(packed(lines, "gzip"))
    (tmp_path / "members.ndjson.gz").write_bytes(b"".join(packed(x, "gzip") for x in lines.splitlines(keepends=True)))
    (tmp_path / "frames.ndjson.zst").write_bytes(b"".join(packed(x, "zstd") for x in lines.splitlines(keepends=True)))
    (tmp_path / "unnamed").write_bytes(lines)
    expected = rows(tmp_path / "t.parquet")
    assert "org_id" not in expected[0]  # an empty text is unknown, as it must be in CSV
    for path in sorted(tmp_path.iterdir()):
        assert rows(path) == expected, path.name


def test_layouts_of_arrow_do_not_matter(tmp_path: Path) -> None:
    plain = pa.table(
        {"ts": pa.array([1_780_000_000_000_000], pa.timestamp("us", "UTC")), "account_id": ["7"], "input_tokens": [3]}
    )
    pq.write_table(plain, tmp_path / "plain.parquet")
    variants = {
        "dictionary": {"account_id": pa.array(["7"]).dictionary_encode()},
        "large": {"account_id": pa.array(["7"], pa.large_string())},
        "binary": {"account_id": pa.array([b"7"], pa.large_binary())},
        "integer": {"account_id": pa.array([7], pa.uint16())},
        "whole float": {"account_id": pa.array([7.0])},
        "narrow": {"input_tokens": pa.array([3], pa.uint8())},
        "decimal": {"input_tokens": pa.array([3]).cast(pa.decimal128(20, 0))},
        "seconds": {"ts": pa.array([1_780_000_000], pa.timestamp("s"))},
        "nanoseconds elsewhere": {
            "ts": pa.array([1_780_000_000_000_000_000], pa.timestamp("ns", "Asia/Tokyo")),
        },
        "number": {"ts": pa.array([1_780_000_000.0])},
    }
    for name, change in variants.items():
        table = pa.table({**dict(zip(plain.column_names, plain.columns, strict=True)), **change})
        pq.write_table(table, tmp_path / f"{name}.parquet")
        assert rows(tmp_path / f"{name}.parquet") == rows(tmp_path / "plain.parquet"), name


def test_requests_of_one_line_are_rows_of_their_own(tmp_path: Path) -> None:
    """A row's number joins it to its fingerprints: were it the line's, three spans would become nine."""
    spans = [
        {
            "spanId": f"x{i}",
            "startTimeUnixNano": str(1_780_000_000_000_000_000 + i),
            "attributes": [
                {"key": "user.id", "value": {"stringValue": "a"}},
                {"key": "gen_ai.request.model", "value": {"stringValue": "m"}},
            ],
        }
        for i in range(3)
    ]
    path = tmp_path / "spans.jsonl"
    line = json.dumps({"resourceSpans": [{"scopeSpans": [{"spans": spans}]}]}) + "\n"
    path.write_text(line + line.replace('"x', '"y'))
    reader = open_log([path])
    (batch,) = reader.batches()
    assert batch.column("source_row").to_pylist() == [0, 1, 2, 3, 4, 5]
    assert reader.fetch_rows({0: [4]}, ["exchange_id"]).to_pylist() == [{"exchange_id": "y1"}]


def test_rows_are_fetched_again_from_every_kind_of_file(tmp_path: Path) -> None:
    records = [{"ts": "2026-06-01T00:00:00Z", "account_id": "a", "prompt": f"p{i}"} for i in range(20_000)]
    table = pa.Table.from_pylist(records)
    pq.write_table(table, tmp_path / "log.parquet", row_group_size=3_000)
    pacsv.write_csv(table, tmp_path / "log.csv")
    (tmp_path / "log.ndjson").write_text("".join(json.dumps(r) + "\n" for r in records))
    (tmp_path / "log.json").write_text(json.dumps(records))
    for name in ("log.parquet", "log.csv", "log.ndjson", "log.json"):
        again = open_log([tmp_path / name]).fetch_rows({0: [0, 9_999, 19_999]}, ["prompt"])
        assert again["prompt"].to_pylist() == ["p0", "p9999", "p19999"], name


def test_a_directory_is_read_whole_and_what_is_no_log_is_told(tmp_path: Path) -> None:
    line = json.dumps({"ts": "2026-06-01T00:00:00Z", "account_id": "a"}) + "\n"
    for name in ("2026/01/part-0.ndjson", "2026/02/part-0.ndjson", "2026/02/plain.log", "2026/README.md", "_SUCCESS"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(line)
    reader = open_log([tmp_path])
    assert sum(b.num_rows for b in reader.batches()) == 3
    assert reader.names == ("01/part-0.ndjson", "02/part-0.ndjson", "02/plain.log")
    assert set(reader.ignored) == {"2026/README.md", "_SUCCESS"}
    assert sum(b.num_rows for b in open_log([f"{tmp_path}/**/part-*.ndjson"]).batches()) == 2


class TestMappingFile:
    """All else: a file that says which column lies where."""

    LINE = (
        '{"when": {"ms": 1780000000123, "local": "01/Jun/2026 09:00:00"}, "who": {"id": 7}, "said": "hi", "ok": "t",'
        ' "tokens": "-", "chat": [{"role": "user", "content": "hello"}], "sketch": "'
        + base64.b64encode(SKETCH).decode()
        + '"}\n'
    )

    def read(self, tmp_path: Path, mapping: str, line: str = LINE) -> dict[str, Any]:
        (tmp_path / "map.yaml").write_text(mapping)
        (tmp_path / "log.jsonl").write_text(line)
        (row,) = rows(tmp_path / "log.jsonl", source=str(tmp_path / "map.yaml"))
        return row

    def test_paths_units_types_and_functions(self, tmp_path: Path) -> None:
        row = self.read(
            tmp_path,
            """
            missing: ["-"]
            columns:
              ts: {path: when.ms, unit: ms}
              account_id: [who.key, who.id]
              prompt: [{via: last_user_text, of: [messages, chat]}, said]
              stream: {path: ok, type: boolean}
              prompt_sketch: {path: sketch, type: base64}
              input_tokens: tokens
              channel: {const: api}
            """,
        )
        assert row["ts"].microsecond == 123_000
        del row["ts"]
        expected = {"account_id": "7", "prompt": "hello", "stream": True, "channel": "api", "prompt_sketch": SKETCH}
        assert row == expected

    def test_times_of_any_form_and_zone(self, tmp_path: Path) -> None:
        form = '{path: when.local, format: "%d/%b/%Y %H:%M:%S", zone: Asia/Tokyo}'
        row = self.read(tmp_path, f"columns:\n  ts: {form}\n  account_id: who.id\n")
        assert row["ts"].isoformat() == "2026-06-01T00:00:00+00:00"

    def test_parquet_and_csv_go_through_it_too(self, tmp_path: Path) -> None:
        (tmp_path / "map.yaml").write_text("columns: {ts: {path: t, unit: s}, account_id: who.id, prompt: said}\n")
        nested = pa.table({"t": [1_780_000_000], "who": [{"id": "a"}], "said": ["hi"]})
        pq.write_table(nested, tmp_path / "log.parquet")
        (tmp_path / "log.csv").write_text('t,who,said\n1780000000,"{""id"": ""a""}",hi\n')
        expected = rows(tmp_path / "log.parquet", source=str(tmp_path / "map.yaml"))
        assert expected[0]["account_id"] == "a" and expected[0]["prompt"] == "hi"
        assert rows(tmp_path / "log.csv", source=str(tmp_path / "map.yaml")) == expected

    @pytest.mark.parametrize(
        ("mapping", "message"),
        [
            ("columns: {account_id: a}", "ts is not mapped"),
            ("columns: {ts: t, account_id: a, colour: c}", "unknown columns: colour"),
            ("columns: {ts: {path: t, unit: fortnight}, account_id: a}", "unknown unit"),
            ("columns: {ts: {path: t, zone: Mars/Olympus}, account_id: a}", "unknown time zone"),
            ("columns: {ts: t, account_id: a, input_tokens: {path: n, unit: s}}", "of times only"),
            ("columns: {ts: t, account_id: a, input_tokens: {path: n, type: text}}", "takes integer"),
            ("columns: {ts: t, account_id: a, prompt: {via: magic, of: [p]}}", "functions: "),
            ("columns: {ts: t, account_id: a, prompt: {path: p, colour: red}}", "knows no colour"),
            ("columns: {ts: t, account_id: 7}", "a rule is"),
            ("columns: {ts: t, account_id: []}", "a rule is"),
            ("colums: {ts: t}", "unknown columns: colums"),
            ("columns: [ts]", "not a mapping of columns"),
            ("columns: {ts: t, account_id: a}\nextra: 1", "unknown keys: extra"),
            ("[", "not YAML"),
        ],
    )
    def test_a_wrong_one_says_what_is_wrong(self, tmp_path: Path, mapping: str, message: str) -> None:
        with pytest.raises(InputError, match=message):
            self.read(tmp_path, mapping)
