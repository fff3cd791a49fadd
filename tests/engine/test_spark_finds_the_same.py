"""The promise of two engines: the same log gives the same case, byte by byte, whichever runs it."""

from __future__ import annotations

import gzip
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import stillwatch
from stillwatch.campaigns.run import Reader
from stillwatch.domain.errors import InputError
from stillwatch.engine import DuckEngine, Engine
from stillwatch.signals.prepare import read_log
from stillwatch.sources import open_log
from tests.engine.worlds import assert_same, facts, make, scan
from tests.engine.worlds import stillwatch as command

if TYPE_CHECKING:
    from stillwatch.engine.spark.engine import SparkEngine

pytestmark = pytest.mark.xdist_group("spark")
SPARK = ("--engine", "spark")


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("worlds")
    for name in ("honest", "base", "relay"):
        make(name, folder)
    return folder


def both(tmp_path: Path, *logs: object, world: Path, more: tuple[object, ...] = ()) -> tuple[int, Path]:
    """The exit status and the case of DuckDB, once Spark's has been found to be the same."""
    expected = scan(tmp_path / "duckdb", *logs, world=world, more=more)
    assert scan(tmp_path / "spark", *logs, world=world, more=(*more, *SPARK)) == expected
    assert_same(tmp_path / "duckdb", tmp_path / "spark")
    return expected, tmp_path / "duckdb"


def verdicts(case: Path) -> list[str]:
    return [c["verdict"] for c in json.loads((case / "campaigns.json").read_text())["campaigns"]]


def pieces(world: Path, folder: Path, count: int, rows_per_group: int) -> Path:
    """The world's log as several files of several row groups, in no order."""
    table = pq.read_table(world / "exchanges.parquet")
    table = table.take(pa.array(np.random.default_rng(2).permutation(table.num_rows)))
    folder.mkdir()
    for i in range(count):
        rows = range(i, table.num_rows, count)
        pq.write_table(table.take(pa.array(rows)), folder / f"part {i}%é.parquet", row_group_size=rows_per_group)
    return folder


def test_a_relay_in_many_files_and_row_groups(cluster: str, worlds: Path, tmp_path: Path) -> None:
    status, case = both(tmp_path, pieces(worlds / "relay", tmp_path / "log", 3, 1_500), world=worlds / "relay")
    assert status == 3 and "campaign" in verdicts(case)


def test_honest_traffic_in_packed_and_plain_lines(cluster: str, worlds: Path, tmp_path: Path) -> None:
    table = pq.read_table(worlds / "honest" / "exchanges.parquet")
    bytes_as_hex = [None if v is None else v.hex() for v in table["prompt_sketch"].to_pylist()]
    table = table.set_column(table.schema.get_field_index("prompt_sketch"), "prompt_sketch", pa.array(bytes_as_hex))
    lines = [json.dumps(r | {"ts": r["ts"].isoformat()}).encode() + b"\n" for r in table.to_pylist()]
    (tmp_path / "a.ndjson.gz").write_bytes(gzip.compress(b"".join(lines[:4_000])))
    (tmp_path / "b.ndjson").write_bytes(b"".join(lines[4_000:]))
    status, case = both(tmp_path, tmp_path / "a.ndjson.gz", tmp_path / "b.ndjson", world=worlds / "honest")
    assert status == 0 and "campaign" not in verdicts(case)
    assert facts(case)["exchanges"] == table.num_rows


def test_a_campaign_in_sketches(cluster: str, worlds: Path, tmp_path: Path) -> None:
    assert command("sketch", worlds / "base" / "exchanges.parquet", "--out", tmp_path / "sketches.parquet") == 0
    status, case = both(tmp_path, tmp_path / "sketches.parquet", world=worlds / "base")
    assert status == 3 and "campaign" in verdicts(case)


