"""Leads on disk, and what people decided about them: an append-only record, each line bound to the one before."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from stillwatch.case.canonical import to_json, write_parquet
from stillwatch.domain.errors import InputError
from stillwatch.sharing.inbound.records import FORMAT, Lead, Leads, LeadsFile
from stillwatch.sharing.inbound.shapes import wrong_text
from stillwatch.sharing.stix.times import stamp

LEADS, ACCOUNTS, DECISIONS = "leads.json", "accounts.parquet", "decisions.ndjson"
START = "0" * 64
MOST_REASON = 2_000


class Decision(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One line of ``decisions.ndjson``: who decided what about a lead, when and why."""

    lead: str
    decision: str
    """``confirmed`` or ``dismissed``."""
    by: str
    reason: str
    at: str
    leads: str
    """SHA-256 of the ``leads.json`` that was decided upon."""
    previous: str
    """SHA-256 of the line before."""


def write_leads(leads: Leads, out: Path) -> None:
    """A directory with ``leads.json`` (no account in it) and ``accounts.parquet``. Nothing is overwritten."""
    if out.exists():
        raise InputError("exists already", where=str(out), remedy="name another --out")
    fresh = out.with_name(f".{out.name}.{os.getpid()}.new")
    try:
        fresh.mkdir(parents=True)
        (fresh / LEADS).write_bytes(to_json(msgspec.to_builtins(leads.file)))
        write_parquet(leads.accounts, fresh / ACCOUNTS)
        fresh.rename(out)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def read_leads(folder: Path) -> LeadsFile:
    """``leads.json`` of a directory that :func:`write_leads` wrote."""
    try:
        found = msgspec.json.decode((folder / LEADS).read_bytes(), type=LeadsFile)
    except OSError as exc:
        raise InputError("holds no leads", where=str(folder), remedy="stillwatch share leads writes them") from exc
    except (msgspec.DecodeError, UnicodeDecodeError) as exc:
        raise InputError("is not as leads have it", where=str(folder / LEADS)) from exc
    if found.format != FORMAT:
        raise InputError(f"is not of format {FORMAT}", where=str(folder / LEADS))
    return found


def decide(folder: Path, lead: str, decision: str, *, by: str, reason: str, at: datetime) -> Decision:
    """Add a person's decision. It changes nothing else: no account, no gateway, no message."""
    known = {x.id for x in read_leads(folder).leads}
    if lead not in known:
        raise InputError(f"no lead {lead!r} there", where=str(folder), remedy="leads.json lists them")
    for name, text in (("--by", by), ("--reason", reason)):
        if not text.strip() or len(text) > MOST_REASON or wrong_text(text):
            raise InputError(f"{name} is empty, too long or holds control characters")
    made = Decision(
        lead=lead,
        decision=decision,
        by=by,
        reason=reason,
        at=stamp(at),
        leads=_digest(folder),
        previous=_checked(folder)[1],
    )
    line = json.dumps(msgspec.to_builtins(made), sort_keys=True, separators=(",", ":")).encode("ascii") + b"\n"
    with (folder / DECISIONS).open("ab") as file:
        file.write(line)
    return made


def decisions(folder: Path) -> list[Decision]:
    """All decisions, in order. :class:`InputError` where a line was changed, removed or put elsewhere."""
    return _checked(folder)[0]


def confirmed(folder: Path) -> list[tuple[Lead, Decision]]:
    """Leads whose latest decision is that they are confirmed, on the leads as they are."""
    latest = {d.lead: d for d in decisions(folder)}
    now = _digest(folder)
    out = []
    for lead in read_leads(folder).leads:
        decided = latest.get(lead.id)
        if decided is not None and decided.decision == "confirmed":
            if decided.leads != now:
                raise InputError("leads.json was changed after it was decided upon", where=str(folder))
            out.append((lead, decided))
    return out


def _digest(folder: Path) -> str:
    return hashlib.sha256((folder / LEADS).read_bytes()).hexdigest()


def _checked(folder: Path) -> tuple[list[Decision], str]:
    """The decisions and the hash of the last line."""
    try:
        data = (folder / DECISIONS).read_bytes()
    except FileNotFoundError:
        return [], START
    where = str(folder / DECISIONS)
    if not data.endswith(b"\n"):
        raise InputError("its last line has no end", where=where)
    out: list[Decision] = []
    previous = START
    for number, line in enumerate(data.splitlines(), start=1):
        try:
            found = msgspec.json.decode(line, type=Decision)
        except (msgspec.DecodeError, UnicodeDecodeError) as exc:
            raise InputError("is not a decision", where=f"{where}, line {number}") from exc
        if found.previous != previous:
            raise InputError("does not follow from the line before it", where=f"{where}, line {number}")
        previous = hashlib.sha256(line).hexdigest()
        out.append(found)
    return out, previous


def as_rows(found: list[Decision]) -> list[dict[str, Any]]:
    """For machines."""
    return [msgspec.to_builtins(d) for d in found]
