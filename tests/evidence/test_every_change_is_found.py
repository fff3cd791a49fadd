"""Whatever is done to a sealed bag is found, and named for what it is."""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stillwatch.evidence import custody, layout, statement
from stillwatch.evidence.canonical import sha256
from stillwatch.evidence.folder import Directory, Memory
from stillwatch.evidence.seal import SealedBag
from stillwatch.evidence.statement import open_envelope
from stillwatch.evidence.verify import Verified, summary, verify
from tests.evidence.conftest import KEY, NOW, in_memory
from tests.evidence.tsa import Authority

POSITIONS = 10_000
OTHER = Ed25519PrivateKey.from_private_bytes(bytes(32))


@pytest.fixture
def bag(stamped: SealedBag) -> Memory:
    return in_memory(stamped.bag)


@pytest.fixture
def check(authority: Authority) -> Callable[..., Verified]:
    def run(bag: Memory, **more: str) -> Verified:
        return verify(bag, KEY.public_key(), roots=(authority.root,), **more)

    return run


Check = Callable[..., Verified]


def codes(found: Verified) -> set[str]:
    return {p.code for p in found.problems}


def message(found: Verified, code: str) -> str:
    return next(f"{p.where}: {p.what}" for p in found.problems if p.code == code)


def test_an_untouched_bag_is_sound(bag: Memory, check: Check, stamped: SealedBag, authority: Authority) -> None:
    assert check(bag).problems == ()
    on_disk = verify(Directory(stamped.bag), KEY.public_key(), roots=(authority.root,))
    assert on_disk.sound
    assert on_disk.facts["timestamp"] == NOW.isoformat()


def test_every_changed_byte_is_found(bag: Memory, check: Check) -> None:
    """10,000 positions, as many in small files as in large ones, each flipped by a mask drawn at random."""
    draw = random.Random(20)
    names = bag.names()
    share = POSITIONS // len(names)
    places = [(n, i) for n in names for i in draw.sample(range(bag.size(n)), min(share, bag.size(n)))]
    while len(places) < POSITIONS:
        name = draw.choice(names)
        places.append((name, draw.randrange(bag.size(name))))
    missed = []
    for name, at in places:
        whole = bag.files[name]
        changed = bytearray(whole)
        changed[at] ^= draw.randrange(1, 256)
        bag.files[name] = bytes(changed)
        if check(bag).sound:
            missed.append((name, at))
        bag.files[name] = whole
    assert missed == []


def test_every_bit_of_the_seal_itself_counts(bag: Memory, check: Check) -> None:
    for name in (layout.STATEMENT, layout.TIMESTAMP, layout.CUSTODY):
        whole = bag.files[name]
        for at in range(0, len(whole), 3):
            changed = bytearray(whole)
            changed[at] ^= 1 << (at % 8)
            bag.files[name] = bytes(changed)
            assert not check(bag).sound, (name, at)
        bag.files[name] = whole


def test_a_changed_record_is_named(bag: Memory, check: Check) -> None:
    lines = bag.files[layout.RECORDS].splitlines(keepends=True)
    lines[41] = lines[41].replace(b"acct-", b"acct+", 1)
    bag.files[layout.RECORDS] = b"".join(lines)
    assert message(check(bag), "changed").endswith("1 records were changed: 41")


def test_reordered_records_are_called_so(bag: Memory, check: Check) -> None:
    lines = bag.files[layout.RECORDS].splitlines(keepends=True)
    lines[50], lines[60] = lines[60], lines[50]
    bag.files[layout.RECORDS] = b"".join(lines)
    assert "re-ordered: 2 are out of place, first 50" in message(check(bag), "re-ordered")


@pytest.mark.parametrize("cut", [1, 400, 100_000])
def test_truncated_records_are_called_so(bag: Memory, check: Check, cut: int) -> None:
    bag.files[layout.RECORDS] = bag.files[layout.RECORDS][:-cut]
    assert "truncated" in message(check(bag), "truncated")


