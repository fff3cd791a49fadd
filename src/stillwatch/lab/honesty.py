"""Is a world honest? Search for rules that tell hostile from honest accounts without being evidence.

Every column gives simple per-account features: its form (pattern of letters and digits, length, white space), nulls,
order in the file, clock residues; for columns that carry intended evidence only the form is searched, for all others
the values too. A rule is a stump on one feature; it leaks when it separates all hostile accounts, or a whole campaign,
from the honest ones. Impossible values and traffic before sign-up fail at once.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from stillwatch.lab.impossible import impossible

VALUES_ARE_EVIDENCE = frozenset(
    {"created_at", "programme", "plan", "payment_fingerprint", "device_fingerprint", "signup_ip", "client_ip", "asn"}
    | {"user_agent", "tls_fingerprint", "channel", "model", "system_prompt", "prompt", "response", "input_tokens"}
    | {"output_tokens", "reasoning_tokens", "cached_input_tokens", "message_count", "temperature", "top_p", "status"}
    | {"max_output_tokens", "stream", "tools_count", "tool_schema_hash", "response_format", "reasoning_effort"}
    | {"finish_reason", "refusal", "refusal_category", "reasoning_ref_issued", "reasoning_ref_presented", "session_id"}
    | {"end_user_id", "org_id", "verification"}
)
"""Columns whose values (and nulls) the tactics or the kind of customer are meant to move; their form is not."""
TEXT = ("prompt", "system_prompt", "response")
LIMIT = 0.8
"""Youden's J (hit rate minus false-alarm rate) above which a rule is a leak."""
LEAST = 20
"""Accounts that a campaign needs to be searched on its own."""


class DishonestWorldError(Exception):
    """The world can be solved without evidence, or cannot exist."""


@dataclass(frozen=True)
class Leak:
    """One rule that should not work, or one fact that cannot be."""

    rule: str
    where: str
    strength: float
    """Youden's J; 1 for impossible facts."""

    def __str__(self) -> str:
        return f"{self.rule} [{self.where}] J={self.strength:.2f}"


def check(directory: Path, *, limit: float = LIMIT) -> list[Leak]:
    """All leaks of a world, worst first; see :func:`require_honest` for the loud form."""
    with duckdb.connect() as db:
        db.execute("SET threads=1").fetchall()
        db.execute("SET TimeZone='UTC'").fetchall()
        for name in ("exchanges", "accounts", "truth"):
            source = f"read_parquet($${directory / name}.parquet$$, file_row_number=true)"
            db.execute(f"CREATE VIEW {name} AS SELECT * FROM {source}").fetchall()
        leaks = [Leak(text, "impossible", 1.0) for text in impossible(db)]
        groups = _groups(db)
        for rule, values in features(db):
            leaks += _search(rule, values, groups, limit)
    return sorted(leaks, key=lambda leak: (-leak.strength, leak.rule))


def require_honest(directory: Path) -> None:
    """Raise :class:`DishonestWorldError` naming every leak."""
    if leaks := check(directory):
        raise DishonestWorldError("; ".join(str(leak) for leak in leaks))


