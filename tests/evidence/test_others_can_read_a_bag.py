"""Independent readers accept what we write: bagit, securesystemslib, the in-toto and RFC 8785 rules."""

from __future__ import annotations

import base64
import json
import subprocess
import tarfile
from pathlib import Path

import bagit
import pytest
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey

from stillwatch.evidence import layout
from stillwatch.evidence.canonical import canonical
from stillwatch.evidence.contents import Options
from stillwatch.evidence.keys import key_id
from stillwatch.evidence.provenance import digest
from stillwatch.evidence.seal import SealedBag
from stillwatch.evidence.statement import STATEMENT_TYPE, open_envelope
from tests.evidence.conftest import KEY, sealed


def test_the_library_of_congress_validates_the_bag(stamped: SealedBag) -> None:
    assert bagit.Bag(str(stamped.bag)).validate()


def test_plain_tools_check_the_manifests(stamped: SealedBag) -> None:
    done = subprocess.run(
        ["sha256sum", "--quiet", "-c", "manifest-sha256.txt", "tagmanifest-sha256.txt"],
        cwd=stamped.bag,
        check=False,
        capture_output=True,
    )
    assert done.returncode == 0, done.stdout


def test_securesystemslib_verifies_the_envelope(stamped: SealedBag) -> None:
    envelope = Envelope.from_dict(json.loads((stamped.bag / "seal/statement.dsse.json").read_bytes()))
    public = KEY.public_key()
    key = SSlibKey(key_id(public), "ed25519", "ed25519", {"public": public.public_bytes_raw().hex()})
    assert envelope.payload_type == "application/vnd.in-toto+json"
    assert list(envelope.verify([key], 1)) == [key.keyid]


def test_the_statement_covers_every_payload_file(stamped: SealedBag) -> None:
    envelope = json.loads((stamped.bag / "seal/statement.dsse.json").read_bytes())
    content = json.loads(base64.b64decode(envelope["payload"]))
    assert content["_type"] == STATEMENT_TYPE
    named = {s["name"] for s in content["subject"]}
    there = {p.relative_to(stamped.bag).as_posix() for p in stamped.bag.rglob("*") if p.is_file()}
    assert there - named == {"seal/statement.dsse.json", "seal/timestamp.tsr", "seal/custody.ndjson"}


def test_the_same_input_gives_the_same_bag(case: Path, world: Path, stamped: SealedBag, tmp_path: Path) -> None:

    again = sealed(case, world, tmp_path / "bag", Options(actor="tests"))
    for name in ("data/records/records.ndjson", "data/case/campaigns.json", "data/impact.json", "data/provenance.json"):
        assert (again.bag / name).read_bytes() == (stamped.bag / name).read_bytes(), name


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ({"b": 1, "a": 1.0}, b'{"a":1,"b":1}'),
        ({"n": 333333333.33333329}, b'{"n":333333333.3333333}'),
        ({"n": 1e30}, b'{"n":1e+30}'),
        ({"n": 2**53}, b'{"n":"9007199254740992"}'),
        ({"t": "\u20ac\x0f\n"}, b'{"t":"\xe2\x82\xac\\u000f\\n"}'),
    ],
)
def test_canonical_json_is_that_of_rfc_8785(value: object, written: bytes) -> None:
    assert canonical(value) == written


JUNK = (b"", b"{}", b"[1]", b'{"payload":"e30=","signatures":[]}', b"\xff" * 40, b"[" * 5_000)


@pytest.mark.parametrize("junk", JUNK)
def test_what_is_no_envelope_is_none(junk: bytes) -> None:
    assert open_envelope(junk, KEY.public_key()) is None


def test_the_detector_itself_is_sealed_with_every_query_that_it_asks(stamped: SealedBag) -> None:
    sources: list[tuple[str, bytes]] = []
    with tarfile.open(stamped.bag / layout.DETECTOR) as archive:
        for entry in archive:
            content = archive.extractfile(entry)
            assert content is not None and entry.isfile() and entry.mtime == 0
            sources.append((entry.name.removeprefix("stillwatch/"), content.read()))
    facts = json.loads((stamped.bag / layout.PROVENANCE).read_bytes())
    assert digest(sources) == facts["sealed_with"]["detector_sha256"]
    asking = {name.partition("/")[0] for name, data in sources if b"SELECT" in data}
    assert {"signals", "campaigns"} <= asking
