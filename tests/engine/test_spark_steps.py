"""Every named step of a scan, on rows full of ties and gaps, gives on Spark what it gives on DuckDB."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pytest

import stillwatch
from stillwatch.domain.log import EXCHANGES
from stillwatch.engine import Columns, DuckEngine, Engine
from stillwatch.signals.features import FeaturePass
from stillwatch.signals.population import Population
from stillwatch.signals.prepare import build_population, drop_duplicates, duplicates

if TYPE_CHECKING:
    from stillwatch.engine.spark.engine import SparkEngine

pytestmark = pytest.mark.xdist_group("spark")
TOP = 1 << 63


def relations(seed: int) -> dict[str, pa.Table]:
    """What the text pass could have made: equal times and keys, repeated ids, hashes on both sides of 2^63, nulls."""
    rng = np.random.default_rng(seed)
    n, accounts = 3_000, 60
    fields = [*EXCHANGES, ("source_file", pa.int32()), ("source_row", pa.int64())]
    made = FeaturePass(())(pa.RecordBatch.from_pylist([], pa.schema(fields)))
    edges = np.array([0, 1, TOP - 1, TOP, TOP + 1, 2 * TOP - 1], np.uint64)
    account = rng.integers(1, 2 * TOP - 1, accounts, np.uint64)
    names = [f"{'é' if i % 3 else 'Z'}{i:03d}" for i in range(accounts)]
    owner = rng.integers(0, accounts, n)
    known: dict[str, Any] = {
        "rid": rng.permutation(n).astype(np.int64) + (rng.integers(0, 3, n) << 40),
        "key": np.where(rng.random(n) < 0.1, rng.choice(edges, n), rng.integers(0, 2 * TOP - 1, n, np.uint64)),
        "given": rng.random(n) < 0.7,
        "account": account[owner],
        "ts": 1_790_000_000_000_001 + rng.integers(0, 40, n) * 3_600_000_000,
    }
    columns = {}
    for field in made["exchanges"].schema:
        if field.name in known:
            columns[field.name] = pa.array(known[field.name], field.type)
        elif pa.types.is_boolean(field.type):
            columns[field.name] = pa.array(rng.random(n) < 0.2)
        elif pa.types.is_list(field.type):
            marks = rng.integers(0, 2 * TOP - 1, 90, np.uint64)
            lists = [
                marks[(o // 7 * 10 + np.arange(k)) % 90] for o, k in zip(owner, rng.integers(0, 8, n), strict=True)
            ]
            columns[field.name] = pa.array(lists, field.type)
        elif field.type == pa.uint64():
            columns[field.name] = pa.array(rng.choice(np.r_[edges, account[:9]], n))
        else:
            columns[field.name] = pa.array(rng.integers(0, 100, n)).cast(field.type)
    exchanges = pa.table(columns)
    seen = pa.table({"hash": pa.array(account[owner]), "name": [names[o] for o in owner]})
    return {"exchanges": exchanges, "accounts_seen": seen}


class Recorder:
    """An engine that remembers what every step and every question gave."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.steps: list[tuple[str, pa.Table]] = []
        self.answers: list[tuple[str, pa.Table]] = []
        self.capabilities = engine.capabilities

    def scan(self, name: str, table: pa.Table) -> None:
        self._engine.scan(name, table)

    def sql(self, step: str, query: str) -> None:
        self._engine.sql(step, query)
        rows = self._engine.collect(f"SELECT * FROM {step}")
        self.steps.append((step, rows.sort_by([(name, "ascending") for name in rows.column_names])))

    def collect(self, query: str) -> pa.Table:
        self.answers.append((query, self._engine.collect(query)))
        return self.answers[-1][1]

    def columns(self, relation: str) -> Columns:
        return self._engine.columns(relation)

    def map_batches(self, log: object, kernel: object) -> None:
        raise AssertionError("the text pass is compared elsewhere")


def run(engine: Engine) -> tuple[Recorder, Population]:
    recorder = Recorder(engine)
    for name, table in relations(seed=8).items():
        recorder.scan(name, table)
    repeated = duplicates(recorder)
    assert repeated
    drop_duplicates(recorder, repeated)
    return recorder, build_population(recorder, None)


def steps_in_the_source() -> set[str]:
    """Names of all steps, found as calls of ``engine.sql(NAME, …)`` in the rooms that have an engine."""
    found = set()
    for room in ("signals", "links", "campaigns"):
        for path in (Path(stillwatch.__file__).parent / room).glob("*.py"):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Call) and ast.unparse(node.func) == "engine.sql":
                    found.add(ast.literal_eval(node.args[0]))
    return found


def test_every_step_gives_the_same_rows_and_every_question_the_same_answer(spark: SparkEngine) -> None:
    with DuckEngine() as duck:
        expected, population = run(duck)
        got, other = run(spark)
        rows = {name: (column, other.columns[name]) for name, column in population.columns.items()}
    assert {name for name, _ in expected.steps} == steps_in_the_source()
    for (step, mine), (name, theirs) in zip(expected.steps, got.steps, strict=True):
        assert step == name and mine.schema.equals(theirs.schema), step
        assert mine.equals(theirs), step
        assert mine.num_rows, step
    for (query, mine), (_, theirs) in zip(expected.answers, got.answers, strict=True):
        assert mine.schema.equals(theirs.schema), query
        assert mine.equals(theirs), query
    for name, (column, theirs) in rows.items():
        assert np.array_equal(column, theirs), name
    for name, values in population.kinds.items():
        assert np.array_equal(values.raw, other.kinds[name].raw), name
        assert np.array_equal(values.rows, other.kinds[name].rows), name
