"""One more pass over the log of a case: the fingerprints of each campaign that may be shown."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

import pyarrow as pa

from stillwatch.engine import Engine
from stillwatch.kernels.hashing import hash_strings
from stillwatch.sharing.fingerprints import showable
from stillwatch.sharing.fingerprints.areas import area
from stillwatch.sharing.fingerprints.kinds import KINDS, PLACE, Kind
from stillwatch.sharing.fingerprints.once import drop_repeated
from stillwatch.sharing.fingerprints.templates import find_templates
from stillwatch.sharing.fingerprints.textpass import SharedPass

SPREAD = 0.05
"""Work and stacks are a campaign's own when at least this share of the members have them."""
PURITY = 0.9
"""… and at most one in ten of those who hold a value is in no campaign."""
LEAST_TOKENS = 12
"""A shorter prompt can be guessed from its hash."""
_SHOWN = ("client_ip", "user_agent", "tls_fingerprint", "tool_schema_hash")


class Limits(NamedTuple):
    """How many must stand behind what is shown."""

    accounts: int = 5
    """Members of different declared customers, at least; fewer would point at somebody."""


class Fingerprint(NamedTuple):
    """One value of a campaign's own."""

    kind: str
    value: str
    """As people write it: a prefix, a number, a name, or 16 hexadecimal digits of a hash."""
    accounts: int
    """Members that hold it."""
    others: int
    """Accounts outside all campaigns that hold it."""
    exchanges: int
    first_us: int
    """Microseconds since the epoch, UTC."""
    last_us: int
    marks: tuple[str, ...] = ()
    """For templates: winnowing marks, 16 hexadecimal digits each; a request that has half of them uses the template."""


