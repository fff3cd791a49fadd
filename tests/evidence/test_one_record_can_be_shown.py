"""The Merkle tree of RFC 6962, and a record that is shown without the others."""

from __future__ import annotations

import json

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.domain.errors import InputError
from stillwatch.evidence import merkle
from stillwatch.evidence.folder import Directory
from stillwatch.evidence.seal import SealedBag
from stillwatch.evidence.show import check_record, show_record
from tests.evidence.conftest import KEY

PUBLISHED = ("", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f")
"""Inputs of the test data of Certificate Transparency's reference implementation."""


def test_the_roots_of_the_reference_implementation_come_out() -> None:
    leaves = [merkle.leaf_hash(bytes.fromhex(x)) for x in PUBLISHED]
    assert merkle.root([]).hex() == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    assert merkle.root(leaves[:1]).hex() == "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
    assert merkle.root(leaves[:3]).hex() == "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"
    assert merkle.root(leaves).hex() == "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"


@given(st.integers(1, 70), st.data())
def test_every_leaf_has_a_proof_that_fits_it_alone(size: int, data: st.DataObject) -> None:
    leaves = [merkle.leaf_hash(bytes([i])) for i in range(size)]
    root, place = merkle.root(leaves), data.draw(st.integers(0, size - 1))
    path = merkle.proof(leaves, place)
    assert merkle.root_of_proof(leaves[place], place, size, path) == root
    other = data.draw(st.integers(0, size - 1))
    if other != place:
        assert merkle.root_of_proof(leaves[place], other, size, path) != root
        assert merkle.root_of_proof(leaves[other], place, size, path) != root
    assert merkle.root_of_proof(leaves[place], place, size, [*path, root]) is None
    if path:
        assert merkle.root_of_proof(leaves[place], place, size, path[:-1]) != root


def test_no_proof_outside_the_tree() -> None:
    with pytest.raises(IndexError):
        merkle.proof([merkle.leaf_hash(b"")], 1)
    assert merkle.root_of_proof(merkle.leaf_hash(b""), 1, 1, []) is None


def test_a_shown_record_is_believed_and_a_changed_one_is_not(stamped: SealedBag) -> None:
    proof = show_record(Directory(stamped.bag), index=77)
    shown = check_record(proof, KEY.public_key(), "proof")
    assert shown.problem == ""
    assert shown.record["table"] == "exchanges"
    assert len(proof) < 20_000
    content = json.loads(proof)
    for change in (
        {"record": content["record"].replace('"status":200', '"status":201')},
        {"index": 78},
        {"path": content["path"][::-1]},
        {"size": content["size"] - 1},
    ):
        assert check_record(json.dumps(content | change).encode(), KEY.public_key(), "proof").problem
    stranger = Ed25519PrivateKey.generate().public_key()
    assert "another key" in check_record(proof, stranger, "proof").problem


def test_a_record_is_found_by_the_name_of_its_exchange(stamped: SealedBag) -> None:
    bag = Directory(stamped.bag)
    name = check_record(show_record(bag, index=99), KEY.public_key(), "proof").record["exchange_id"]
    assert json.loads(show_record(bag, exchange=name))["index"] == 99
    for wrong in ({"index": 10**6}, {"exchange": "exch-none"}):
        with pytest.raises(InputError, match="data/case/evidence"):
            show_record(bag, **wrong)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="not a proof"):
        check_record(b"{}", KEY.public_key(), "proof")


def test_records_that_are_not_shown_cannot_be_guessed_from_the_path(stamped: SealedBag) -> None:
    """Each record carries 128 bits that are nobody's guess."""
    lines = (stamped.bag / "data/records/records.ndjson").read_text().splitlines()
    salts = [json.loads(line)["salt"] for line in lines]
    assert len(set(salts)) == len(lines)
    assert {len(s) for s in salts} == {32}
