"""Sealing: a case, the records it rests on and where they come from, in a bag that shows every change."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey

from stillwatch.case import read_case
from stillwatch.case.raw import at_once, file_entry, same_log
from stillwatch.domain.errors import InputError
from stillwatch.evidence import casefile, columns, custody, layout, provenance, reidentify, statement
from stillwatch.evidence.bag import close_bag
from stillwatch.evidence.canonical import sha256
from stillwatch.evidence.contents import Contents, Log, Options, case_inputs, iso
from stillwatch.evidence.gather import gather
from stillwatch.evidence.keys import key_id, write_secret
from stillwatch.evidence.minimise import Minimiser
from stillwatch.evidence.pseudonyms import SECRET_BYTES, Pseudonyms
from stillwatch.evidence.rerun import Comparison


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
    raw = [file_entry(path, "log") for path in log.files]
    at_once(case.run)
    same_log(case.run.get("inputs") or [], raw)
    groups = casefile.chosen(case, options.campaigns)
    fresh = out.with_name(f".{out.name}.{os.getpid()}.new")
    try:
        (fresh / "seal").mkdir(parents=True)
        work = Contents(
            fresh,
            case,
            groups,
            Minimiser(Pseudonyms(effects.randomness[:SECRET_BYTES]), columns.revealed(options.reveal)),
        )
        step("gathering records")
        gathered = gather(log.reader, log.accounts, work.members, work.minimiser, everybody=options.everybody)
        inputs = [*raw, *case_inputs(case_path, log)]
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
        seal_facts = {
            "signer": key_id(effects.key.public_key()),
            "sealed_at": iso(effects.now),
            "actor": options.actor,
            "root": root,
            "records": size,
            "timestamp": effects.stamp is not None,
            "attached": attached,
        }
        work.write_dossier(impacts, facts, seal_facts, options)
        step("signing")
        return _close(work, out, names_file, root, size, options, effects, comparison)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def _close(
    work: Contents,
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
