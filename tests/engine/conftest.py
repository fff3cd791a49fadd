"""One real Spark for all tests: a driver and two executors, processes of this machine that only it can reach."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from stillwatch.engine.spark.engine import SparkEngine

MASTER = "local-cluster[2,1,1024]"
"""Two executors of one core and 1 GiB each."""
DRIVER_BYTES = 1 << 30


def java() -> bool:
    home = os.environ.get("JAVA_HOME")
    return (Path(home) / "bin" / "java").is_file() if home else shutil.which("java") is not None


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The master of a running Spark; engines of later tests find it."""
    pytest.importorskip("pyspark", reason="the extra `spark` is not installed")
    if not java():
        pytest.skip("there is no Java: Spark cannot run (install a Java runtime, 17 or newer)")
    from stillwatch.engine.spark.session import start

    scratch = tmp_path_factory.mktemp("spark")
    settings = {"SPARK_WORKER_DIR": str(scratch / "work"), "SPARK_LOCAL_DIRS": str(scratch / "local")}
    quick = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"  # these programs live for a minute
    conf = {
        "spark.sql.warehouse.dir": scratch / "tables",
        "spark.sql.shuffle.partitions": 4,
        "spark.driver.extraJavaOptions": quick,
        "spark.executor.extraJavaOptions": quick,
    }
    settings["PYSPARK_SUBMIT_ARGS"] = " ".join(f"--conf '{k}={v}'" for k, v in conf.items()) + " pyspark-shell"
    before = {name: os.environ.get(name) for name in (*settings, "PYSPARK_PYTHON", "SPARK_LOCAL_IP")}
    os.environ |= settings
    spark = start(MASTER, DRIVER_BYTES)
    try:
        yield MASTER
    finally:
        spark.stop()
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@pytest.fixture
def spark(cluster: str) -> Iterator[SparkEngine]:
    """An engine in a session of its own."""
    from stillwatch.engine.spark.engine import SparkEngine

    with SparkEngine(master=cluster) as engine:
        yield engine
