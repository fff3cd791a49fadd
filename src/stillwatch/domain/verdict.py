"""The result of a scan as plain values: evidence, campaigns, dispositions, and the case that holds them."""

from __future__ import annotations

import enum
from typing import Any

import msgspec
import pyarrow as pa


class Family(enum.StrEnum):
    """The six families of evidence."""

    IDENTITY = "identity"
    INFRASTRUCTURE = "infrastructure"
    CONTENT = "content"
    TIMING = "timing"
    CONTINUITY = "continuity"
    INTENT = "intent"


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """One finding about one group: a row of ``evidence.parquet``."""

    campaign_id: str
    family: Family
    channel: str
    """Which measurement of the family (``payment``, ``dispatch_order``, ``template`` …)."""
    statistic: float
    null: str
    """The null hypothesis in words."""
    p_value: float
    accounts: int
    exchanges: int
    example_exchange_ids: tuple[str, ...] = ()


class FamilyFinding(msgspec.Struct, frozen=True, kw_only=True):
    """What one family says about one group."""

    family: Family
    available: bool
    formed_group: bool
    """True when this family drew the group: then it does not judge it, and p_value is None."""
    statistic: float | None = None
    p_value: float | None = None
    effect: float | None = None
    """Share of the group's accounts that carry the evidence, 0…1."""
    summary: str = ""
    """One plain sentence with figures, free of customers' text and account names."""


class TacticFinding(msgspec.Struct, frozen=True, kw_only=True):
    """One tactic of the catalogue as seen in one campaign."""

    id: str
    name: str
    atlas: tuple[str, ...]
    accounts: int
    exchanges: int
    share: float
    """Share of the campaign's harvest exchanges (or accounts) that show it, 0…1."""
    evidence: str
    example_exchange_ids: tuple[str, ...] = ()
    redacted_examples: tuple[str, ...] = ()


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """An honest explanation that was weighed: what it predicts, what was seen, and the outcome."""

    kind: str
    prediction: str
    observed: str
    rejected: bool


class Template(msgspec.Struct, frozen=True, kw_only=True):
    """One request template of a campaign; ``text`` has everything that is not common to its senders masked."""

    id: str
    accounts: int
    exchanges: int
    text: str


class Impact(msgspec.Struct, frozen=True, kw_only=True):
    """What was taken: tokens, and money where a price table was given."""

    input_tokens: int
    output_tokens: int
    reasoning_tokens: int
    list_price: float | None = None
    currency: str | None = None


class Charts(msgspec.Struct, frozen=True, kw_only=True):
    """Bounded series for the report; times are microseconds since the epoch, UTC."""

    bucket_us: int
    bucket_start_us: int
    volume_campaign: tuple[int, ...]
    """Harvest exchanges per bucket."""
    volume_other: tuple[int, ...]
    """All other exchanges of the log per bucket."""
    raster_us: tuple[int, ...]
    """Times of sampled harvest exchanges (at most 4,000) …"""
    raster_account: tuple[int, ...]
    """… and the position (0-based) of their account in the order of first appearance."""
    graph_nodes: tuple[tuple[str, str], ...]
    """(label, kind): kind ``account`` (``a1`` …) or a value kind (``payment``, ``address`` …; ``payment 3``)."""
    graph_edges: tuple[tuple[int, int], ...]


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A group of accounts with a verdict: ``campaign`` or ``watch`` or ``licensed`` or ``lookalike:<kind>``."""

    id: str
    verdict: str
    title: str
    """Short and human: "2 tactics over 412 accounts, from 14:05 on"."""
    accounts: int
    core_accounts: int
    exchanges: int
    """All exchanges of the member accounts."""
    harvest_exchanges: int
    """Exchanges of the campaign's own sub-streams."""
    first_seen: str
    last_seen: str
    q_value: float
    confidence: float
    """Posterior that the group is a campaign (heuristic where the report says so), 0…1."""
    families: tuple[FamilyFinding, ...]
    tactics: tuple[TacticFinding, ...]
    alternatives: tuple[Alternative, ...]
    models: dict[str, int]
    channels: dict[str, int]
    capabilities: dict[str, int]
    templates: tuple[Template, ...]
    impact: Impact
    charts: Charts
    licence_breach: str | None = None
    note: str = ""
    known_since: str | None = None
    """First exchange ever seen of it, where earlier scans are remembered (``--state``); None elsewhere."""
    quiet: bool = False
    """True where only earlier scans saw it: tests and tactics are theirs."""
    joined_later: int = 0
    """Members that joined when it was known already, such as accounts that replace banned ones."""
    also_known_as: tuple[str, ...] = ()
    """Ids of campaigns that turned out to be this one."""


ACCOUNT_VERDICTS = pa.schema(
    [
        pa.field("account_id", pa.string(), nullable=False),
        pa.field("campaign_id", pa.string()),
        pa.field("disposition", pa.string(), nullable=False),
        pa.field("score", pa.float64(), nullable=False),
        pa.field("q_value", pa.float64(), nullable=False),
        pa.field("exchanges", pa.int64(), nullable=False),
        pa.field("harvest_exchanges", pa.int64(), nullable=False),
        pa.field("first_seen", pa.timestamp("us", tz="UTC"), nullable=False),
        pa.field("last_seen", pa.timestamp("us", tz="UTC"), nullable=False),
    ]
)
"""``accounts.parquet``: one row per account seen, ordered by account_id."""


class CaseResult(msgspec.Struct, kw_only=True):
    """Everything a scan found: the value that ``case`` writes and everything else reads."""

    accounts: Any  # pa.Table of ACCOUNT_VERDICTS (msgspec has no type for it)
    campaigns: tuple[Campaign, ...]
    evidence: tuple[Evidence, ...]
    run: dict[str, Any]
    """Provenance: input hashes, settings, versions, what was unavailable, what was capped (timings are kept apart)."""
    quarantine: Any = None  # pa.Table | None: file, row, column, error
