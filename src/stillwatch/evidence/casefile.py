"""The case as a bag holds it: the sealed campaigns, their members under pseudonyms, no text."""

from __future__ import annotations

from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from stillwatch.domain.errors import InputError
from stillwatch.domain.verdict import Campaign, CaseResult, Evidence
from stillwatch.evidence.minimise import Minimiser


def chosen(case: CaseResult, wanted: tuple[str, ...]) -> tuple[Campaign, ...]:
    """The groups to seal: those named, else all with verdict ``campaign``.

    :class:`InputError` for none, and for a group whose members the case does not tell (look-alikes; a shared id).
    """
    known = {c.id: c for c in reversed(case.campaigns)}  # campaigns stand before other groups: an id means the campaign
    if unknown := [name for name in wanted if name not in known]:
        raise InputError(f"no group {unknown[0]!r} in the case", remedy="take an id from campaigns.json")
    found = tuple(known[name] for name in wanted) or tuple(c for c in case.campaigns if c.verdict == "campaign")
    if not found:
        raise InputError("the case holds no campaign", remedy="name a group to seal: --campaign ID")
    known_members = members(case, found)
    for group in found:
        key = (group.id, group.verdict)
        if not known_members[key] or sum((c.id, c.verdict) == key for c in case.campaigns) > 1:
            raise InputError(
                f"the case does not tell the members of group {group.id} ({group.verdict})",
                remedy="campaigns and watched groups with an id of their own can be sealed",
            )
    return found


def members(case: CaseResult, groups: tuple[Campaign, ...]) -> dict[tuple[str, str], frozenset[str]]:
    """(id, verdict) of each group → account ids of its members. Overlapping groups may share an id, not a verdict."""
    out: dict[tuple[str, str], set[str]] = {(c.id, c.verdict): set() for c in groups}
    columns = (case.accounts[name].to_pylist() for name in ("account_id", "campaign_id", "disposition"))
    for account, group, disposition in zip(*columns, strict=True):
        if (group, disposition) in out:
            out[group, disposition].add(account)
    return {key: frozenset(names) for key, names in out.items()}


def minimised(
    case: CaseResult, groups: tuple[Campaign, ...], inside: frozenset[str], minimiser: Minimiser, *, everybody: bool
) -> CaseResult:
    """The case with pseudonyms; with ``everybody`` all accounts and groups, else the sealed ones only."""
    accounts = case.accounts
    if not everybody:
        accounts = accounts.filter(pc.is_in(accounts["account_id"], pa.array(sorted(inside), pa.string())))
    names = pa.array([minimiser.value("account_id", a) for a in accounts["account_id"].to_pylist()], pa.string())
    shown = case.campaigns if everybody else groups
    kept = {c.id for c in shown}
    return CaseResult(
        accounts=accounts.set_column(0, accounts.schema.field(0), names).sort_by("account_id"),
        campaigns=tuple(_campaign(c, minimiser) for c in shown),
        evidence=tuple(_finding(e, minimiser) for e in case.evidence if e.campaign_id in kept),
        run=case.run,
        quarantine=None,
    )


def _ids(names: tuple[str, ...], minimiser: Minimiser) -> tuple[str, ...]:
    return tuple(minimiser.value("exchange_id", name) for name in names)


def _finding(found: Evidence, minimiser: Minimiser) -> Evidence:
    return msgspec.structs.replace(found, example_exchange_ids=_ids(found.example_exchange_ids, minimiser))


def _campaign(group: Campaign, minimiser: Minimiser) -> Campaign:
    text = "prompt" in minimiser.reveal
    return msgspec.structs.replace(
        group,
        templates=tuple(t if text else msgspec.structs.replace(t, text="") for t in group.templates),
        tactics=tuple(
            msgspec.structs.replace(
                t,
                example_exchange_ids=_ids(t.example_exchange_ids, minimiser),
                redacted_examples=t.redacted_examples if text else (),
            )
            for t in group.tactics
        ),
    )


def left_out(case: CaseResult, groups: tuple[Campaign, ...], inside: frozenset[str]) -> dict[str, Any]:
    """Counts of what the case holds and the bag does not."""
    counts = case.accounts.filter(
        pc.invert(pc.is_in(case.accounts["account_id"], pa.array(sorted(inside), pa.string())))
    )
    others = counts.group_by("disposition").aggregate([("account_id", "count"), ("exchanges", "sum")])
    kept = {c.id for c in groups}
    return {
        "accounts_by_disposition": dict(
            sorted(zip(others["disposition"].to_pylist(), others["account_id_count"].to_pylist(), strict=True))
        ),
        "exchanges_of_these_accounts": int(pc.sum(counts["exchanges"]).as_py() or 0),
        "other_groups": sum(c.id not in kept for c in case.campaigns),
    }
