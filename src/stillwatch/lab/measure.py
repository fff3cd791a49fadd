"""What one scan of one world gave: found or not, and what the harvest was made of."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb

from stillwatch.lab.evaluate import evaluate


def measurement(world: Path, case: Path) -> dict[str, Any]:
    """Counts only, as plain values: what was there, what was named, and what each campaign consists of."""
    result = evaluate(case, world / "truth.parquet")
    groups, accounts = result["campaigns"], result["accounts"]
    made_of = ingredients(world)
    return {
        "honest": accounts["false_positive_rate"]["of"],
        "honest_named": accounts["false_positive_rate"]["hits"],
        "reported": groups["reported"],
        "false_campaigns": len(groups["false"]),
        "calibration": result["calibration"],
        "collateral": {
            name: {value: [share["hits"], share["of"]] for value, share in values.items()}
            for name, values in result["collateral"].items()
        },
        "campaigns": [{"name": name} | row | made_of.get(name, {}) for name, row in groups["each"].items()],
    }


def ingredients(world: Path) -> dict[str, dict[str, int]]:
    """Per campaign of a world: exchanges, tokens, distinct addresses, payment instruments and devices used."""
    with duckdb.connect() as db:
        db.execute("SET threads=1").fetchall()
        names = {name: str(world / f"{name}.parquet") for name in ("exchanges", "accounts", "truth")}
        have = {name: _columns(db, path) for name, path in names.items()}

        def one(table: str, column: str, how: str) -> str:
            return how.format(column) if column in have[table] else "NULL"

        rows = db.execute(
            f"""SELECT t.campaign, count(*),
                {one("exchanges", "input_tokens", "sum({})")}, {one("exchanges", "output_tokens", "sum({})")},
                {one("exchanges", "client_ip", "count(DISTINCT e.{})")},
                {one("accounts", "payment_fingerprint", "count(DISTINCT a.{})")},
                {one("accounts", "device_fingerprint", "count(DISTINCT a.{})")}
                FROM read_parquet($exchanges) AS e JOIN read_parquet($truth) AS t USING (account_id)
                JOIN read_parquet($accounts) AS a USING (account_id)
                WHERE t.campaign IS NOT NULL GROUP BY t.campaign ORDER BY t.campaign""",
            names,
        ).fetchall()
    fields = ("exchanges", "input_tokens", "output_tokens", "addresses", "payments", "devices")
    return {r[0]: {k: int(v) for k, v in zip(fields, r[1:], strict=True) if v is not None} for r in rows}


def _columns(db: duckdb.DuckDBPyConnection, path: str) -> set[str]:
    return {r[0] for r in db.execute("DESCRIBE SELECT * FROM read_parquet($path)", {"path": path}).fetchall()}
