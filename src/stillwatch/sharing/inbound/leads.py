"""Matches of others' indicators in our own log, as leads: potential sightings for a person to look at, nothing more."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence
from functools import reduce

import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.case.raw import file_entry, same_log
from stillwatch.domain.verdict import CaseResult
from stillwatch.engine import Engine
from stillwatch.kernels.hashing import hash_strings
from stillwatch.sharing.fingerprints.kinds import PLACE
from stillwatch.sharing.inbound.bundle import Bundle
from stillwatch.sharing.inbound.hits import Hits, Reader, search
from stillwatch.sharing.inbound.records import ACCOUNTS, FORMAT, Lead, Leads, LeadsFile, Match
from stillwatch.sharing.inbound.wanted import Subject, Wanted, asked
from stillwatch.sharing.stix.ids import canonical
from stillwatch.sharing.stix.times import stamp_us
from stillwatch.sharing.stix.tlp import narrower

COMMON_SHARE = {"place": 0.02, "stack": 0.02, "work": 0.2}
COMMON_LEAST = 20
"""A value that more accounts have, and a larger share of all, is common here: a popular client, a large network, the
wording of a popular program."""
TWO_KINDS = 3
"""Accounts that match in a place and in what they send, at least, for a lead to stand on two kinds of evidence."""


def find_leads(
    engine: Engine, reader: Reader, case: CaseResult, bundles: Sequence[Bundle], digests: Sequence[str]
) -> Leads:
    """One pass over the log of the case. ``digests``: SHA-256 of each bundle. Nothing is decided here."""
    inputs = [file_entry(path, "log") for path in reader.files]
    same_log(case.run.get("inputs") or [], inputs)
    wanted = asked(bundles, pc.min(case.accounts["first_seen"]).as_py(), pc.max(case.accounts["last_seen"]).as_py())
    logs = tuple(sorted(str(x["blake2b"]) for x in inputs))
    found = search(engine, reader, tuple(i for s in wanted.subjects for i in s.indicators))
    known = _Known(case)
    leads, tables = [], [ACCOUNTS.empty_table()]
    said = Counter(subject.id for subject in wanted.subjects)
    for subject in wanted.subjects:
        key = [subject.id] if said[subject.id] == 1 else [subject.id, subject.source]
        name = "lead-" + hashlib.sha256(canonical([*key, *logs]).encode()).hexdigest()[:12]
        made = _lead(name, subject, found, known)
        if made is not None:
            leads.append(made[0])
            tables.append(made[1])
    order = {"two kinds": 0, "one kind": 1, "common": 2}
    leads.sort(key=lambda x: (order[x.strength], -x.accounts, x.id))
    return Leads(
        LeadsFile(
            format=FORMAT,
            accounts=case.accounts.num_rows,
            inputs=logs,
            bundles=tuple(digests),
            indicators=wanted.indicators,
            skipped=wanted.skipped,
            leads=tuple(leads),
        ),
        pa.concat_tables(tables).sort_by([("lead_id", "ascending"), ("account_id", "ascending")]),
    )


class _Known:
    """The case's word on accounts, by the hash of their id."""

    def __init__(self, case: CaseResult) -> None:
        ids = case.accounts["account_id"].combine_chunks()
        columns = (case.accounts[name].to_pylist() for name in ("account_id", "disposition", "campaign_id"))
        self.of = dict(zip(hash_strings(ids).tolist(), zip(*columns, strict=True), strict=True))

    @property
    def size(self) -> int:
        return len(self.of)


def _lead(name: str, subject: Subject, found: dict[Wanted, Hits], known: _Known) -> tuple[Lead, pa.Table] | None:
    hits = [(one, found[one]) for one in subject.indicators if one in found]
    if not hits:
        return None
    matches = tuple(
        Match(
            indicator=one.id,
            name=one.name,
            group=one.group,
            accounts=len(hit.accounts),
            exchanges=sum(hit.exchanges),
            first_seen=stamp_us(hit.first_us),
            last_seen=stamp_us(hit.last_us),
            common=len(hit.accounts) > max(COMMON_LEAST, COMMON_SHARE[one.group] * known.size)
            and not _mostly_ours(hit, known),
        )
        for one, hit in hits
    )
    telling = [(one, hit) for (one, hit), match in zip(hits, matches, strict=True) if not match.common]
    groups: dict[int, set[bool]] = {}
    volume: Counter[int] = Counter()
    number: Counter[int] = Counter()
    for one, hit in telling:
        for account, exchanges in zip(hit.accounts, hit.exchanges, strict=True):
            groups.setdefault(account, set()).add(one.group == PLACE)
            volume[account] = max(volume[account], exchanges)
            number[account] += 1
    both = sum(len(kinds) == 2 for kinds in groups.values())
    times = [(hit.first_us, hit.last_us) for _, hit in telling or hits]
    rows = [
        {
            "lead_id": name,
            "account_id": known.of[account][0],
            "indicators": number[account],
            "two_kinds": len(kinds) == 2,
            "exchanges": volume[account],
            "disposition": known.of[account][1],
            "campaign_id": known.of[account][2],
        }
        for account, kinds in groups.items()
        if account in known.of
    ]
    lead = Lead(
        id=name,
        about=subject.id,
        name=subject.name,
        producer=subject.producer,
        tlp=reduce(narrower, (one.tlp for one, _ in hits), subject.tlp),
        strength="two kinds" if both >= TWO_KINDS else "one kind" if telling else "common",
        accounts=len(groups),
        accounts_two_kinds=both,
        exchanges=sum(volume.values()),
        first_seen=stamp_us(min(first for first, _ in times)),
        last_seen=stamp_us(max(last for _, last in times)),
        already=dict(sorted(Counter(str(row["disposition"]) for row in rows).items())),
        matches=matches,
    )
    return lead, pa.Table.from_pylist(rows, schema=ACCOUNTS)


def _mostly_ours(hit: Hits, known: _Known) -> bool:
    """Whether nine in ten of those who have a value are in campaigns of our own: then it is common, and tells."""
    inside = sum(known.of[a][1] == "campaign" for a in hit.accounts if a in known.of)
    return bool(inside >= 0.9 * len(hit.accounts))
