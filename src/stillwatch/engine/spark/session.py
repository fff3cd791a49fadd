"""Finding or starting Spark: what must be there, what is set, who stops it."""

from __future__ import annotations

import logging
import os
import shutil
import sys
from pathlib import Path
from typing import NamedTuple

import pyspark
from pyspark import SparkConf, SparkContext
from pyspark.errors import PySparkException
from pyspark.logger import PySparkLogger
from pyspark.sql import SparkSession

from stillwatch.domain.errors import InputError

_OLDEST = 4
_BATCH_ROWS, _BATCH_BYTES = 16_384, 64 * 1024 * 1024
_JAVA = "install a Java runtime, 17 or newer (Debian: openjdk-17-jre-headless), or set JAVA_HOME"


class Spark(NamedTuple):
    """A running Spark, in a session of its own: nothing is set in the user's."""

    session: SparkSession
    ours: bool
    """Started here, so stopped here."""

    def stop(self) -> None:
        """Stop what was started."""
        if self.ours:
            self.session.stop()


def start(master: str | None, memory_bytes: int | None) -> Spark:
    """The Spark that runs in this process, or that ``spark-submit`` has made, or a new one at ``master``.

    ``memory_bytes`` bounds a JVM that is started here and does all work itself (a local master). Raises
    :class:`InputError` where PySpark or Java is missing, or Spark does not come up.
    """
    _check_version()
    running = SparkContext._active_spark_context
    if running is None:
        _check_java()
    elif master is not None and running.master != master:
        raise InputError(
            f"Spark runs already, at {running.master}", remedy="leave the master out, or stop that session first"
        )
    try:
        context = running or _new_context(master, memory_bytes)
        session = SparkSession(context).newSession()
        _settle(session)
        return Spark(session, running is None)
    except (PySparkException, OSError, RuntimeError) as exc:
        raise InputError(f"Spark did not start: {exc}", remedy=f"see what it wrote above; {_JAVA}") from exc


def _check_version() -> None:
    if int(pyspark.__version__.split(".")[0]) < _OLDEST:
        raise InputError(
            f"PySpark {pyspark.__version__} is too old", remedy="pip install 'stillwatch[spark]' (PySpark 4 or newer)"
        )


def _check_java() -> None:
    if "PYSPARK_GATEWAY_PORT" in os.environ:
        return  # spark-submit has started it
    home = os.environ.get("JAVA_HOME")
    java = Path(home) / "bin" / "java" if home else None
    if not (java.is_file() if java else shutil.which("java")):
        where = f"JAVA_HOME={home}" if home else "PATH"
        raise InputError("--engine spark needs Java, and there is none", where=where, remedy=_JAVA)


def _new_context(master: str | None, memory_bytes: int | None) -> SparkContext:
    local = master is None or master.startswith("local")
    if local:
        # workers of the same machine: the same Python, and nothing that others can reach
        os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
        os.environ.setdefault("SPARK_LOCAL_IP", "127.0.0.1")
    given = SparkConf(loadDefaults=False)
    if master is not None:
        given.set("spark.master", master)
    if local and memory_bytes is not None:
        given.set("spark.driver.memory", f"{memory_bytes >> 20}m")
    SparkContext._ensure_initialized(conf=given)
    conf = SparkConf()  # with what spark-submit, spark-defaults.conf and PYSPARK_SUBMIT_ARGS say, which wins
    for name, value in (*given.getAll(), ("spark.ui.showConsoleProgress", "false")):
        conf.set(name, value)
    usual = {"spark.app.name": "stillwatch", "spark.driver.maxResultSize": "0"}
    local = (conf.get("spark.master") or "local").startswith("local")
    if local:
        usual |= {
            "spark.ui.enabled": "false",
            "spark.driver.host": "127.0.0.1",
            "spark.driver.bindAddress": "127.0.0.1",
        }
    for name, value in usual.items():
        conf.setIfMissing(name, value)
    context = SparkContext(conf=conf)
    if local:
        context.setLogLevel("ERROR")
    return context


def _settle(session: SparkSession) -> None:
    """What results depend on, whatever the cluster's defaults are; and quiet: who failed says so itself."""
    PySparkLogger.getLogger("SQLQueryContextLogger").setLevel(logging.CRITICAL)
    for name, value in {
        "spark.sql.session.timeZone": "UTC",
        "spark.sql.ansi.enabled": "true",  # overflow is an error, as in DuckDB
        "spark.sql.files.ignoreCorruptFiles": "false",  # nothing is dropped in silence
        "spark.sql.files.ignoreMissingFiles": "false",
        "spark.sql.parquet.mergeSchema": "true",  # a column that only some files have is a column
        "spark.sql.execution.arrow.maxRecordsPerBatch": str(_BATCH_ROWS),
        "spark.sql.execution.arrow.maxBytesPerBatch": str(_BATCH_BYTES),
        "spark.sql.execution.arrow.pyspark.validateSchema.enabled": "true",
        "spark.sql.optimizer.canChangeCachedPlanOutputPartitioning": "true",  # few rows are kept in few parts
    }.items():
        session.conf.set(name, value)
