"""Each exchange once: a repeated exchange_id is dropped as the scan drops it, the first in file order stays."""

from __future__ import annotations

from stillwatch.engine import Engine


def drop_repeated(engine: Engine) -> None:
    """Leave rows that repeat an exchange_id out of ``exchanges`` and ``fingerprints``."""
    engine.sql(
        "repeated",
        """SELECT rid FROM (SELECT rid, row_number() OVER (PARTITION BY key ORDER BY rid) AS nth
           FROM exchanges WHERE given) AS e WHERE nth > 1""",
    )
    if not engine.collect("SELECT rid FROM repeated").num_rows:
        return
    engine.sql("exchanges_once", "SELECT * FROM exchanges WHERE rid NOT IN (SELECT rid FROM repeated)")
    engine.sql("exchanges", "SELECT * FROM exchanges_once")
    engine.sql("fingerprints_once", "SELECT * FROM fingerprints WHERE rid NOT IN (SELECT rid FROM repeated)")
    engine.sql("fingerprints", "SELECT * FROM fingerprints_once")
