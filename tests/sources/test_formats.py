"""Golden records of each documented shape, and what is read out of them."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv as pacsv
import pyarrow.parquet as pq
import pytest

from stillwatch.domain.log import EXCHANGES
from stillwatch.engine import DuckEngine
from stillwatch.signals.prepare import build_population, read_log
from stillwatch.sources import FORMATS, open_log

GOLDEN = Path(__file__).parent / "golden"


def rows(*paths: Path, source: str | None = None) -> list[dict[str, Any]]:
    reader = open_log([str(p) for p in paths], source=source)
    table = pa.Table.from_batches(list(reader.batches())).select(EXCHANGES.names)
    return [{k: v for k, v in r.items() if v is not None} for r in table.to_pylist()]


@pytest.mark.parametrize("path", sorted(GOLDEN.glob("*.jsonl")), ids=lambda p: p.stem)
def test_golden_record_is_detected_and_read(path: Path) -> None:
    reader = open_log([path])
    assert reader.format == path.stem.split("-")[0]
    expected = json.loads(path.with_suffix(".expected.json").read_text())
    got = [{k: (v.isoformat() if k == "ts" else v) for k, v in r.items()} for r in rows(path)]
    assert got == expected


def test_every_format_has_a_golden_record() -> None:
    have = {p.stem.split("-")[0] for p in GOLDEN.glob("*.jsonl")}
    assert {f.name for f in FORMATS} - {"canonical"} <= have


def test_the_same_table_in_every_file_format_gives_the_same_rows(tmp_path: Path) -> None:
    table = pa.table(
        {
            "ts": pa.array([1_780_000_000_000_000, 1_780_000_000_500_000], pa.timestamp("us", "UTC")),
            "account_id": ["a", "б"],
            "prompt": ['hello, "world"\nsecond line', "你好"],
            "temperature": [0.5, None],
            "stream": [True, None],
            "input_tokens": [12, 0],
            "client_ip": ["10.0.0.1", "2001:db8::1"],
        }
    )
    pq.write_table(table, tmp_path / "t.parquet")
    pacsv.write_csv(table, tmp_path / "t.csv")
    records = table.to_pylist()
    lines = "".join(json.dumps({**r, "ts": r["ts"].isoformat()}, ensure_ascii=False) + "\n" for r in records).encode()
    (tmp_path / "t.ndjson").write_bytes(lines)
    (tmp_path / "g.ndjson.gz").write_bytes(gzip.compress(lines))
    with pa.CompressedOutputStream(str(tmp_path / "z.ndjson.zst"), "zstd") as packed:
        packed.write(lines)
    expected = rows(tmp_path / "t.parquet")
    for name in ("t.csv", "t.ndjson", "g.ndjson.gz", "z.ndjson.zst"):
        assert rows(tmp_path / name) == expected, name


def test_a_mapping_file_reads_anything_else(tmp_path: Path) -> None:
    (tmp_path / "map.yaml").write_text(
        "columns:\n  ts: {path: when.ms, unit: ms}\n  account_id: who.id\n  prompt: said\n"
    )
    (tmp_path / "log.jsonl").write_text('{"when": {"ms": 1780000000123}, "who": {"id": 7}, "said": "hi"}\n')
    (row,) = rows(tmp_path / "log.jsonl", source=str(tmp_path / "map.yaml"))
    assert row["account_id"] == "7" and row["prompt"] == "hi" and row["ts"].microsecond == 123_000


def test_spans_that_share_a_line_are_each_counted_once_and_found_again(tmp_path: Path) -> None:
    line = json.loads((GOLDEN / "otel.jsonl").read_text().splitlines()[0])
    (span, *_) = line["resourceSpans"][0]["scopeSpans"][0]["spans"]
    lines = [[f"{n}-{i}" for i in range(count)] for n, count in enumerate((3, 0, 2, 1))]
    with (tmp_path / "spans.jsonl").open("w") as out:
        for names in lines:
            line["resourceSpans"][0]["scopeSpans"][0]["spans"] = [{**span, "spanId": name} for name in names]
            out.write(json.dumps(line) + "\n")
    reader = open_log([tmp_path / "spans.jsonl"], source="otel")
    read = pa.Table.from_batches(list(reader.batches()))
    ids, numbers = read["exchange_id"].to_pylist(), read["source_row"].to_pylist()
    assert len(ids) == 6 and len(set(numbers)) == 6
    for name, number in zip(ids, numbers, strict=True):
        assert reader.fetch_rows({0: [number]}, ["exchange_id"])["exchange_id"].to_pylist() == [name]
    with DuckEngine() as engine:
        read_log(engine, open_log([tmp_path / "spans.jsonl"], source="otel"), reader.columns_present)
        assert len(build_population(engine, None).ts) == 6
