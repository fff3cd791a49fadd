"""What others send is refused with a reason, within bounded time and memory, or it is read."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from stillwatch.domain.errors import InputError
from stillwatch.sharing.inbound.bundle import Bundle, load_bundle, read_bundle
from stillwatch.sharing.inbound.limits import Limits
from stillwatch.sharing.stix.extension import EXTENSION
from tests.sharing.conftest import Provider, refused

NOW = "2026-11-01T00:00:00.000Z"
IDENTITY = "identity--ab81d06e-1b78-5854-b4c7-0310d42fa1a2"
OTHER = "identity--08651171-21d4-57c8-b705-98925de0d206"
INDICATOR = "indicator--01ee43d0-2219-529d-bb46-19c042c7af4c"


def _identity(**more: Any) -> dict[str, Any]:
    return {
        "type": "identity", "spec_version": "2.1", "id": IDENTITY, "created": NOW, "modified": NOW,
        "name": "Somebody", "identity_class": "organization",
    } | more  # fmt: skip


def _indicator(**more: Any) -> dict[str, Any]:
    return {
        "type": "indicator", "spec_version": "2.1", "id": INDICATOR, "created": NOW, "modified": NOW,
        "name": "a network", "pattern": "[ipv4-addr:value ISSUBSET '8.8.4.0/24']", "pattern_type": "stix",
        "valid_from": NOW,
    } | more  # fmt: skip


def _loaded(*objects: Any) -> Bundle:
    return load_bundle(json.dumps({"type": "bundle", "id": "x", "objects": objects}).encode(), "in.json")


def _refused(*objects: Any) -> str:
    with pytest.raises(InputError) as refusal:
        _loaded(*objects)
    return str(refusal.value)


def test_what_is_in_order_is_read() -> None:
    found = _loaded(_identity(), _indicator(), {"type": "x-somebodys-own", "id": f"x-somebodys-own--{IDENTITY[10:]}"})
    assert [o["type"] for o in found.objects.values()] == ["identity", "indicator", "x-somebodys-own"]


def test_times_are_compared_whatever_their_digits() -> None:
    found = _loaded(
        _indicator(created="2026-06-15T00:00:00.000Z", modified="2026-06-15T00:00:00Z"),
        _indicator(created="2026-06-15T00:00:00.000Z", modified="2026-06-15T00:00:00.5Z", name="later"),
    )
    assert found.objects[INDICATOR]["name"] == "later"


def test_our_own_bundle_is_read_whole(bundle: bytes) -> None:
    assert len(load_bundle(bundle, "own").objects) == len(json.loads(bundle)["objects"])


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not JSON"),
        (b"{", "not JSON"),
        (b"[]", "not a STIX bundle"),
        (b'{"type":"bundle","objects":{}}', "objects is not a list"),
        (b"\xff\xfe", "not UTF-8"),
        (b'{"type":"bundle","objects":[NaN]}', "a number that JSON does not know"),
        (b'{"type":"bundle","objects":[1' + b"0" * 100_000 + b"]}", "an integer of more than"),
        (b'{"type":"bundle","objects":[1e999]}', "a number that is too large"),
        (b'{"type":"bundle","type":"bundle","objects":[]}', "names a property twice"),
        (b"[" * 200_000 + b"]" * 200_000, "nested deeper"),
        (b'{"type":"bundle","objects":' + b'{"a":' * 900 + b"1" + b"}" * 900 + b"}", "nested deeper"),
        (b'{"type":"bundle","objects":[' + b"[]," * 5_000_000 + b"[]]}", "more than 4,000,000 values"),
        (b'{"type":"bundle","objects":[{"' + b"a" * 5_000 + b'":1}]}', "names a property with more than"),
    ],
)  # fmt: skip
def test_files_that_are_not_bundles(data: bytes, reason: str) -> None:
    with pytest.raises(InputError, match=reason) as refusal:
        load_bundle(data, "in.json")
    assert str(refusal.value).startswith("in.json") and len(str(refusal.value)) < 300


def test_a_gigabyte_is_not_read_to_see_that_it_is_one(tmp_path: Path) -> None:
    big = tmp_path / "big.json"
    with big.open("wb") as file:
        file.write(b'{"type":"bundle","objects":[')
        os.truncate(file.fileno(), 1 << 30)
    with pytest.raises(InputError, match="larger than 67,108,864 bytes"):
        read_bundle(big)


@pytest.mark.parametrize(
    ("wrong", "reason"),
    [
        (_indicator(pattern="[ipv4-addr:value = 'x'"), "pattern: ] is missing"),
        (_indicator(pattern="[" * 3_000), "pattern: a name is missing"),
        (_indicator(pattern="[" + "(" * 500 + "a:b = 1" + ")" * 500 + "]"), "nested too deeply"),
        (_indicator(pattern="(" * 500 + "[a:b = 1]" + ")" * 500), "nested too deeply"),
        (_indicator(pattern="[a:b IN (" + "1," * 9_000 + "1)]"), "more than 4,096 tokens"),
        (_indicator(pattern="[a:b = '" + "x" * 40_000 + "']"), "longer than 32,768 characters"),
        (_indicator(pattern=7), "pattern is not a text"),
        (_indicator(valid_until=NOW), "valid_until is not after valid_from"),
        (_indicator(modified="2026-10-01T00:00:00Z"), "modified is not after created"),
        (_indicator(created="yesterday"), "created is not a time"),
        (_indicator(valid_from="2026-02-30T00:00:00Z"), "valid_from is not a time"),
        (_indicator(valid_from="0000-01-01T00:00:00Z"), "valid_from is not a time"),
        (_indicator(valid_until="2026-12-31T23:59:60Z"), "valid_until is not a time"),
        (_indicator(confidence=101), "confidence is not a number from 0 to 100"),
        (_indicator(confidence=True), "confidence is not a number"),
        (_indicator(revoked="no"), "revoked is neither true nor false"),
        (_indicator(spec_version="2.0"), "not of STIX 2.1"),
        (_indicator(id=IDENTITY), "type and its id do not fit"),
        (_indicator(id="indicator--1"), "type and its id do not fit"),
        (_indicator(labels="a"), "labels is not a list of texts"),
        (_indicator(name="<script>alert(1)</script>"), "name holds markup"),
        (_indicator(name="<img src=x onerror=alert(1)>"), "name holds markup"),
        (_indicator(labels=["fine", "<b>"]), "labels holds markup"),
        (_indicator(name="a\x1b[2Jb"), "name holds characters that cannot be seen"),
        (_indicator(name="abc\u202egnp.exe"), "name holds characters that cannot be seen"),
        (_indicator(name="n" * 2_000), "name has more than 1,024 characters"),
        (_indicator(description="a\x00b"), "description holds control characters"),
        (_indicator(object_marking_refs=["../../etc/passwd"]), "object_marking_refs is not a list of ids"),
        (_indicator(object_marking_refs=[]), "object_marking_refs is not a list of ids"),
        (_indicator(created_by_ref=3), "created_by_ref is not an id"),
        (_indicator(external_references=[{"source_name": "<b>"}]), "an external reference has a name"),
        (_indicator(external_references=[{}]), "an external reference has no source_name"),
        (_indicator(extensions=[]), "extensions does not hold objects"),
        (_indicator(extensions={EXTENSION: {"marks": ["no hash"]}}), "extension is not as its schema"),
        (_indicator(extensions={EXTENSION: {"marks": ["0" * 16] * 65}}), "extension is not as its schema"),
        (_indicator(extensions={EXTENSION: {"coverage": 0}}), "extension is not as its schema"),
        ({k: v for k, v in _indicator().items() if k != "pattern"}, "pattern is missing"),
        ({k: v for k, v in _identity().items() if k != "modified"}, "modified is missing"),
        ({"type": "ipv4-addr", "id": f"ipv4-addr--{IDENTITY[10:]}"}, "value is missing"),
        ("an object", "is not an object"),
        (None, "is not an object"),
    ],
)
def test_one_bad_object_is_named_with_its_fault(wrong: Any, reason: str) -> None:
    text = _refused(_identity(), wrong)
    assert reason in text
    assert "object 2" in text and "<" not in text and "\x1b" not in text


def test_texts_are_bounded() -> None:
    assert "a text of more than 65,536 characters" in _refused(_indicator(description="x" * 70_000))


def test_numbers_of_objects_are_bounded() -> None:
    many = [_identity(id=f"identity--00000000-0000-4000-8000-{n:012x}") for n in range(11)]
    data = json.dumps({"type": "bundle", "objects": many}).encode()
    with pytest.raises(InputError, match="more than 10 objects"):
        load_bundle(data, "in", Limits(objects=10))


def test_one_id_is_one_object() -> None:
    assert "same id and version" in _refused(_identity(), _identity(name="Somebody else"))
    assert _loaded(_identity(), _identity()).versions == 2
    later = _identity(name="Renamed", modified="2026-11-02T00:00:00Z")
    for order in ((_identity(), later), (later, _identity())):
        assert _loaded(*order).objects[IDENTITY]["name"] == "Renamed"


def test_references_that_lead_back_to_themselves() -> None:
    other = _identity(id=OTHER, created_by_ref=IDENTITY)
    assert "lead back to themselves" in _refused(_identity(created_by_ref=OTHER), other)
    assert _loaded(_identity(created_by_ref=IDENTITY)).versions == 1  # that one names itself is common
    report = {
        "type": "report", "spec_version": "2.1", "created": NOW, "modified": NOW, "name": "r", "published": NOW,
    }  # fmt: skip
    ids = [f"report--00000000-0000-4000-8000-{n:012x}" for n in range(3_000)]
    chain = [report | {"id": one, "object_refs": [after]} for one, after in zip(ids, [*ids[1:], OTHER], strict=True)]
    assert _loaded(*chain).versions == 3_000
    chain[-1]["object_refs"] = [ids[0]]
    assert "lead back to themselves" in _refused(*chain)


def test_the_command_says_what_is_wrong_and_nothing_else(providers: tuple[Provider, Provider], tmp_path: Path) -> None:
    bad = tmp_path / "bad.json"
    bad.write_text(json.dumps({"type": "bundle", "objects": [_indicator(name="<script>")]}))
    a = providers[0]
    said = refused("share", "leads", bad, "--case", a.case, "--log", a.log, "--out", tmp_path / "leads")
    assert "name holds markup" in said and "<" not in said
    assert not (tmp_path / "leads").exists()


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
CHANGES: list[Callable[[dict[str, Any], str, Any], None]] = [
    lambda o, name, value: o.__setitem__(name, value),
    lambda o, name, _: o.pop(name, None),
]


@given(
    st.sampled_from(sorted(_indicator() | {"confidence": 1, "labels": ["a"], "extensions": {}, "object_refs": []})),
    JSON,
    st.sampled_from(CHANGES),
)
def test_any_change_of_any_property_is_read_or_refused_never_a_crash(
    name: str, value: Any, change: Callable[[dict[str, Any], str, Any], None]
) -> None:
    item = copy.deepcopy(_indicator())
    change(item, name, value)
    data = json.dumps({"type": "bundle", "objects": [item]}).encode()
    try:
        load_bundle(data, "in")
    except InputError:
        return


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        load_bundle(data, "in")
