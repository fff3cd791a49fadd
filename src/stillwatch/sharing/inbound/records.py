"""Leads as values: what ``leads.json`` and the table beside it hold."""

from __future__ import annotations

from typing import NamedTuple

import msgspec
import pyarrow as pa

FORMAT = "stillwatch-leads/1"
ACCOUNTS = pa.schema(
    [
        pa.field("lead_id", pa.string(), nullable=False),
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("indicators", pa.int64(), nullable=False),
        pa.field("two_kinds", pa.bool_(), nullable=False),
        pa.field("exchanges", pa.int64(), nullable=False),
        pa.field("disposition", pa.string(), nullable=False),
        pa.field("campaign_id", pa.string()),
    ]
)
"""``accounts.parquet`` of leads: stays at home. ``exchanges``: the most that match one indicator."""


class Match(msgspec.Struct, frozen=True, kw_only=True):
    """One indicator in our log."""

    indicator: str
    name: str
    group: str
    accounts: int
    exchanges: int
    first_seen: str
    last_seen: str
    common: bool
    """So many accounts have it here that it tells nothing by itself."""


class Lead(msgspec.Struct, frozen=True, kw_only=True):
    """One campaign of somebody else's, as far as it shows in our log. Free of account names."""

    id: str
    about: str
    """Id of the campaign, or of an indicator that indicates none."""
    name: str
    producer: str
    tlp: str
    """The narrowest of the campaign's and of those of the indicators that matched."""
    strength: str
    """``two kinds`` of evidence on the same accounts, ``one kind``, or ``common`` values only. A heuristic."""
    accounts: int
    """Accounts that match an indicator that is not common here."""
    accounts_two_kinds: int
    exchanges: int
    first_seen: str
    last_seen: str
    already: dict[str, int]
    """What our own case says of these accounts: disposition → accounts."""
    matches: tuple[Match, ...]


class LeadsFile(msgspec.Struct, frozen=True, kw_only=True):
    """``leads.json``."""

    format: str
    accounts: int
    """Accounts of the log."""
    inputs: tuple[str, ...]
    """BLAKE2b of the log's files."""
    bundles: tuple[str, ...]
    """SHA-256 of the bundles."""
    indicators: int
    skipped: dict[str, int]
    leads: tuple[Lead, ...]


class Leads(NamedTuple):
    """What was found, and on which accounts."""

    file: LeadsFile
    accounts: pa.Table


def summary(found: LeadsFile) -> list[str]:
    """What a person at the terminal sees."""
    out = []
    for lead in found.leads:
        ours = ", ".join(f"{n:,} {what}" for what, n in lead.already.items())
        out.append(
            f"{lead.id}  {lead.strength:<9}  {lead.accounts:,} accounts ({lead.accounts_two_kinds:,} in both kinds), "
            f"{lead.exchanges:,} exchanges, TLP:{lead.tlp.upper()}"
        )
        out.append(f"    {lead.name}" + (f", says {lead.producer}" if lead.producer else ""))
        if ours:
            out.append(f"    our own case: {ours}")
        common = sum(m.common for m in lead.matches)
        out.append(f"    {len(lead.matches) - common:,} telling indicators, {common:,} common here")
    return out
