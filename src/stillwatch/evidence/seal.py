"""Sealing: a case, the records it rests on and where they come from, in a bag that shows every change."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pyarrow as pa
import pyarrow.compute as pc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from stillwatch.case import PriceTable, read_case, write_case
from stillwatch.case.canonical import to_json, write_parquet
from stillwatch.case.layout import FILES
from stillwatch.domain.errors import InputError
from stillwatch.domain.licence import Licence
from stillwatch.domain.verdict import Campaign, CaseResult
from stillwatch.evidence import casefile, columns, custody, layout, merkle, provenance, records, reidentify, statement
from stillwatch.evidence.bag import close_bag
from stillwatch.evidence.canonical import sha256
from stillwatch.evidence.dossier import DossierInput, render_dossier
from stillwatch.evidence.gather import Gathered, Reader, gather
from stillwatch.evidence.impact import ImpactRange, Market, as_json, impact
from stillwatch.evidence.keys import key_id, write_secret
from stillwatch.evidence.minimise import Minimiser
from stillwatch.evidence.pseudonyms import SECRET_BYTES, Pseudonyms
from stillwatch.evidence.readme import readme
from stillwatch.evidence.rerun import Comparison, Sealed, compare, rerun

_PLAIN = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
"""Names that a BagIt manifest holds without escapes."""


class Log(NamedTuple):
    """The opened log of a case."""

    reader: Reader
    files: tuple[Path, ...]
    accounts: pa.Table | None
    accounts_file: Path | None
    licences: tuple[Licence, ...]
    licences_file: Path | None


class Options(NamedTuple):
    """How to seal."""

    campaigns: tuple[str, ...] = ()
    reveal: tuple[str, ...] = ()
    everybody: bool = False
    actor: str = "not named"
    note: str = ""
    prices: PriceTable | None = None
    market: Market | None = None
    detected_at: datetime | None = None
    stix: Path | None = None
    decisions: tuple[Path, ...] = ()
    threads: int = 2


class Effects(NamedTuple):
    """What comes from outside: the clock, randomness (64 bytes), keys, a timestamping authority."""

    now: datetime
    randomness: bytes
    key: Ed25519PrivateKey
    custodian: X25519PublicKey | None = None
    stamp: Callable[[bytes], bytes] | None = None


class SealedBag(NamedTuple):
    """What was sealed."""

    bag: Path
    names: Path
    """The encrypted file that leads back from pseudonyms."""
    records: int
    root: str
    statement_sha256: str
    custody_head: str
    replay: Comparison | None
    """The detector on the sealed population beside the case; None where no population is sealed."""


def seal(
    case_path: Path,
    log: Log,
    out: Path,
    options: Options,
    effects: Effects,
    step: Callable[[str], None] = lambda _: None,
) -> SealedBag:
    """Write the bag at ``out`` and ``out.reidentify`` beside it. Nothing is overwritten.

    Raises :class:`InputError` where the log is not the case's, no campaign is there, or a place is taken.
    """
    names_file = out.with_name(f"{out.name}.reidentify")
    for path in (out, names_file):
        if path.exists() or path.is_symlink():
            raise InputError("exists already", where=str(path), remedy="name another --out")
    step("reading the case")
    case = read_case(case_path)
    raw = [provenance.file_entry(path, "log") for path in log.files]
    provenance.same_log(case.run.get("inputs") or [], raw)
    groups = casefile.chosen(case, options.campaigns)
    fresh = out.with_name(f".{out.name}.{os.getpid()}.new")
    try:
        (fresh / "seal").mkdir(parents=True)
        work = _Work(
            fresh,
            case,
            groups,
            Minimiser(Pseudonyms(effects.randomness[:SECRET_BYTES]), columns.revealed(options.reveal)),
        )
        step("gathering records")
        gathered = gather(log.reader, log.accounts, work.members, work.minimiser, everybody=options.everybody)
        inputs = [*raw, *_more_inputs(case_path, log)]
        root, size = work.write_records(gathered)
        work.write_case(everybody=options.everybody)
        comparison = None
        if options.everybody:
            step("running the detector on what is sealed")
            comparison = work.write_population(gathered, log, options)
        step("impact and dossier")
        impacts = work.write_impact(gathered, options)
        facts = work.write_provenance(gathered, inputs, options, comparison)
        attached = work.attach(options)
        work.write_dossier(impacts, facts, effects, options, root, size, attached)
        step("signing")
        return _close(work, out, names_file, root, size, options, effects, comparison)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _more_inputs(case_path: Path, log: Log) -> list[dict[str, Any]]:
    out = [provenance.file_entry(path, "case") for path in sorted(case_path.iterdir()) if path.name in FILES]
    for path, role in ((log.accounts_file, "accounts"), (log.licences_file, "licences")):
        if path is not None:
            out.append(provenance.file_entry(path, role))
    return out


class _Work:
    """A bag in the making."""

    def __init__(self, place: Path, case: CaseResult, groups: tuple[Campaign, ...], minimiser: Minimiser) -> None:
        self.place = place
        self.case = case
        self.groups = groups
        self.minimiser = minimiser
        self.by_group = casefile.members(case, groups)
        self.members = frozenset[str]().union(*self.by_group.values())
        self.sealed_case: CaseResult = case

    def path(self, name: str) -> Path:
        path = self.place / name
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def write_records(self, gathered: Gathered) -> tuple[str, int]:
        """One line per record, its hash beside it; returns the Merkle root and the number of records."""
        leaves: list[bytes] = []
        with self.path(layout.RECORDS).open("wb") as lines:
            for line in records.record_lines(gathered.accounts, gathered.exchanges, self.minimiser.names):
                lines.write(line + b"\n")
                leaves.append(merkle.leaf_hash(line))
        self.path(layout.LEAVES).write_text("".join(f"{leaf.hex()}\n" for leaf in leaves), "ascii")
        return merkle.root(leaves).hex(), len(leaves)

    def write_case(self, *, everybody: bool) -> None:
        self.sealed_case = casefile.minimised(self.case, self.groups, self.members, self.minimiser, everybody=everybody)
        write_case(self.sealed_case, self.path(layout.CASE))

    def write_population(self, gathered: Gathered, log: Log, options: Options) -> Comparison | None:
        people = gathered.population
        if people is None:
            return None
        write_parquet(people.exchanges, self.path(layout.POPULATION_EXCHANGES))
        write_parquet(people.order, self.path(layout.POPULATION_ORDER))
        if people.accounts is not None:
            write_parquet(people.accounts, self.path(layout.POPULATION_ACCOUNTS))
        licences = self.minimiser.licences(log.licences)
        self.path(layout.POPULATION_LICENCES).write_bytes(
            to_json({"licences": [msgspec.to_builtins(x) for x in licences]})
        )
        settings = dict(self.case.run.get("settings") or {})
        sealed = Sealed(
            population=people,
            licences=licences,
            columns=tuple(self.case.run.get("columns") or ()),
            rate=float(settings.get("rate", 0.01)),
            seed=int(settings.get("seed", 1)),
        )
        again = rerun(sealed, threads=options.threads)
        write_case(again, self.path(layout.EXPECTED))
        return compare(self.sealed_case, again)

    def write_impact(self, gathered: Gathered, options: Options) -> list[ImpactRange]:
        out = []
        for group in self.groups:
            names = [self.minimiser.value("account_id", a) for a in self.by_group[group.id, group.verdict]]
            inside = pc.is_in(gathered.exchanges["account_id"], pa.array(sorted(names), pa.string()))
            out.append(
                impact(
                    group,
                    gathered.exchanges.filter(inside),
                    prices=options.prices,
                    market=options.market,
                    detected_at=options.detected_at,
                )
            )
        self.path(layout.IMPACT).write_bytes(to_json(as_json(out)))
        return out

    def write_provenance(
        self, gathered: Gathered, inputs: list[dict[str, Any]], options: Options, comparison: Comparison | None
    ) -> dict[str, Any]:
        facts: dict[str, Any] = {
            "format": layout.FORMAT,
            "files": inputs,
            "run": self.case.run,
            "sealed_with": provenance.detector(),
            "groups": [c.id for c in self.groups],
            "columns": columns.declared(),
            "revealed": sorted(self.minimiser.reveal),
            "checked": provenance.CHECKED,
            "minimised": list(provenance.MINIMISED),
            "context": provenance.WITH_POPULATION if options.everybody else provenance.WITHOUT_POPULATION,
            "left_out": {
                **casefile.left_out(self.case, self.groups, self.members),
                "accounts_in_the_log": gathered.accounts_seen,
                "exchanges_in_the_log": gathered.exchanges_seen,
                "members": len(self.members),
                "exchanges_of_members": gathered.exchanges.num_rows,
            },
            "replay_when_sealed": None if comparison is None else as_facts(comparison),
        }
        self.path(layout.PROVENANCE).write_bytes(to_json(facts))
        return facts

    def attach(self, options: Options) -> list[str]:
        """The STIX bundle and the decisions, as they were given."""
        given = [
            *([(layout.STIX, options.stix)] if options.stix else []),
            *((layout.DECISIONS, d) for d in options.decisions),
        ]
        out: list[str] = []
        for folder, path in given:
            if not _PLAIN.fullmatch(path.name):
                raise InputError(
                    "an attached file's name is not plain",
                    where=str(path),
                    remedy="letters, digits, dot, dash, underscore",
                )
            target = self.path(f"{folder}/{path.name}")
            if target.exists():
                raise InputError("two attached files have one name", where=path.name)
            try:
                shutil.copyfile(path, target)
            except OSError as exc:
                raise InputError("cannot be opened", where=str(path)) from exc
            out.append(f"{folder}/{path.name}")
        return out

    def write_dossier(
        self,
        impacts: list[ImpactRange],
        facts: dict[str, Any],
        effects: Effects,
        options: Options,
        root: str,
        size: int,
        attached: Iterable[str],
    ) -> None:
        seal_facts = {
            "signer": key_id(effects.key.public_key()),
            "sealed_at": iso(effects.now),
            "actor": options.actor,
            "root": root,
            "records": size,
            "timestamp": effects.stamp is not None,
            "attached": list(attached),
        }
        keys = {(g.id, g.verdict) for g in self.groups}
        groups = tuple(c for c in self.sealed_case.campaigns if (c.id, c.verdict) in keys)
        page = render_dossier(
            DossierInput(groups, tuple(impacts), self.case.run, facts, seal_facts, self.sealed_case.evidence)
        )
        self.path(layout.DOSSIER).write_text(page, "utf-8")
        self.path("data/README.txt").write_text(readme(everybody=options.everybody), "utf-8")


def iso(moment: datetime) -> str:
    """UTC to the second, as every file of a bag writes it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def as_facts(found: Comparison) -> dict[str, Any]:
    """A comparison as plain values."""
    return {
        "same": found.same,
        "accounts": found.accounts,
        "accounts_same": found.accounts_same,
        "groups_same": found.groups_same,
        "groups": [g._asdict() for g in found.groups],
    }