class Reader(Protocol):
    """What gathering needs of an open log."""

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Batches of the canonical table with ``source_file`` and ``source_row``."""
        ...

    def fetch_rows(self, wanted: dict[int, list[int]], columns: Sequence[str]) -> pa.Table:
        """A few rows again, in the order of file and row."""
        ...


def gather(
    engine: Engine,
    reader: Reader,
    accounts: pa.Table | None,
    members: Mapping[str, str],
    limits: Limits,
) -> dict[str, tuple[Fingerprint, ...]]:
    """Campaign id → its fingerprints, by kind, then value. ``members``: account id → campaign id."""
    engine.map_batches(reader, SharedPass())
    drop_repeated(engine)
    campaigns = sorted(set(members.values()))
    _people(engine, accounts, members, campaigns)
    found: dict[str, list[Fingerprint]] = {name: [] for name in campaigns}
    own = [_own(engine, kind, limits) for kind in KINDS if kind.column]
    shown = _shown_rows(reader, [row["rid"] for table in own for row in table])
    for kind, table in zip((k for k in KINDS if k.column), own, strict=True):
        for row in table:
            value = _readable(kind, row["value"], shown.get(row["rid"], {}))
            if value is not None:
                found[campaigns[row["campaign"]]].append(
                    Fingerprint(
                        kind.name, value, row["members"], row["others"], row["exchanges"], row["first"], row["last"]
                    )
                )
    _own_marks(engine, limits)
    for number, name in enumerate(campaigns):
        found[name] += [
            Fingerprint("template", t.name, t.accounts, t.others, t.exchanges, t.first_us, t.last_us, t.marks)
            for t in find_templates(engine, number, least=limits.accounts)
        ]
    return {name: tuple(sorted(prints, key=lambda p: (p.kind, p.value))) for name, prints in found.items()}


def _people(engine: Engine, accounts: pa.Table | None, members: Mapping[str, str], campaigns: list[str]) -> None:
    """``people``: account → campaign (its number; null: none) and customer. ``sizes``: members per campaign."""
    place = {name: number for number, name in enumerate(campaigns)}
    ids = pa.array(sorted(members), pa.string())
    engine.scan(
        "member_accounts",
        pa.table(
            {
                "account": hash_strings(ids),
                "campaign": pa.array([place[members[a]] for a in ids.to_pylist()], pa.int32()),
            }
        ),
    )
    known = pa.table({"account_id": pa.array([], pa.string()), "org_id": pa.array([], pa.string())})
    known = known if accounts is None else accounts.select(["account_id", "org_id"])
    engine.scan(
        "declared_customers",
        pa.table(
            {
                "account": hash_strings(known["account_id"].combine_chunks()),
                "org": hash_strings(known["org_id"].combine_chunks()),
            }
        ),
    )
    engine.sql(
        "people",
        """SELECT e.account AS account, m.campaign AS campaign,
                  coalesce(nullif(max(d.org), 0), nullif(max(e.org), 0), e.account) AS customer
           FROM exchanges AS e LEFT JOIN member_accounts AS m ON m.account = e.account
           LEFT JOIN declared_customers AS d ON d.account = e.account GROUP BY e.account, m.campaign""",
    )
    engine.sql("sizes", "SELECT campaign, count(*) AS size FROM people WHERE campaign IS NOT NULL GROUP BY campaign")


def _value(kind: Kind) -> str:
    """The column that holds a kind, in SQL; 0 where it is unknown."""
    if kind.name == "prompt":
        return f"CASE WHEN e.prompt_tokens < {LEAST_TOKENS} THEN 0 ELSE e.{kind.column} END"
    return f"e.{kind.column}"


def _own_values(engine: Engine, name: str, source: str, limits: Limits, spread: float) -> None:
    """``own_<name>``: values of ``source`` (account, value) that a campaign has and hardly anybody else."""
    engine.sql(  # members first: what they hold is little beside the log
        f"several_{name}",
        f"""SELECT s.value AS value, p.campaign AS campaign, count(DISTINCT p.account) AS members
            FROM ({source}) AS s JOIN people AS p ON p.account = s.account JOIN sizes AS z ON z.campaign = p.campaign
            WHERE s.value <> 0 GROUP BY s.value, p.campaign HAVING count(DISTINCT p.customer) >= {limits.accounts}
              AND count(DISTINCT p.account) >= {spread} * any_value(z.size)""",
    )
    engine.sql(
        f"strangers_{name}",
        f"""SELECT s.value AS value, count(DISTINCT p.account) AS others
            FROM ({source}) AS s JOIN people AS p ON p.account = s.account
            WHERE p.campaign IS NULL AND s.value IN (SELECT value FROM several_{name}) GROUP BY s.value""",
    )
    engine.sql(
        f"own_{name}",
        f"""SELECT i.value AS value, i.campaign AS campaign, i.members AS members, coalesce(o.others, 0) AS others
            FROM several_{name} AS i LEFT JOIN strangers_{name} AS o ON o.value = i.value
            WHERE i.members >= {PURITY} * (i.members + coalesce(o.others, 0))""",
    )


def _own(engine: Engine, kind: Kind, limits: Limits) -> list[dict[str, int]]:
    expression = _value(kind)
    spread = 0.0 if kind.group == PLACE else SPREAD
    _own_values(engine, kind.name, f"SELECT e.account, {expression} AS value FROM exchanges AS e", limits, spread)
    table = engine.collect(
        f"""SELECT o.value AS value, o.campaign AS campaign, any_value(o.members) AS members,
                   any_value(o.others) AS others, count(*) AS exchanges, min(e.ts) AS first, max(e.ts) AS last,
                   min(e.rid) AS rid
            FROM exchanges AS e JOIN people AS p ON p.account = e.account
            JOIN own_{kind.name} AS o ON o.value = {expression} AND o.campaign = p.campaign
            GROUP BY o.value, o.campaign ORDER BY campaign, value"""
    )
    rows: list[dict[str, int]] = table.to_pylist()
    return rows


def _own_marks(engine: Engine, limits: Limits) -> None:
    """``own_mark``: winnowing marks that a campaign has and hardly anybody else."""
    _own_values(engine, "mark", "SELECT f.account, f.fingerprint AS value FROM fingerprints AS f", limits, SPREAD)


def _shown_rows(reader: Reader, rids: list[int]) -> dict[int, dict[str, str | None]]:
    """Raw values of some rows, by row id."""
    if not rids:
        return {}
    wanted: dict[int, list[int]] = {}
    distinct = sorted(set(rids))
    for rid in distinct:
        wanted.setdefault(rid >> 40, []).append(rid & ((1 << 40) - 1))
    table = reader.fetch_rows(wanted, _SHOWN)
    return dict(zip(distinct, table.to_pylist(), strict=True))


def _readable(kind: Kind, value: int, row: Mapping[str, str | None]) -> str | None:
    """A value as it is shown; None where it may not be."""
    if kind.name == "network":
        return area(row.get("client_ip") or "")
    if kind.name == "asn":
        return str(value)
    if kind.name == "client":
        return showable.user_agent(row.get("user_agent"))
    if kind.name == "tls":
        return showable.tls_fingerprint(row.get("tls_fingerprint"))
    if kind.name == "schema":
        return showable.schema_hash(row.get("tool_schema_hash"))
    return f"{value:016x}"