def _groups(db: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Hostile accounts as a whole and by campaign; ``honest`` is the other side."""
    rows = db.sql("SELECT account_id, role = 'hostile', campaign FROM truth ORDER BY account_id").fetchall()
    hostile = np.array([r[1] for r in rows], dtype=bool)
    campaign = np.array([r[2] or "" for r in rows])
    found: dict[str, Any] = {"": ~hostile}
    if hostile.sum() >= LEAST:
        found["all campaigns"] = hostile
    for name in np.unique(campaign[hostile]):
        if (campaign == name).sum() >= LEAST:
            found[str(name)] = campaign == name
    return found


def _search(rule: str, values: Any, groups: dict[str, Any], limit: float) -> Iterator[Leak]:
    honest = values[groups[""]]
    for name, member in groups.items():
        if name:
            strength, text = stump(values[member], honest)
            if strength >= limit:
                yield Leak(f"{rule} {text}", name, strength)


def stump(hostile: Any, honest: Any) -> tuple[float, str]:
    """The best rule on one feature: a threshold for numbers, a value for labels, among accounts that have one."""
    if hostile.dtype.kind != "f":
        hostile, honest = hostile[hostile != "None"], honest[honest != "None"]
        if min(len(hostile), len(honest)) < LEAST:
            return 0.0, ""
        labels, index = np.unique(np.concatenate([hostile, honest]).astype(str), return_inverse=True)
        a = np.bincount(index[: len(hostile)], minlength=len(labels)) / max(len(hostile), 1)
        b = np.bincount(index[len(hostile) :], minlength=len(labels)) / max(len(honest), 1)
        best = int(np.argmax(np.abs(a - b)))
        return float(abs(a - b)[best]), f"{'=' if a[best] > b[best] else '≠'} {str(labels[best])!r}"
    known, other = np.sort(hostile[~np.isnan(hostile)]), np.sort(honest[~np.isnan(honest)])
    if len(known) < LEAST or len(other) < LEAST:
        return 0.0, ""
    cuts = np.unique(np.concatenate([known, other]))
    gap = np.searchsorted(known, cuts, "right") / len(known) - np.searchsorted(other, cuts, "right") / len(other)
    best = int(np.argmax(np.abs(gap)))
    return float(abs(gap)[best]), f"{'≤' if gap[best] > 0 else '>'} {cuts[best]:.6g}"


def features(db: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, Any]]:
    """Features per account (ordered by account_id), named; floats with NaN or labels."""
    for table, skip in (("accounts", {"account_id"}), ("exchanges", set())):
        schema = db.sql(f"DESCRIBE {table}").fetchall()
        parts: list[tuple[str, str]] = []
        for name, kind, *_ in schema:
            if name not in skip and name not in ("file_row_number", "ts"):
                parts += _column(table, name, str(kind))
        if table == "exchanges":
            parts += _CLOCK
        parts += _ORDER[table]
        if table == "accounts":
            parts += _form("account_id", "accounts.account_id")
        chosen = ", ".join(f"{sql} AS f{k}" for k, (_, sql) in enumerate(parts))
        source = _EXCHANGES if table == "exchanges" else "accounts"
        result = db.sql(
            f"WITH g AS (SELECT account_id, {chosen} FROM {source} GROUP BY account_id) "
            "SELECT g.* EXCLUDE account_id FROM truth LEFT JOIN g USING (account_id) ORDER BY account_id"
        ).to_arrow_table()
        for k, (rule, _) in enumerate(parts):
            column = result.column(f"f{k}")
            if column.type in ("string", "large_string"):
                yield rule, np.array(column.to_pylist(), dtype=object).astype(str)
            else:
                yield rule, column.cast("float64").to_numpy()


_EXCHANGES = (
    "(SELECT *, file_row_number - row_number() OVER (ORDER BY ts, exchange_id) AS misplaced, "
    "row_number() OVER (PARTITION BY date_trunc('hour', ts) ORDER BY exchange_id) / "
    "count(*) OVER (PARTITION BY date_trunc('hour', ts)) AS id_rank FROM exchanges)"
)
# rounded: a rare coincidence must not tell busy accounts from quiet ones
_CLOCK = [
    ("exchanges: share of whole milliseconds", "round(avg((epoch_us(ts) % 1000 = 0)::int), 1)"),
    ("exchanges: share of whole seconds", "round(avg((epoch_us(ts) % 1000000 = 0)::int), 1)"),
    ("exchanges: parity of microseconds", "avg(epoch_us(ts) % 2)"),
]
_ORDER = {
    "accounts": [("accounts: row number", "avg(file_row_number)")],
    "exchanges": [("exchanges: row out of order", "avg(misplaced)"), ("exchanges.exchange_id order", "avg(id_rank)")],
}


def _column(table: str, name: str, kind: str) -> Iterator[tuple[str, str]]:
    """The searched features of one column."""
    label = f"{table}.{name}"
    text = kind == "VARCHAR"
    free = name not in VALUES_ARE_EVIDENCE
    if free:
        yield f"{label} null share", f"avg(({name} IS NULL)::int)"
        yield f"{label} usual value", f"mode({name}::VARCHAR)"
    if free and not text and kind not in ("BOOLEAN", "BLOB") and "TIMESTAMP" not in kind:
        yield f"{label} mean", f"avg({name})"
    if name == "response":
        yield f"{label} null on success", f"avg(({name} IS NULL AND coalesce(status, 200) = 200)::int)"
    if name in TEXT:
        yield f"{label} white space at the end", f"avg((right({name}, 1) = ' ')::int)"
        yield f"{label} white space at the start", f"avg((left({name}, 1) IN (' ', chr(10), chr(9)))::int)"
        yield (
            f"{label} odd characters",
            f"avg(regexp_matches({name}, '[\\x{{200B}}-\\x{{200F}}\\x{{FEFF}}\\x{{00A0}}]|\\{{[a-z_]+\\}}')::int)",
        )
    elif text:
        yield from _form(name, label)
    if kind == "BIGINT" and name not in ("asn", "max_output_tokens", "seed"):
        yield f"{label} parity", f"avg({name} % 2)"
        yield f"{label} share of round tens", f"avg(({name} % 10 = 0)::int)"


def _form(name: str, label: str) -> Iterator[tuple[str, str]]:
    """The form of an identifier: length, pattern, first figures."""
    if label.split(".")[1] in (
        "user_agent",
        "programme",
        "plan",
        "channel",
        "model",
        "verification",
        "country",
        "finish_reason",
        "refusal_category",
    ):
        return
    shape = f"regexp_replace(regexp_replace({name}, '[0-9a-f]', 'h', 'g'), 'h+', 'h', 'g')"
    if name not in ("client_ip", "signup_ip", "email_domain"):
        yield f"{label} length", f"avg(length({name}))"
        yield f"{label} pattern", f"mode({shape})"
        yield f"{label} upper case", f"avg(({name} <> lower({name}))::int)"
        if name.endswith(("_id", "_fingerprint")) and name not in VALUES_ARE_EVIDENCE:
            digit = f"regexp_extract({name}, '([0-9a-f])[0-9a-f]*$', 1)"
            yield f"{label} first figure", f"avg(instr('0123456789abcdef', {digit}))"
            yield f"{label} last figure", f"avg(instr('0123456789abcdef', right({name}, 1)))"
