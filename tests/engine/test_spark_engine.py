"""How Spark is found, started, used once and left alone."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from stillwatch.cli.engines import parsed
from stillwatch.domain.errors import InputError
from stillwatch.signals.features import FeaturePass
from stillwatch.signals.prepare import build_population, drop_duplicates, duplicates
from stillwatch.sources import open_log
from tests.engine.worlds import scan

if TYPE_CHECKING:
    from stillwatch.engine.spark.engine import SparkEngine

pytestmark = pytest.mark.xdist_group("spark")


def log(path: Path, accounts: int, exchanges: int) -> Path:
    rng = np.random.default_rng(accounts)
    times = 1_790_000_000_000_000 + rng.integers(0, 10**11, exchanges)
    ids = [f"x{i}" for i in range(exchanges - 5)] + [f"x{i}" for i in range(5)]
    people = [f"a{i}" for i in rng.integers(0, accounts, exchanges)]
    columns = {"ts": pa.array(times, pa.timestamp("us", "UTC")), "account_id": people, "exchange_id": ids}
    pq.write_table(pa.table({**columns, "prompt": people}), path, row_group_size=300)
    return path


def noted(kernel: FeaturePass, diary: Path) -> Callable[[pa.RecordBatch], dict[str, pa.Table]]:
    """The kernel, with a line in a file for every batch of text that it is given."""

    def run(batch: pa.RecordBatch) -> dict[str, pa.Table]:
        if batch.num_rows:
            with diary.open("a") as out:
                out.write(f"{batch.column('source_row')[0]}\n")
        return kernel(batch)

    return run


def test_text_is_read_once_however_often_its_rows_are_asked_for(spark: SparkEngine, tmp_path: Path) -> None:
    diary = tmp_path / "diary"
    spark.map_batches(open_log([log(tmp_path / "log.parquet", 50, 1_000)]), noted(FeaturePass(), diary))
    assert len(duplicates(spark)) == 5
    drop_duplicates(spark, duplicates(spark))
    assert len(build_population(spark, None).ts) == 995
    spark.collect("SELECT DISTINCT name FROM models_seen ORDER BY name")
    assert sorted(diary.read_text().split()) == sorted(["0", "300", "600", "900"])


def test_a_log_that_has_changed_is_read_anew(cluster: str, tmp_path: Path) -> None:
    from stillwatch.engine.spark.engine import SparkEngine

    for accounts in (50, 30):
        reader = open_log([log(tmp_path / "log.parquet", accounts, 1_000)])
        with SparkEngine(master=cluster) as engine:
            engine.map_batches(reader, FeaturePass())
            assert len(np.unique(engine.columns("exchanges")["account"])) == accounts
            assert engine.collect("SELECT DISTINCT name FROM accounts_seen").num_rows == accounts


def test_a_log_may_be_named_from_where_one_stands(
    spark: SparkEngine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log(tmp_path / "log.parquet", 9, 40)
    monkeypatch.chdir(tmp_path)
    spark.map_batches(open_log(["log.parquet"]), FeaturePass())
    assert spark.columns("exchanges").rows == 40


def test_rows_of_several_scans_are_all_there(spark: SparkEngine) -> None:
    for part in range(3):
        spark.scan("t", pa.table({"u": np.arange(part * 10, part * 10 + 10, dtype=np.uint64)}))
    assert spark.collect("SELECT u FROM t ORDER BY u")["u"].to_pylist() == list(range(30))


def test_there_are_two_executors_and_the_user_s_session_is_left_as_it_was(cluster: str) -> None:
    from pyspark.sql import SparkSession

    from stillwatch.engine.spark.engine import SparkEngine

    session = SparkSession.builder.getOrCreate()
    session.conf.set("spark.sql.session.timeZone", "Asia/Tokyo")
    with SparkEngine() as engine:
        assert engine.capabilities.name == "spark" and engine.capabilities.distributed
        engine.scan("mine", pa.table({"a": [1]}))
        assert session.catalog.listTables() == []
    assert session.conf.get("spark.sql.session.timeZone") == "Asia/Tokyo"
    assert session.range(3).count() == 3  # it goes on
    assert len(session.sparkContext._jsc.sc().statusTracker().getExecutorInfos()) == 2 + 1
    with pytest.raises(InputError, match="Spark runs already"):
        SparkEngine(master="local[7]")


def listening(pid: int) -> Iterator[str]:
    """Addresses (hexadecimal) on which a process waits for connections."""
    mine = set()
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        try:
            mine.add(str(entry.readlink()))
        except OSError:
            continue
    for table in ("tcp", "tcp6"):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] == "0A" and f"socket:[{fields[9]}]" in mine:
                yield fields[1].split(":")[0]


@pytest.mark.skipif(not Path("/proc/net/tcp").exists(), reason="needs Linux's /proc")
def test_a_local_spark_can_be_reached_from_this_machine_only(cluster: str) -> None:
    programs = {}
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            lines = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        except OSError:
            continue
        programs[int(lines["Pid"])] = (int(lines["PPid"]), lines["Name"].strip())

    def ours(pid: int) -> bool:
        while pid in programs:
            if pid == int(Path("/proc/self").readlink().name):
                return True
            pid = programs[pid][0]
        return False

    machines = [pid for pid, (_, name) in programs.items() if name == "java" and ours(pid)]
    assert len(machines) == 3  # the driver and two executors
    found = {address for pid in machines for address in listening(pid)}
    assert found <= {"0100007F", "0000000000000000FFFF00000100007F", "00000000000000000000000001000000"} and found


def test_a_missing_java_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
    from stillwatch.engine.spark import session

    monkeypatch.setattr(session.SparkContext, "_active_spark_context", None)
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    with pytest.raises(InputError, match=r"there is none.*17 or newer"):
        session.start("local[1]", None)
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"PATH.*17 or newer"):
        session.start("local[1]", None)


def test_a_missing_pyspark_is_named_with_what_to_install(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in [n for n in sys.modules if n.startswith(("stillwatch.engine.spark", "stillwatch.sources.spark_"))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "pyspark", None)
    path = log(tmp_path / "log.parquet", 5, 20)
    with pytest.raises(InputError, match=r"pyspark.*pip install 'stillwatch\[spark\]'"):
        scan(tmp_path / "case", path, more=("--engine", "spark"))


def test_a_master_may_be_named_as_spark_names_it() -> None:
    assert parsed("spark://host:7077") == parsed("spark:spark://host:7077") == ("spark", "spark://host:7077")
    assert parsed("spark:k8s://https://host:6443") == ("spark", "k8s://https://host:6443")
    assert parsed("spark") == ("spark", "")


@pytest.mark.parametrize(
    ("engine", "given", "error"),
    [
        ("sparkle", "x.parquet", "not known"),
        ("duckdb:8", "x.parquet", "not known"),
        ("duckdb", "table:logs.exchanges", "use --engine spark"),
        ("duckdb", "s3a://bucket/logs", "use --engine spark"),
        ("spark:sc://host", "x.parquet", "Connect is not supported"),
        ("spark", "nothing/*.parquet", "no log file there"),
    ],
)
def test_what_an_engine_cannot_read_is_said_before_it_starts(
    engine: str, given: str, error: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=error):
        scan(tmp_path / "case", given, more=("--engine", engine))