def spoilt(world: Path, path: Path) -> None:
    """Columns that are not there, values that cannot be, and ids that come twice."""
    table = pq.read_table(world / "exchanges.parquet").drop_columns(["user_agent", "tls_fingerprint", "prefix_hash"])
    tokens, people = table["output_tokens"].to_pylist(), table["account_id"].to_pylist()
    model = [None if i % 5 == 0 else v for i, v in enumerate(table["model"].to_pylist())]
    tokens[17] = tokens[4_000] = -1
    people[18], people[9_000] = None, ""
    for name, values, kind in (
        ("output_tokens", tokens, pa.int64()),
        ("account_id", people, pa.string()),
        ("model", model, pa.string()),
    ):
        table = table.set_column(table.schema.get_field_index(name), name, pa.array(values, kind))
    pq.write_table(pa.concat_tables([table, table.slice(100, 40)]), path, row_group_size=3_000)


def test_rows_set_aside_are_the_same_rows(cluster: str, worlds: Path, tmp_path: Path) -> None:
    spoilt(worlds / "base", tmp_path / "log.parquet")
    more = ("--on-bad-row", "quarantine")
    status, case = both(tmp_path, tmp_path / "log.parquet", world=worlds / "base", more=more)
    assert status == 3
    aside = pq.read_table(case / "quarantine.parquet").to_pylist()
    assert len(aside) == 4 + 40
    assert [(r["row"], r["column"]) for r in aside[:4]] == [
        (17, "output_tokens"), (18, "account_id"), (4_000, "output_tokens"), (9_000, "account_id"),
    ]  # fmt: skip


