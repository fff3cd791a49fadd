"""The columns of every relation and result, as DuckDB names and types them: SQL means here what it means there.

Each step is run on empty tables by the embedded engine. So both engines give tables of the same types, and a query
that DuckDB would not take never reaches Spark.
"""

from __future__ import annotations

import pyarrow as pa

from stillwatch.engine.duck import DuckEngine


class Shapes:
    """Empty twins of the relations."""

    def __init__(self) -> None:
        self._twin = DuckEngine(threads=1).__enter__()
        self.types: dict[str, dict[str, str]] = {}
        """DuckDB's type of each column of each relation."""

    def declare(self, name: str, schema: pa.Schema) -> None:
        """A relation that comes from outside, or rows added to one."""
        self._twin.scan(name, schema.empty_table())
        self._note(name)

    def step(self, name: str, query: str) -> None:
        """A relation that a step makes. Raises :class:`StepError` as a step on DuckDB does."""
        self._twin.sql(name, query)
        self._note(name)

    def result(self, query: str) -> pa.Schema:
        """What a query gives. Raises :class:`StepError` for one that is none."""
        return self._twin.collect(query).schema

    def close(self) -> None:
        """Let DuckDB go."""
        self._twin.__exit__(None, None, None)

    def _note(self, name: str) -> None:
        columns = self._twin.collect(f"SELECT column_name, data_type FROM duckdb_columns() WHERE table_name = '{name}'")
        self.types[name] = dict(zip(*columns.to_pydict().values(), strict=True))
