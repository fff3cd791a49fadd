"""From a case, and the log behind it, to what is shared of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.case.raw import file_entry, same_log
from stillwatch.domain.errors import InputError
from stillwatch.domain.verdict import Campaign, CaseResult
from stillwatch.engine import Engine
from stillwatch.sharing.fingerprints import Fingerprint, Limits, gather
from stillwatch.sharing.inbound.bundle import Bundle
from stillwatch.sharing.stix.bundle import bundle_objects, write_bundle
from stillwatch.sharing.stix.producer import Attribution, Producer
from stillwatch.sharing.stix.versions import Earlier, Span, superseding


class Reader(Protocol):
    """What sharing needs of an open log."""

    files: tuple[Path, ...]

    def batches(self, columns: Sequence[str] | None = None) -> Iterator[pa.RecordBatch]:
        """Batches of the canonical table with ``source_file`` and ``source_row``."""
        ...

    def fetch_rows(self, wanted: dict[int, list[int]], columns: Sequence[str]) -> pa.Table:
        """A few rows again, in the order of file and row."""
        ...


class Shareable(NamedTuple):
    """The campaigns of a case, with what is their own."""

    campaigns: tuple[Campaign, ...]
    fingerprints: dict[str, tuple[Fingerprint, ...]]
    span: Span


def chosen(case: CaseResult, wanted: Sequence[str]) -> tuple[Campaign, ...]:
    """The campaigns to share, those named or all. Groups with any other verdict are nobody else's business."""
    campaigns = {c.id: c for c in case.campaigns if c.verdict == "campaign"}
    if unknown := [name for name in wanted if name not in campaigns]:
        raise InputError(f"no campaign {unknown[0]!r} in the case", remedy="take an id from campaigns.json")
    found = tuple(campaigns[name] for name in wanted) if wanted else tuple(campaigns.values())
    if not found:
        raise InputError("the case holds no campaign to share", remedy="groups that are only watched stay at home")
    return found


def members(case: CaseResult, campaigns: Sequence[Campaign]) -> dict[str, str]:
    """Account → campaign, for all accounts that are called members of one of these."""
    wanted = pa.array([c.id for c in campaigns], pa.string())
    inside = pc.and_(pc.equal(case.accounts["disposition"], "campaign"), pc.is_in(case.accounts["campaign_id"], wanted))
    rows = case.accounts.filter(inside)
    return dict(zip(rows["account_id"].to_pylist(), rows["campaign_id"].to_pylist(), strict=True))


def span(case: CaseResult) -> Span:
    """The time that a case looked at. Its end is what a bundle is true of, however often it is written."""
    return Span(pc.min(case.accounts["first_seen"]).as_py(), pc.max(case.accounts["last_seen"]).as_py())


def shareable(
    case: CaseResult,
    wanted: Sequence[str],
    engine: Engine,
    reader: Reader | None,
    accounts: pa.Table | None,
    limits: Limits,
) -> Shareable:
    """With an open log, also fingerprints. :class:`InputError` unless it is the log that the case was made from."""
    campaigns = chosen(case, wanted)
    found: dict[str, tuple[Fingerprint, ...]] = {}
    if reader is not None:
        same_log(case.run.get("inputs") or [], [file_entry(path, "log") for path in reader.files])
        found = gather(engine, reader, accounts, members(case, campaigns), limits)
    return Shareable(campaigns, found, span(case))


def share_stix(
    shared: Shareable, producer: Producer, *, since: Bundle | None = None, attribution: Attribution | None = None
) -> bytes:
    """The bundle; ``since``: an earlier one of this producer, whose objects go on."""
    if since is None:
        return write_bundle(bundle_objects(producer, shared.campaigns, shared.fingerprints, attribution=attribution))
    earlier = Earlier(producer, since)
    producer = producer._replace(revoked=frozenset(n for n, o in earlier.own.items() if o.get("revoked")))
    going_on = earlier.continued(shared.campaigns, shared.fingerprints)
    objects = bundle_objects(
        producer, shared.campaigns, shared.fingerprints, going_on=going_on, attribution=attribution
    )
    return write_bundle(superseding(objects, earlier, shared.span, producer.as_of))