def test_the_first_bad_row_is_the_same_error(cluster: str, worlds: Path, tmp_path: Path) -> None:
    whole = pq.read_table(worlds / "base" / "exchanges.parquet")
    spoilt(worlds / "base", tmp_path / "b.parquet")
    pq.write_table(whole.slice(0, 100), tmp_path / "a.parquet")
    damaged = (tmp_path / "a.parquet").read_bytes()
    (tmp_path / "damaged.parquet").write_bytes(damaged[: len(damaged) // 2])
    pq.write_table(whole.slice(0, 10).drop_columns(["ts"]), tmp_path / "timeless.parquet")
    pq.write_table(pa.concat_tables([whole.slice(0, 9), whole.slice(3, 2)]), tmp_path / "twice.parquet")
    pq.write_table(whole.slice(0, 0), tmp_path / "empty.parquet")
    for logs in (("a", "b"), ("damaged", "b"), ("timeless",), ("twice",), ("empty",)):
        said = []
        for engine in ("duckdb", "spark"):
            with pytest.raises(InputError) as error:
                scan(tmp_path / engine, *(tmp_path / f"{log}.parquet" for log in logs), more=("--engine", engine))
            said.append(str(error.value))
        assert said[0] == said[1]


def test_a_table_of_the_catalog_is_the_log_that_its_files_are(cluster: str, worlds: Path, tmp_path: Path) -> None:
    from pyspark.sql import SparkSession

    from stillwatch.engine.spark.session import start

    world = worlds / "relay"
    session: SparkSession = start(cluster, None).session
    session.sql("CREATE DATABASE logs")
    log = session.read.parquet(str(pieces(world, tmp_path / "pieces", 1, 4_000)))
    log.repartition(2).write.saveAsTable("logs.exchanges")
    session.read.parquet(str(world / "accounts.parquet")).write.saveAsTable("logs.people")
    (folder,) = {Path(f.removeprefix("file:")).parent for f in session.table("logs.exchanges").inputFiles()}
    assert scan(tmp_path / "files", folder, world=world) == 3
    more = ("--licences", world / "licences.yaml", "--accounts", "table:logs.people", *SPARK)
    assert scan(tmp_path / "table", "table:logs.exchanges", more=more) == 3
    for file in ("accounts.parquet", "campaigns.json", "evidence.parquet"):
        assert (tmp_path / "table" / file).read_bytes() == (tmp_path / "files" / file).read_bytes(), file
    mine, theirs = facts(tmp_path / "table"), facts(tmp_path / "files")
    for entry in (*mine["inputs"], *theirs["inputs"]):
        del entry["blake2b"]  # only Spark reads the files of a table
    for run in (mine, theirs):
        del run["tables"], run["ignored_files"]  # another accounts table, and what Spark leaves beside its files
    assert mine == theirs
    session.sql("CREATE TABLE logs.others AS SELECT account_id FROM logs.people")
    session.sql("CREATE VIEW logs.seen AS SELECT * FROM logs.exchanges WHERE status = 200")
    for given, error in (
        ("table:logs.nothing", "no such table"),
        ("table:logs.others", "required column ts is missing"),
        ("table:logs.seen", "no place in a file"),
        ((tmp_path / "nowhere").as_uri(), "no Parquet files there"),
    ):
        with pytest.raises(InputError, match=error):
            scan(tmp_path / "none", given, more=SPARK)


def text_pass(engine: Engine, reader: Reader) -> tuple[dict[str, list[int]], pa.Table]:
    """What the text pass gives of every exchange, in the order of the log, and the rows set aside."""
    read_log(engine, reader)
    columns = engine.columns("exchanges")
    rows = {name: columns[name].tolist() for name in columns}
    rows["marks"] = [mark for _, _, some in columns.lists("fingerprints", 999) for mark in some.tolist()]
    return rows, reader.quarantine_table()


def test_files_that_spark_reads_have_the_rows_and_the_bad_rows_that_we_read(
    spark: SparkEngine, worlds: Path, tmp_path: Path
) -> None:
    from stillwatch.sources.spark_tables import SparkTables

    folder = tmp_path / "log é%"
    folder.mkdir()
    spoilt(worlds / "base", folder / "b [1].parquet")
    first = pq.read_table(worlds / "base" / "exchanges.parquet").slice(0, 500).drop_columns(["channel", "tools_count"])
    elsewhere = first["ts"].cast(pa.timestamp("ms", "Europe/Paris"), safe=False)
    pq.write_table(first.set_column(0, "ts", elsewhere), folder / "a.parquet", row_group_size=90)
    assert first.schema.names[0] == "ts"
    uri = f"file://{folder}"
    with DuckEngine() as duck:
        reader = open_log([folder], on_bad_row="quarantine")
        expected = text_pass(duck, reader)
    tables = SparkTables(spark, [uri], "quarantine")
    got = text_pass(spark, tables)
    assert got[0] == expected[0] and len(got[0]["rid"]) > 10_000
    assert got[1].equals(expected[1]) and got[1].num_rows == 4
    assert tables.columns_present == reader.columns_present
    wanted = {1: [9, 2_999, 5_000], 0: [3, 499]}
    columns = ["system_prompt", "prompt", "account_id"]
    assert tables.fetch_rows(wanted, columns).equals(reader.fetch_rows(wanted, columns))
    with pytest.raises(InputError, match=r"b \[1\].parquet, row 17, column output_tokens: is negative"):
        text_pass(spark, SparkTables(spark, [uri], "fail"))
    with pytest.raises(InputError, match="is named twice"):
        SparkTables(spark, [uri, f"{uri}/a.parquet"], "fail")


def test_spark_submit_runs_the_same_command(cluster: str, worlds: Path, tmp_path: Path) -> None:
    import pyspark

    world = worlds / "base"
    assert scan(tmp_path / "duckdb", world / "exchanges.parquet", world=world) == 3
    line = [
        str(Path(pyspark.__file__).parent / "bin" / "spark-submit"), "--master", "local[1]", "--driver-memory", "1g",
        "--conf", "spark.ui.enabled=false", "--driver-java-options", "-XX:TieredStopAtLevel=1",
        str(Path(stillwatch.__file__).parent / "__main__.py"),
        "scan", str(world / "exchanges.parquet"), "--accounts", str(world / "accounts.parquet"),
        "--licences", str(world / "licences.yaml"), "--out", str(tmp_path / "submitted"), "--engine", "spark",
        "--json",
    ]  # fmt: skip
    environment = {k: v for k, v in os.environ.items() if k != "PYSPARK_SUBMIT_ARGS"}
    done = subprocess.run(
        line, capture_output=True, text=True, check=False, env=environment | {"PYSPARK_PYTHON": sys.executable}
    )
    assert done.returncode == 3, done.stderr
    assert json.loads(done.stdout)["campaigns"]
    assert_same(tmp_path / "duckdb", tmp_path / "submitted")
    assert "<td>spark</td>" in (tmp_path / "submitted" / "report.html").read_text()