def test_removed_records_are_counted(bag: Memory, check: Check) -> None:
    lines = bag.files[layout.RECORDS].splitlines(keepends=True)
    bag.files[layout.RECORDS] = b"".join(lines[:10] + lines[12:])
    assert "2 records were removed or changed, 0 are new" in message(check(bag), "changed")


def test_each_file_that_is_cut_short_is_found(bag: Memory, check: Check) -> None:
    for name in bag.names():
        whole = bag.files[name]
        for left in (0, len(whole) // 2, len(whole) - 1):
            bag.files[name] = whole[:left]
            assert not check(bag).sound, (name, left)
        bag.files[name] = whole


def test_missing_and_added_files_are_named(bag: Memory, check: Check) -> None:
    for name in bag.names():
        whole = bag.files.pop(name)
        found = check(bag)
        assert {p.where for p in found.problems} >= {name}, name
        bag.files[name] = whole
    bag.files["data/case/more.txt"] = b"more"
    assert "added later" in message(check(bag), "extra")


def test_a_statement_signed_again_with_another_key_is_called_so(bag: Memory, check: Check) -> None:
    opened = open_envelope(bag.files[layout.STATEMENT], KEY.public_key())
    assert opened is not None
    bag.files[layout.STATEMENT] = statement.sign(opened.statement, OTHER)
    assert "is signed with another key" in message(check(bag), "other-key")


def test_a_statement_under_a_borrowed_key_name_does_not_pass(bag: Memory, check: Check) -> None:
    opened = open_envelope(bag.files[layout.STATEMENT], KEY.public_key())
    assert opened is not None
    forged = statement.sign({**opened.statement, "predicate": {}}, OTHER)
    mine = statement.key_id(KEY.public_key()).encode()
    bag.files[layout.STATEMENT] = forged.replace(statement.key_id(OTHER.public_key()).encode(), mine)
    assert "does not fit" in message(check(bag), "bad-signature")


def test_an_envelope_written_otherwise_does_not_pass(bag: Memory, check: Check) -> None:
    bag.files[layout.STATEMENT] = bag.files[layout.STATEMENT].replace(b'":', b'": ', 1)
    assert "edited" in message(check(bag), "changed")


def test_a_timestamp_of_something_else_is_stale(bag: Memory, check: Check, authority: Authority) -> None:
    bag.files[layout.TIMESTAMP] = authority.stamp(b"an earlier statement")
    assert "of something else" in message(check(bag), "stale-timestamp")


def test_a_timestamp_from_another_day_is_stale(bag: Memory, check: Check, authority: Authority) -> None:
    then = authority.now
    try:
        for days, hours in ((3, 0), (0, -2)):
            authority.now = NOW + timedelta(days=days, hours=hours)
            bag.files[layout.TIMESTAMP] = authority.stamp(bag.files[layout.STATEMENT])
            assert "is stale: it says" in message(check(bag), "stale-timestamp")
    finally:
        authority.now = then


def test_an_absent_timestamp_is_missed(bag: Memory, check: Check) -> None:
    del bag.files[layout.TIMESTAMP]
    assert "is absent" in message(check(bag), "absent-timestamp")


def test_a_timestamp_by_an_unknown_authority_does_not_pass(bag: Memory) -> None:
    found = verify(bag, KEY.public_key(), roots=(Authority(NOW).root,))
    assert "not vouched for" in message(found, "bad-timestamp")


def test_without_an_authority_to_believe_the_report_says_so(bag: Memory) -> None:
    found = verify(bag, KEY.public_key())
    assert found.sound
    assert any("--tsa-root" in note for note in found.notes)


def more(bag: Memory, key: Ed25519PrivateKey, action: str) -> None:
    """An honest further entry."""
    chain = custody.read_chain(bag.files[layout.CUSTODY])
    bag.files[layout.CUSTODY] += custody.entry(
        len(chain.entries), chain.heads[-1], key, time="2026-07-02T09:00:00Z", action=action, actor="a"
    )


def test_the_custody_log_grows_without_breaking_the_seal(bag: Memory, check: Check) -> None:
    more(bag, KEY, "handed over")
    more(bag, OTHER, "received")
    found = check(bag)
    assert found.sound
    assert found.facts["custody_entries"] == 3
    assert any("other keys than the seal: 2" in note for note in found.notes)


def test_a_broken_custody_chain_is_called_so(bag: Memory, check: Check) -> None:
    for action in ("handed over", "received", "copied"):
        more(bag, KEY, action)
    first, second, third, fourth = bag.files[layout.CUSTODY].splitlines(keepends=True)
    for lines, code in (
        ([first, third, fourth], "custody-order"),
        ([first, third, second, fourth], "custody-order"),
        ([first, second.replace(b"handed", b"Handed"), third, fourth], "custody-changed"),
        ([second, third, fourth], "custody-start"),
        ([first, second, third, fourth[:-1]], "custody-truncated"),
        ([], "custody-empty"),
    ):
        bag.files[layout.CUSTODY] = b"".join(lines)
        assert code in codes(check(bag)), code
    rewritten = custody.entry(1, "0" * 64, KEY, time="2026-07-02T09:00:00Z", action="lent", actor="a")
    bag.files[layout.CUSTODY] = first + rewritten
    assert "custody-chain" in codes(check(bag))


def test_a_cut_custody_log_shows_against_a_noted_head(bag: Memory, check: Check) -> None:
    short = bag.files[layout.CUSTODY]
    more(bag, KEY, "handed over")
    head = check(bag).facts["custody_head"]
    assert check(bag, custody_head=head).sound
    bag.files[layout.CUSTODY] = short
    assert check(bag).sound  # nothing inside the bag can tell
    assert "custody-head" in codes(check(bag, custody_head=head))


def test_a_whole_new_seal_by_another_key_does_not_pass(bag: Memory, check: Check, authority: Authority) -> None:
    opened = open_envelope(bag.files[layout.STATEMENT], KEY.public_key())
    assert opened is not None
    envelope = statement.sign(opened.statement, OTHER)
    stamp = authority.stamp(envelope)
    binds = {layout.STATEMENT: sha256(envelope), layout.TIMESTAMP: sha256(stamp)}
    line = custody.entry(0, custody.START, OTHER, time="2026-07-01T12:00:00Z", action="sealed", actor="x", binds=binds)
    bag.files |= {layout.STATEMENT: envelope, layout.TIMESTAMP: stamp, layout.CUSTODY: line}
    assert codes(check(bag)) == {"other-key", "custody-start"}


def test_links_and_empty_folders_on_disk_are_not_overlooked(stamped: SealedBag, tmp_path: Path) -> None:
    copy = tmp_path / "bag"
    shutil.copytree(stamped.bag, copy)
    (copy / "data" / "empty").mkdir()
    target = copy / layout.PROVENANCE
    kept = tmp_path / "elsewhere.json"
    target.rename(kept)
    target.symlink_to(kept)
    found = verify(Directory(copy), KEY.public_key())
    assert {(p.code, p.where) for p in found.problems} == {("extra", "data/empty"), ("unreadable", layout.PROVENANCE)}


@pytest.mark.parametrize("junk", [None, 5, "x", [1], {"merkle": 3}, {"merkle": {"size": "x"}, "sealed_at": []}])
def test_a_statement_of_another_shape_breaks_the_seal_and_not_the_checker(
    bag: Memory, check: Check, junk: object
) -> None:
    opened = open_envelope(bag.files[layout.STATEMENT], KEY.public_key())
    assert opened is not None
    for key in (KEY, OTHER):
        bag.files[layout.STATEMENT] = statement.sign({**opened.statement, "predicate": junk}, key)
        assert not check(bag).sound
    line = b'{"entry":[[]],"binds":3}\n'
    bag.files[layout.CUSTODY] = line
    assert "custody-changed" in codes(check(bag))


def test_what_strangers_wrote_cannot_steer_a_terminal(bag: Memory, check: Check) -> None:
    bag.files["data/\x1b[2Jgone"] = b""
    assert any("⟨U+001B⟩" in line for line in summary(check(bag)))
    assert not any("\x1b" in line for line in summary(check(bag)))
