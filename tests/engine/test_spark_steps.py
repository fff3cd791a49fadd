"""The text pass and every named step, on rows full of ties and gaps, give on Spark what they give on DuckDB."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

import stillwatch
from stillwatch.domain.log import EXCHANGES
from stillwatch.engine import Columns, DuckEngine, Engine, Log
from stillwatch.engine.protocol import Kernel
from stillwatch.signals.population import Population
from stillwatch.signals.prepare import build_population, drop_duplicates, duplicates, read_log
from stillwatch.sources import open_log

if TYPE_CHECKING:
    from stillwatch.engine.spark.engine import SparkEngine

pytestmark = pytest.mark.xdist_group("spark")


def write_log(folder: Path, seed: int) -> Path:
    """Few distinct times, names and texts; repeated and missing ids; nulls everywhere; row groups of every size."""
    rng = np.random.default_rng(seed)
    n = 2_400
    times = 1_790_000_000_000_001 + rng.integers(0, 40, n) * 3_600_000_000
    people = [f"{'é' if i % 3 else 'Z'}{i:03d}" for i in rng.integers(0, 60, n)]
    words = [f"w{i}" for i in range(40)]
    template = "grade the answer below with a number from one to ten and say nothing else please : "
    texts = [template * (i % 3 == 0) + " ".join(rng.choice(words, 12)) for i in range(300)]
    columns = {"ts": pa.array(times, pa.timestamp("us", "UTC")), "account_id": pa.array(people)}
    for field in EXCHANGES:
        missing = rng.random(n) < 0.3
        if field.name in ("prompt", "system_prompt"):
            columns[field.name] = pa.array(rng.choice(texts, n), mask=missing)
        elif field.name == "client_ip":
            columns[field.name] = pa.array([f"10.0.{i}.{i}" for i in rng.integers(0, 9, n)], mask=missing)
        elif pa.types.is_string(field.type) and field.name not in columns:
            some = [f"{field.name} {i}" for i in range(2_000 if field.name == "exchange_id" else 7)]
            columns[field.name] = pa.array(rng.choice(some, n), mask=missing)
        elif pa.types.is_integer(field.type):
            columns[field.name] = pa.array(rng.choice([0, 1, 200, 403, 429], n), mask=missing).cast(field.type)
        elif pa.types.is_boolean(field.type):
            columns[field.name] = pa.array(rng.random(n) < 0.3, mask=missing)
        elif pa.types.is_floating(field.type):
            columns[field.name] = pa.array(rng.choice([0.0, 0.7, 1.0], n), mask=missing)
    table = pa.table(columns)
    folder.mkdir()
    for name, low, high, size in (("b", 0, 900, 170), ("a", 900, 2_395, 1_000), ("c", 2_395, n, 1)):
        pq.write_table(table.slice(low, high - low), folder / f"{name}.parquet", row_group_size=size)
    return folder


class Recorder:
    """An engine that remembers what every step and every question gave."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.steps: list[tuple[str, pa.Table]] = []
        self.answers: list[tuple[str, pa.Table]] = []
        self.capabilities = engine.capabilities

    def scan(self, name: str, table: pa.Table) -> None:
        self._engine.scan(name, table)

    def map_batches(self, log: Log, kernel: Kernel) -> None:
        self._engine.map_batches(log, kernel)

    def columns(self, relation: str) -> Columns:
        return self._engine.columns(relation)

    def sql(self, step: str, query: str) -> None:
        self._engine.sql(step, query)
        rows = self._engine.collect(f"SELECT * FROM {step}")
        self.steps.append((step, rows.sort_by([(name, "ascending") for name in rows.column_names])))

    def collect(self, query: str) -> pa.Table:
        self.answers.append((query, self._engine.collect(query)))
        return self.answers[-1][1]


def bulk(engine: Engine) -> dict[str, list[np.ndarray]]:
    """Every column of the text pass, lists with their lengths."""
    columns = engine.columns("exchanges")
    found = {name: [columns[name]] for name in columns}
    for name in ("fingerprints",):
        found[name] += [values for _, _, values in columns.lists(name, 1_000)]
    return found


def run(engine: Engine, folder: Path) -> tuple[dict[str, list[np.ndarray]], Recorder, Population]:
    recorder = Recorder(engine)
    read_log(recorder, open_log([folder]))
    rows = bulk(engine)
    repeated = duplicates(recorder)
    assert repeated
    drop_duplicates(recorder, repeated)
    return rows, recorder, build_population(recorder, None)


def steps_in_the_source() -> set[str]:
    """Names of all steps, found as calls of ``engine.sql(NAME, …)`` in the rooms that have an engine."""
    found = set()
    for room in ("signals", "links", "campaigns"):
        for path in (Path(stillwatch.__file__).parent / room).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "engine.sql":
                    found.add(ast.literal_eval(node.args[0]))
    return found


def test_every_column_step_and_answer_is_the_same(spark: SparkEngine, tmp_path: Path) -> None:
    folder = write_log(tmp_path / "log", seed=8)
    with DuckEngine() as duck:
        mine, expected, population = run(duck, folder)
        theirs, got, other = run(spark, folder)
        assert set(mine) == set(theirs)
        for name, parts in mine.items():
            assert len(parts) == len(theirs[name])
            for a, b in zip(parts, theirs[name], strict=True):
                assert a.dtype == b.dtype and np.array_equal(a, b), name
        assert sum(map(len, mine["fingerprints"][1:])) > 2_000
        assert {name for name, _ in expected.steps} == steps_in_the_source()
        for (step, a), (name, b) in zip(expected.steps, got.steps, strict=True):
            assert step == name and a.schema.equals(b.schema) and a.equals(b), step
            assert a.num_rows, step
        for (query, a), (_, b) in zip(expected.answers, got.answers, strict=True):
            assert a.schema.equals(b.schema) and a.equals(b), query
        for name in population.columns:
            assert np.array_equal(population.columns[name], other.columns[name]), name
        for name, values in population.kinds.items():
            assert np.array_equal(values.raw, other.kinds[name].raw), name
            assert np.array_equal(values.values, other.kinds[name].values), name
