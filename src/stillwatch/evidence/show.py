"""One record with its proof: shown without the others, checked against the signed root."""

from __future__ import annotations

import json
from typing import Any, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from stillwatch.domain.errors import InputError
from stillwatch.evidence import layout, merkle
from stillwatch.evidence.canonical import canonical
from stillwatch.evidence.folder import Folder, read
from stillwatch.evidence.statement import open_envelope, predicate_of

PROOF_FORMAT = "stillwatch-record-proof/1"


def show_record(bag: Folder, *, index: int | None = None, exchange: str | None = None) -> bytes:
    """The proof of one record, by its place (from 0) or its exchange's pseudonym: record, path to the root, statement.

    :class:`InputError` where the bag has no such record, or its list of hashes does not fit its records.
    """
    try:
        line, place = _find(bag, index, exchange)
        leaves = [bytes.fromhex(x.decode("ascii")) for x in read(bag, layout.LEAVES).split()]
        statement = read(bag, layout.STATEMENT).decode("ascii")
        text = line.decode("utf-8")
    except (OSError, ValueError) as exc:
        raise InputError("the bag is not whole", remedy="see what is broken: evidence verify") from exc
    if place >= len(leaves) or merkle.leaf_hash(line) != leaves[place]:
        raise InputError(
            "the list of hashes does not fit the records", where=layout.LEAVES, remedy="check it: evidence verify"
        )
    proof = {
        "format": PROOF_FORMAT,
        "record": text,
        "index": place,
        "size": len(leaves),
        "path": [node.hex() for node in merkle.proof(leaves, place)],
        "statement": statement,
    }
    return canonical(proof) + b"\n"


def _find(bag: Folder, index: int | None, exchange: str | None) -> tuple[bytes, int]:
    with bag.open(layout.RECORDS) as file:
        for place, line in enumerate(file):
            line = line.removesuffix(b"\n")
            if place == index:
                return line, place
            if exchange is not None and exchange.encode() in line and _named(line, exchange):
                return line, place
    what = f"no record {index:,}" if index is not None else "no exchange of that name"
    raise InputError(what, where=layout.RECORDS, remedy="names are those in data/case/evidence.parquet")


def _named(line: bytes, exchange: str) -> bool:
    return bool(json.loads(line).get("exchange_id") == exchange)


class Shown(NamedTuple):
    """A checked proof. ``problem`` "" : the record was sealed."""

    record: dict[str, Any]
    problem: str
    sealed_at: str


def check_record(proof: bytes, key: Ed25519PublicKey, where: str) -> Shown:
    """Whether a record is one of those that this key sealed. :class:`InputError` for what is no proof at all."""
    try:
        given = json.loads(proof)
        if given["format"] != PROOF_FORMAT:
            raise ValueError
        line, index, size = str(given["record"]).encode(), int(given["index"]), int(given["size"])
        path = [bytes.fromhex(node) for node in given["path"]]
        envelope = str(given["statement"]).encode()
        record: dict[str, Any] = json.loads(line)
    except (ValueError, KeyError, TypeError, RecursionError) as exc:
        raise InputError("is not a proof of a record", where=where) from exc
    opened = open_envelope(envelope, key)
    if opened is None:
        return Shown(record, "its statement cannot be read", "")
    said = predicate_of(opened.statement)
    sealed = said["merkle"] if isinstance(said.get("merkle"), dict) else {}
    at = str(said.get("sealed_at", ""))
    if opened.problem:
        return Shown(record, f"its statement {opened.problem}", at)
    reached = merkle.root_of_proof(merkle.leaf_hash(line), index, size, path)
    if reached is None or size != sealed.get("size") or reached.hex() != sealed.get("root"):
        return Shown(record, "the record does not lead to the sealed root: it, its place or its path was changed", at)
    return Shown(record, "", at)
