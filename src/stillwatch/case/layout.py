"""What lies in a case directory: names, formats, and how to tell one from any other directory."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pyarrow as pa

from stillwatch.domain.verdict import Campaign

CASE_FORMAT = "stillwatch-case/1"

ACCOUNTS = "accounts.parquet"
CAMPAIGNS = "campaigns.json"
EVIDENCE = "evidence.parquet"
REPORT = "report.html"
RUN = "run.json"
QUARANTINE = "quarantine.parquet"
FILES = frozenset({ACCOUNTS, CAMPAIGNS, EVIDENCE, REPORT, RUN, QUARANTINE})
"""Every file that a case may hold; whatever else lies in the directory is somebody's own."""

RESERVED = ("format", "timings")
"""Keys of ``run.json`` that are the case's own, not the run's."""

EVIDENCE_ROWS = pa.schema(
    [
        pa.field("campaign_id", pa.string(), nullable=False),
        pa.field("family", pa.string(), nullable=False),
        pa.field("channel", pa.string(), nullable=False),
        pa.field("statistic", pa.float64(), nullable=False),
        pa.field("null", pa.string(), nullable=False),
        pa.field("p_value", pa.float64(), nullable=False),
        pa.field("accounts", pa.int64(), nullable=False),
        pa.field("exchanges", pa.int64(), nullable=False),
        pa.field("example_exchange_ids", pa.list_(pa.string()), nullable=False),
    ]
)
"""``evidence.parquet``: one row per finding, in the order of the result."""


class CampaignsFile(msgspec.Struct, frozen=True, kw_only=True):
    """``campaigns.json``: groups with verdict ``campaign``, and all others in the same shape."""

    format: str
    campaigns: tuple[Campaign, ...]
    other_groups: tuple[Campaign, ...]


def is_case(path: Path) -> bool:
    """Whether a directory holds a case of any version: its ``run.json`` says so."""
    try:
        found = json.loads((path / RUN).read_text("utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and str(found.get("format", "")).startswith("stillwatch-case/")
