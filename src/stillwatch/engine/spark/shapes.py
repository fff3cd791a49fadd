"""The columns of every relation and result, as DuckDB names and types them: SQL means here what it means there.

Each step is run on empty tables by an embedded DuckDB. So both engines give tables of the same types, and a query
that DuckDB would not take never reaches Spark.
"""

from __future__ import annotations

import duckdb
import pyarrow as pa


class Shapes:
    """Empty twins of the relations."""

    def __init__(self) -> None:
        self._con = duckdb.connect(":memory:")
        self.types: dict[str, dict[str, str]] = {}
        """DuckDB's type of each column of each relation."""

    def declare(self, name: str, schema: pa.Schema) -> None:
        """A relation that comes from outside."""
        empty = schema.empty_table()
        self._con.register("incoming", empty)
        self.step(name, "SELECT * FROM incoming")
        self._con.unregister("incoming")

    def step(self, name: str, query: str) -> None:
        """A relation that a step makes."""
        self._con.execute(f"CREATE OR REPLACE TABLE {name} AS {query}")
        rows = self._con.execute(f"DESCRIBE {name}").fetchall()
        self.types[name] = {str(column): str(kind) for column, kind, *_ in rows}

    def result(self, query: str) -> pa.Schema:
        """What a query gives; :class:`duckdb.Error` where it is none."""
        return self._con.sql(query).to_arrow_table().schema

    def close(self) -> None:
        """Let DuckDB go."""
        self._con.close()
