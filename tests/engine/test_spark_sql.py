"""The steps' SQL means on Spark what it means on DuckDB; what does not is refused before it runs."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import pytest

from stillwatch.engine import DuckEngine, Engine, StepError

sqlglot = pytest.importorskip("sqlglot", reason="the extra `spark` is not installed")
from stillwatch.engine.spark.dialect import SUBSET, to_spark  # noqa: E402

if TYPE_CHECKING:
    from stillwatch.engine.spark.engine import SparkEngine

pytestmark = pytest.mark.xdist_group("spark")
TYPES = {
    "t": {
        "id": "BIGINT",
        "u": "UBIGINT",
        "v": "UBIGINT",
        "i": "BIGINT",
        "k": "INTEGER",
        "s": "VARCHAR",
        "b": "BOOLEAN",
    },
    "o": {"u": "UBIGINT", "n": "BIGINT"},
}
TOP = 1 << 63
IDIOMS = (
    "SELECT * FROM t ORDER BY id",
    "SELECT id, row_number() OVER (ORDER BY u, i, id) - 1 AS row FROM t ORDER BY id",
    "SELECT id, row_number() OVER (PARTITION BY k ORDER BY u DESC, id) AS nth FROM t ORDER BY id",
    "SELECT id, lag(u) OVER (PARTITION BY k ORDER BY id) AS before FROM t ORDER BY id",
    "SELECT DISTINCT s FROM t ORDER BY s",
    "SELECT s, id FROM t ORDER BY s DESC, id",
    "SELECT i, id FROM t ORDER BY i, id",
    "SELECT u, id FROM t WHERE u IS NOT NULL ORDER BY u, id",
    "SELECT k, min(u) AS least, max(u) AS most, count(*) AS n, count(DISTINCT u) AS us, sum(i // 1024) AS total, "
    "min(s) AS s FROM t GROUP BY k ORDER BY k",
    "SELECT k, count(u) AS n FROM t GROUP BY k HAVING count(DISTINCT u) >= 3 AND NOT k = 2 ORDER BY k",
    f"SELECT id FROM t WHERE u > {TOP} OR u <= 5 OR u BETWEEN 7 AND {TOP - 1} ORDER BY id",
    f"SELECT id FROM t WHERE u IN (0, 1, {TOP}, {2 * TOP - 1}) ORDER BY id",
    "SELECT id FROM t WHERE u <> 0 AND u < v ORDER BY id",
    "SELECT id, coalesce(u, 0) AS u, CASE WHEN b THEN u WHEN k >= 2 THEN v ELSE 0 END AS c FROM t ORDER BY id",
    "SELECT id FROM t WHERE u IN (SELECT u FROM o) ORDER BY id",
    "SELECT id FROM t WHERE id NOT IN (SELECT n FROM o WHERE n IS NOT NULL) ORDER BY id",
    "SELECT t.id AS id, o.n AS n FROM t JOIN o ON o.u = t.u ORDER BY t.id, o.n",
    "SELECT t.id AS id, o.n AS n FROM t LEFT JOIN o ON o.u = t.u AND o.n > 3 ORDER BY t.id, o.n",
    "SELECT t.id AS id FROM t ANTI JOIN o ON o.u = t.u ORDER BY id",
    "SELECT u FROM t UNION ALL SELECT u FROM o ORDER BY u",
    "WITH few AS (SELECT u, count(*) AS n FROM t GROUP BY u) SELECT few.u AS u, few.n AS n FROM few ORDER BY n, u",
    "SELECT id, i // 7 AS q, i % 7 AS r, -(i // 3) * 2 + 1 AS a, CAST(k AS BIGINT) AS w FROM t ORDER BY id",
    "SELECT id, CAST(k AS SMALLINT) AS h FROM t WHERE b IS NULL OR b = TRUE AND NOT i <= 0 ORDER BY id",
    "SELECT count(*) AS n, max(u) AS u, min(i) AS i FROM t WHERE id < 0",
)  # fmt: skip
REFUSED = (
    "SELECT hash(s) AS h FROM t",  # each engine has its own
    "SELECT avg(i) AS a FROM t",  # Spark adds whole numbers up in floating point
    "SELECT stddev_samp(i) AS a FROM t",  # of one row: null or not a number
    "SELECT epoch(CAST(s AS TIMESTAMP)) AS a FROM t",  # rounds; times are whole microseconds here
    "SELECT list(i ORDER BY id) AS a FROM t",  # the order would be lost without a word
    "SELECT i / 2 AS a FROM t",
    "SELECT CAST(i AS DOUBLE) AS a FROM t",
    "SELECT TRY_CAST(s AS BIGINT) AS a FROM t",
    "SELECT id FROM t LIMIT 5",
    "SELECT id FROM t UNION SELECT n FROM o",
    "SELECT u + 1 AS a FROM t",  # hashes are moved, so arithmetic on them would be wrong
    "SELECT u % 64 AS a FROM t",
    "SELECT sum(u) AS a FROM t",
    "SELECT CAST(u AS BIGINT) AS a FROM t",
    "SELECT id FROM t WHERE u = i",
    "SELECT id FROM t WHERE u IN (SELECT n FROM o)",
    "SELECT id FROM t WHERE coalesce(u, i) = 3",
    "SELECT u FROM t UNION ALL SELECT n FROM o",
    "SELECT id FROM t WHERE u > -1",
    "SELECT CASE k WHEN 1 THEN 2 END AS c FROM t",
)


def tables(seed: int) -> dict[str, pa.Table]:
    """Few distinct values, so that ties, joins and groups happen; hashes on both sides of 2^63; nulls everywhere."""
    rng = np.random.default_rng(seed)
    n = 400
    hashes = np.array(
        [0, 1, 5, TOP - 1, TOP, TOP + 1, 2 * TOP - 1, *rng.integers(0, 2 * TOP, 20, np.uint64)], np.uint64
    )
    texts = ["", "a", "A", "ab", "é", "z", "\u00ff", "\uffff", "\U0001f600", "中文", "a\0b", " a"]
    missing = rng.random((6, n)) < 0.08
    return {
        "t": pa.table(
            {
                "id": pa.array(rng.permutation(n).astype(np.int64)),
                "u": pa.array(rng.choice(hashes, n), mask=missing[0]),
                "v": pa.array(rng.choice(hashes, n), mask=missing[1]),
                "i": pa.array(rng.integers(-(1 << 40), 1 << 40, n), mask=missing[2]),
                "k": pa.array(rng.integers(0, 5, n).astype(np.int32), mask=missing[3]),
                "s": pa.array([texts[i] for i in rng.integers(0, len(texts), n)], mask=missing[4]),
                "b": pa.array(rng.random(n) < 0.5, mask=missing[5]),
            }
        ),
        "o": pa.table({"u": rng.choice(hashes, 12), "n": rng.integers(0, 400, 12)}),
    }


def test_every_idiom_gives_the_same_rows_types_and_order(spark: SparkEngine) -> None:
    with DuckEngine() as duck:
        both: tuple[Engine, Engine] = (duck, spark)
        for engine in both:
            for name, table in tables(seed=4).items():
                engine.scan(name, table)
        for query in IDIOMS:
            expected, got = (engine.collect(query) for engine in both)
            assert got.schema.equals(expected.schema), query
            assert got.to_pydict() == expected.to_pydict(), query


def test_every_part_of_the_shared_sql_has_an_idiom_that_is_compared() -> None:
    used = {type(node) for query in IDIOMS for node in sqlglot.parse_one(query, read="duckdb").walk()}
    assert used == set(SUBSET)


@pytest.mark.parametrize("query", REFUSED)
def test_what_the_engines_do_not_do_alike_is_refused_by_name(query: str) -> None:
    with pytest.raises(StepError, match=r"outside the SQL|types that Spark|SQL: "):
        to_spark(query, TYPES, {name: name for name in TYPES})


def test_a_failed_step_says_its_name_and_its_sql(spark: SparkEngine) -> None:
    spark.scan("t", tables(1)["t"])
    with pytest.raises(StepError, match=r"step broken failed(?s:.*)SELECT nothing FROM t"):
        spark.sql("broken", "SELECT nothing FROM t")
    big = pa.table({"i": pa.array([1 << 62, 1 << 62])})
    spark.scan("big", big)
    with pytest.raises(StepError, match=r"step doubled failed(?s:.*)i \* 4"):
        spark.sql("doubled", "SELECT i * 4 AS i FROM big")  # overflow is an error, never a wrong number