def _close(
    work: _Work,
    out: Path,
    names_file: Path,
    root: str,
    size: int,
    options: Options,
    effects: Effects,
    comparison: Comparison | None,
) -> SealedBag:
    """Manifests, statement, timestamp, custody; then one rename, and the file of names beside it."""
    now = iso(effects.now)
    files = close_bag(
        work.place,
        {
            "Bagging-Date": now[:10],
            "Bag-Software-Agent": f"stillwatch {provenance.detector()['stillwatch']}",
            "External-Description": "Evidence of a Stillwatch case, minimised",
        },
    )
    predicate = {
        "format": layout.FORMAT,
        "sealed_at": now,
        "groups": [c.id for c in work.groups],
        "merkle": {"algorithm": "RFC 6962 SHA-256", "root": root, "size": size},
        "timestamp_requested": effects.stamp is not None,
        "population": options.everybody,
    }
    envelope = statement.sign(statement.statement(files, predicate), effects.key)
    (work.place / layout.STATEMENT).write_bytes(envelope)
    binds = {layout.STATEMENT: sha256(envelope)}
    if effects.stamp is not None:
        answer = effects.stamp(envelope)
        (work.place / layout.TIMESTAMP).write_bytes(answer)
        binds[layout.TIMESTAMP] = sha256(answer)
    closed = reidentify.close(
        work.minimiser.names, sha256(envelope), effects.custodian or effects.key, effects.randomness[SECRET_BYTES:]
    )
    binds["reidentify"] = sha256(closed)
    line = custody.entry(
        0, custody.START, effects.key, time=now, action="sealed", actor=options.actor, note=options.note, binds=binds
    )
    (work.place / layout.CUSTODY).write_bytes(line)
    write_secret(names_file, closed)
    work.place.rename(out)
    return SealedBag(out, names_file, size, root, sha256(envelope), sha256(line.rstrip(b"\n")), comparison)
