"""Checking a bag offline: everything that was sealed is there, as it was, and nothing else is."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any, NamedTuple

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from stillwatch.evidence import layout, merkle
from stillwatch.evidence.canonical import sha256
from stillwatch.evidence.custody import Chain, read_chain, signers
from stillwatch.evidence.folder import Folder, read
from stillwatch.evidence.keys import key_id
from stillwatch.evidence.stamp import read_stamp
from stillwatch.evidence.statement import Opened, files_of, open_envelope, predicate_of
from stillwatch.evidence.text import visible

MOST_NAMED = 5
STALE = timedelta(days=1)
"""A timestamp that is further from the time in the statement was not made when the bag was sealed."""
CLOCKS = timedelta(minutes=10)
_HASH = re.compile(rb"[0-9a-f]{64}\n")
_APART = (layout.STATEMENT, layout.TIMESTAMP, layout.CUSTODY)


class Problem(NamedTuple):
    """One thing that is broken."""

    code: str
    where: str
    what: str


class Verified(NamedTuple):
    """What a check found. ``problems`` empty: the bag is what was sealed."""

    problems: tuple[Problem, ...]
    notes: tuple[str, ...]
    """What could not be checked, or is worth knowing."""
    facts: dict[str, Any]

    @property
    def sound(self) -> bool:
        """Nothing is broken."""
        return not self.problems


def verify(
    bag: Folder, key: Ed25519PublicKey, *, roots: tuple[x509.Certificate, ...] = (), custody_head: str | None = None
) -> Verified:
    """Check everything. ``roots``: whose timestamps are believed; ``custody_head``: a line hash noted down earlier."""
    names = set(bag.names())
    problems: list[Problem] = []
    notes: list[str] = []
    facts: dict[str, Any] = {"files": len(names)}
    opened = _statement(bag, key, names, problems)
    covered = files_of(opened.statement) if opened else _manifests(bag, names)
    if not opened:
        notes.append("files are compared with the manifests in the bag, which nobody vouches for")
    broken = _files(bag, names, covered, problems)
    if opened:
        predicate = predicate_of(opened.statement)
        facts |= {"sealed_at": predicate.get("sealed_at"), "signer": opened.signer, "records": predicate.get("merkle")}
        _records(bag, predicate, names, broken, problems)
        _timestamp(bag, predicate, names, roots, problems, notes, facts)
    _custody(bag, key, names, custody_head, problems, notes, facts)
    return Verified(tuple(problems), tuple(notes), facts)


def _statement(bag: Folder, key: Ed25519PublicKey, names: set[str], problems: list[Problem]) -> Opened | None:
    if layout.STATEMENT not in names:
        problems.append(Problem("missing", layout.STATEMENT, "is missing: nothing in the bag is vouched for"))
        return None
    opened = open_envelope(_content(bag, layout.STATEMENT), key)
    if opened is None:
        problems.append(Problem("bad-statement", layout.STATEMENT, "cannot be read: truncated or damaged"))
    elif opened.problem:
        problems.append(Problem(opened.code, layout.STATEMENT, opened.problem))
    return opened


def _content(bag: Folder, name: str) -> bytes:
    try:
        return read(bag, name)
    except OSError:
        return b""


def _manifests(bag: Folder, names: set[str]) -> dict[str, tuple[str, int]]:
    """The fallback where no statement can be read; −1: the size is not known."""
    out: dict[str, tuple[str, int]] = {}
    for manifest in (layout.TAGS, layout.MANIFEST):
        if manifest in names:
            out[manifest] = (sha256(_content(bag, manifest)), -1)
            for line in _content(bag, manifest).decode("utf-8", "replace").splitlines():
                digest, _, name = line.partition("  ")
                out[name] = (digest, -1)
    return out


def _files(bag: Folder, names: set[str], covered: dict[str, tuple[str, int]], problems: list[Problem]) -> set[str]:
    """Missing, changed and added files; returns those that are not as they were."""
    broken: set[str] = set()
    for name, (digest, size) in sorted(covered.items()):
        if name not in names:
            broken.add(name)
            problems.append(Problem("missing", name, "is missing"))
            continue
        try:
            now, length = bag.sha256(name), bag.size(name)
        except OSError:
            broken.add(name)
            problems.append(Problem("unreadable", name, "is not a plain file that can be read"))
            continue
        if now == digest:
            continue
        broken.add(name)
        found = _lines_differ(bag, name, covered, names) if name == layout.RECORDS else None
        problems.append(found or _changed(name, size, length))
    for name in sorted(names - covered.keys() - set(_APART)):
        problems.append(Problem("extra", name, "was not sealed: added later"))
    return broken


def _changed(name: str, sealed: int, now: int) -> Problem:
    if 0 <= now < sealed:
        return Problem("truncated", name, f"is truncated: {now:,} of {sealed:,} bytes")
    if sealed >= 0 and now > sealed:
        return Problem("grown", name, f"has grown: {now:,} instead of {sealed:,} bytes")
    return Problem("changed", name, "was changed: same length, other content" if sealed >= 0 else "was changed")


def _lines(bag: Folder, name: str) -> Iterator[bytes]:
    with bag.open(name) as file:
        yield from file


def _leaves(bag: Folder) -> list[bytes]:
    """The sealed list of hashes; a line that is none stands for a hash that no record has."""
    return [
        bytes.fromhex(line.decode("ascii")) if _HASH.fullmatch(line) else b"" for line in _lines(bag, layout.LEAVES)
    ]


def _lines_differ(bag: Folder, name: str, covered: dict[str, tuple[str, int]], names: set[str]) -> Problem | None:
    """Which records are not as they were; None where the list of their hashes is no help."""
    if (
        layout.LEAVES not in names
        or layout.LEAVES not in covered
        or bag.sha256(layout.LEAVES) != covered[layout.LEAVES][0]
    ):
        return None
    sealed = _leaves(bag)
    now = [merkle.leaf_hash(line.removesuffix(b"\n")) for line in _lines(bag, name)]
    if now == sealed:
        return None
    if len(now) < len(sealed) and now == sealed[: len(now)]:
        return Problem("truncated", name, f"is truncated: {len(now):,} of {len(sealed):,} records")
    if len(now) <= len(sealed) and now[:-1] == sealed[: len(now) - 1] and bag.size(name) < covered[name][1]:
        return Problem("truncated", name, f"is truncated inside record {len(now) - 1:,} of {len(sealed):,}")
    differ = [i for i, (a, b) in enumerate(zip(now, sealed, strict=False)) if a != b]
    if Counter(now) == Counter(sealed):
        return Problem(
            "re-ordered", name, f"records are re-ordered: {len(differ):,} are out of place, first {differ[0]:,}"
        )
    if len(now) == len(sealed):
        shown = ", ".join(f"{i:,}" for i in differ[:MOST_NAMED]) + (" …" if len(differ) > MOST_NAMED else "")
        return Problem("changed", name, f"{len(differ):,} records were changed: {shown}")
    gone, added = Counter(sealed) - Counter(now), Counter(now) - Counter(sealed)
    return Problem("changed", name, f"{gone.total():,} records were removed or changed, {added.total():,} are new")


def _records(
    bag: Folder, predicate: dict[str, Any], names: set[str], broken: set[str], problems: list[Problem]
) -> None:
    """The Merkle root against records and list; only where the files themselves are as they were."""
    if {layout.RECORDS, layout.LEAVES} & broken or not {layout.RECORDS, layout.LEAVES} <= names:
        return
    said = predicate.get("merkle")
    sealed = said if isinstance(said, dict) else {}
    leaves = [merkle.leaf_hash(line.removesuffix(b"\n")) for line in _lines(bag, layout.RECORDS)]
    if leaves != _leaves(bag):
        problems.append(Problem("merkle", layout.LEAVES, "does not list the hashes of the records"))
    if merkle.root(leaves).hex() != sealed.get("root") or len(leaves) != sealed.get("size"):
        problems.append(
            Problem("merkle", layout.RECORDS, "the records do not lead to the Merkle root in the statement")
        )


def _timestamp(
    bag: Folder,
    predicate: dict[str, Any],
    names: set[str],
    roots: tuple[x509.Certificate, ...],
    problems: list[Problem],
    notes: list[str],
    facts: dict[str, Any],
) -> None:
    asked = bool(predicate.get("timestamp_requested"))
    where = layout.TIMESTAMP
    if where not in names:
        if asked:
            problems.append(Problem("absent-timestamp", where, "is absent: the statement says that one was asked for"))
        else:
            notes.append("no timestamp was asked for: the time of sealing is the signer's word")
        return
    if not asked:
        problems.append(Problem("extra", where, "was not sealed: the statement says that no timestamp was asked for"))
        return
    stamp = read_stamp(_content(bag, where), _content(bag, layout.STATEMENT), roots)
    if stamp.problem:
        problems.append(Problem(stamp.code, where, stamp.problem))
        return
    facts["timestamp"] = None if stamp.at is None else stamp.at.isoformat()
    sealed_at = _moment(predicate.get("sealed_at"))
    if stamp.at is not None and sealed_at is not None and not sealed_at - CLOCKS <= stamp.at <= sealed_at + STALE:
        problems.append(
            Problem(
                "stale-timestamp",
                where,
                f"is stale: it says {stamp.at:%Y-%m-%d %H:%M} UTC, the statement {sealed_at:%Y-%m-%d %H:%M} UTC",
            )
        )
    if not roots:
        notes.append("the timestamp is of this statement; who made it was not checked (no --tsa-root)")


def _moment(text: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC)
    except ValueError:
        return None


def _custody(
    bag: Folder,
    key: Ed25519PublicKey,
    names: set[str],
    head: str | None,
    problems: list[Problem],
    notes: list[str],
    facts: dict[str, Any],
) -> None:
    where = layout.CUSTODY
    if where not in names:
        problems.append(Problem("missing", where, "is missing: the chain of custody is lost"))
        return
    chain = read_chain(_content(bag, where))
    problems += [Problem(code, where, what) for code, what in chain.problems]
    facts["custody_entries"] = len(chain.entries)
    facts["custody_head"] = chain.heads[-1] if chain.heads else None
    _first(bag, key, chain, names, problems)
    if strangers := signers(chain, [key_id(key)]):
        listed = ", ".join(map(str, strangers[:MOST_NAMED]))
        notes.append(f"custody entries signed with other keys than the seal: {listed}; whose they are was not checked")
    if head is not None and head not in chain.heads:
        problems.append(
            Problem(
                "custody-head", where, "the entry noted down earlier is not in the log: its end was cut off or replaced"
            )
        )


def _first(bag: Folder, key: Ed25519PublicKey, chain: Chain, names: set[str], problems: list[Problem]) -> None:
    """The first entry is the sealing itself: same key, same statement, same timestamp."""
    first = chain.entries[0] if chain.entries else {}
    if not first:
        return
    where = layout.CUSTODY
    if first["action"] != "sealed" or first["signer"] != key_id(key):
        problems.append(Problem("custody-start", where, "does not begin with the sealing by this key"))
        return
    for name in (layout.STATEMENT, layout.TIMESTAMP):
        bound = first["binds"].get(name)
        now = hashlib.sha256(_content(bag, name)).hexdigest() if name in names else None
        if bound is not None and now is not None and bound != now:
            problems.append(Problem("custody-binds", where, f"the sealing was of another {name}"))


def summary(found: Verified) -> Iterable[str]:
    """Lines for people."""
    for problem in found.problems:
        yield f"BROKEN  {visible(problem.where)}: {visible(problem.what)}  [{problem.code}]"
    for note in found.notes:
        yield f"note    {note}"
