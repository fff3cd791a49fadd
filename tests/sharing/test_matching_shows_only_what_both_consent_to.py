"""Two providers learn how much they have in common. Which, only with both consenting; nothing else, to nobody."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from stillwatch.domain.errors import InputError
from stillwatch.sharing.match.answering import LIFETIME, Answerer, Effects
from stillwatch.sharing.match.asking import Outcome, ask
from stillwatch.sharing.match.commitment import commit
from stillwatch.sharing.match.envelope import seal, unseal
from stillwatch.sharing.match.party import Consent, Party
from stillwatch.sharing.match.peers import Ledger, Peer, read_peers
from stillwatch.sharing.match.psi import Answering, Asking
from stillwatch.sharing.match.tokens import KINDS, SMALL, scope, tokens
from tests.sharing.conftest import CANARY

ABOUT = scope("tests", "2026-11", "payment")
OURS = [f"{CANARY}-ours-{n:06d}" for n in range(100)] + [f"{CANARY}-both-{n:06d}" for n in range(20)]
THEIRS = [f"{CANARY}-theirs-{n:06d}" for n in range(180)] + [f"{CANARY}-both-{n:06d}" for n in range(20)]
A, B, STRANGER = (Ed25519PrivateKey.from_private_bytes(bytes([n]) * 32) for n in (1, 2, 3))
TO_A, TO_B, TO_STRANGER = (key.public_key().public_bytes_raw().hex() for key in (A, B, STRANGER))


def party(key: Ed25519PrivateKey, identifiers: list[str], consent: int | None = None) -> Party:
    found = tokens(identifiers, ABOUT)
    word = None if consent is None else Consent("Jo", consent)
    return Party(key, ABOUT, found, commit(found, bytes(32)), word)


class Other:
    """The answering side, its clock, its record, and everything that went over the wire."""

    encrypted: Answering | None = None

    def __init__(self, folder: Path, consent: int | None = None, **budget: int) -> None:
        ours = party(B, THEIRS, consent)
        Other.encrypted = Other.encrypted or Answering(sorted(ours.identifiers), 150)
        signer = party(A, OURS).signer
        names = count()
        self.now = datetime(2026, 11, 2, tzinfo=UTC)
        self.records: list[dict[str, Any]] = []
        self.wire: list[bytes] = []
        effects = Effects(lambda: self.now, lambda: f"session-{next(names)}", lambda r: self.records.append(dict(r)))
        peers = {signer: Peer(name="Provider A", key=signer, **budget)}
        self.answerer = Answerer(ours, Other.encrypted, peers, Ledger(folder / "ledger"), 150, effects)
        self.tampered: Callable[[str, bytes], bytes] = lambda _, data: data

    def post(self, step: str, message: bytes) -> bytes:
        self.wire.append(message)
        answer: bytes = getattr(self.answerer, step)(message)
        self.wire.append(answer)
        return self.tampered(step, answer)


def asked(other: Other, consent: int | None = None, identifiers: list[str] = OURS) -> Outcome:
    return ask(party(A, identifiers, consent), party(B, THEIRS).signer, other.post, nonce="n")


def test_the_count_is_right_and_nothing_is_revealed_without_consent(tmp_path: Path) -> None:
    for ours, theirs, why in (
        (None, 10, "we did not consent"),
        (10, None, "the other side does not consent"),
        (30, 10, "fewer are common than we consented to"),
        (10, 30, "the other side does not consent"),
    ):
        other = Other(tmp_path / f"{ours}{theirs}", theirs)
        found = asked(other, ours)
        assert (found.size, found.theirs, found.revealed, found.common) == (20, 200, False, [])
        assert why in found.why
        assert {r["step"] for r in other.records} == {"hello", "counted"}


def test_both_learn_the_same_identifiers_when_both_consent(tmp_path: Path) -> None:
    other = Other(tmp_path, 15)
    found = asked(other, 20)
    assert found.revealed and sorted(found.common) == sorted(set(OURS) & set(THEIRS))
    last = other.records[-1]
    assert last["kept_its_word"] and last["tokens"] == sorted(tokens(found.common, ABOUT))


def test_nothing_that_identifies_is_on_the_wire_before_and_only_tokens_in_common_after(tmp_path: Path) -> None:
    for consent in (None, 10):
        other = Other(tmp_path / str(consent), consent)
        asked(other, consent)
        seen = b"".join(other.wire) + b"".join(base64.b64decode(json.loads(m)["payload"]) for m in other.wire)
        assert CANARY.encode() not in seen
        mine, theirs = set(tokens(OURS, ABOUT)), set(tokens(THEIRS, ABOUT))
        shown = {t for t in mine | theirs if t.encode() in seen or bytes.fromhex(t) in seen}
        assert shown == (set() if consent is None else mine & theirs)
        assert CANARY not in json.dumps(other.records) + (tmp_path / str(consent) / "ledger").read_text()


def test_budgets_hold_over_restarts_and_end_with_the_epoch(tmp_path: Path) -> None:
    asked(Other(tmp_path, questions=2))
    asked(Other(tmp_path, questions=2))
    with pytest.raises(InputError, match="budget of 2 questions"):
        asked(Other(tmp_path, questions=2))
    with pytest.raises(InputError, match="60 left"):
        asked(Other(tmp_path, questions=9, identifiers=300))
    lines = [json.loads(line) for line in (tmp_path / "ledger").read_text().splitlines()]
    assert [(x["size"], x["epoch"]) for x in lines] == [(120, "2026-11")] * 2
    with pytest.raises(InputError, match="another purpose, epoch or kind"):
        later = party(A, OURS)._replace(about=scope("tests", "2026-12", "payment"))
        ask(later, party(B, THEIRS).signer, Other(tmp_path).post, nonce="n")


def test_purpose_epoch_and_kind_are_part_of_every_token() -> None:
    scopes = [ABOUT, scope("other", "2026-11", "payment"), scope("tests", "2026-12", "payment"),
              scope("tests", "2026-11", "device")]  # fmt: skip
    found = [set(tokens(OURS, s)) for s in scopes]
    assert all(not (a & b) for i, a in enumerate(found) for b in found[:i])


@pytest.mark.parametrize("kind", sorted(SMALL))
def test_kinds_that_can_be_tried_out_are_refused_with_the_reason(kind: str) -> None:
    with pytest.raises(InputError, match="refused") as refusal:
        scope("tests", "2026-11", kind)
    assert SMALL[kind] in str(refusal.value)


@pytest.mark.parametrize(
    "value",
    [
        "203.0.113.7", "2001:db8::1", "10.0.0.0/8", "+41 44 668 18 00", "4111111111111111", "short", "64512",
        "203.0.113.7:443", "[2001:db8::1]:443", "ip=203.0.113.7", "AS64512", "address 203.0.113.7", "net 2001:db8::/32",
        "phone:+41446681800", "tel 044 668 18 00", "00:1b:44:11:3a:b7", "001b.4411.3ab7", "card 4111 1111 1111 1111",
    ],
)  # fmt: skip
def test_values_that_can_be_tried_out_are_refused_whatever_they_are_called(value: str) -> None:
    for kind in KINDS.keys() - {"template"}:
        with pytest.raises(InputError, match="could try all of them") as refusal:
            tokens([*OURS, value, *[f"{value} {n}" for n in range(3)]], scope("tests", "2026-11", kind))
        assert value not in str(refusal.value) and f"identifier {len(OURS) + 1}" in str(refusal.value)


def test_a_template_is_asked_about_by_its_marks_and_nothing_else() -> None:
    about = scope("tests", "2026-11", "template")
    assert len(tokens(["5f2c9d1e8a7b0c3d", "1234567890123456"], about)) == 2
    for value in ("four words of text", "203.0.113.7", "5F2C9D1E8A7B0C3D", "4111-1111-1111-1111"):
        with pytest.raises(InputError, match="is no mark of a template"):
            tokens([value], about)


def test_hashes_that_happen_to_have_no_letter_are_no_reason_to_refuse_a_set() -> None:
    chance = random.Random(1)
    for shape in ("{:016x}", "pay_{:012x}", "tok-{:032x}"):
        size = 4 * int(shape[shape.index(":") + 1 : -2])
        listed = [shape.format(chance.getrandbits(size)) for _ in range(20_000)]
        assert len(tokens([v for v in listed if not _luhn(v)], ABOUT)) > 19_900
    assert len(tokens(["pm_008beba8d9d1", "pm_123456789012", *OURS[:10]], ABOUT)) == 12


def _luhn(value: str) -> bool:
    """A hash of sixteen digits that could be a card: of 10,000 about one, and it is refused."""
    return len(value) == 16 and value.isdigit() and sum(sum(divmod(int(d) * (1 + i % 2), 10)) for i, d in
                                                        enumerate(reversed(value))) % 10 == 0  # fmt: skip


def test_small_sets_are_neither_asked_nor_answered(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="at least 10 "):
        asked(Other(tmp_path), identifiers=OURS[:9])
    body = {**party(A, OURS).introduction(), "message": "hello", "nonce": "n", "size": 1}
    with pytest.raises(InputError, match="questions have 10 to 150"):
        Other(tmp_path).answerer.hello(seal(A, TO_B, body))
    with pytest.raises(InputError, match="questions have 10 to 150"):
        asked(Other(tmp_path), identifiers=[f"{CANARY}-many-{n:09d}" for n in range(151)])


def test_strangers_and_forgers_are_refused(tmp_path: Path) -> None:
    other = Other(tmp_path)
    with pytest.raises(InputError, match="no peer of ours"):
        ask(party(STRANGER, OURS), party(B, THEIRS).signer, other.post, nonce="n")
    other.tampered = lambda _, answer: seal(STRANGER, TO_A, unseal(answer, TO_A, "welcome").body)
    with pytest.raises(InputError, match="signed by somebody else"):
        asked(other)
    message = json.loads(seal(A, TO_B, {"message": "hello"}, b"payload"))
    for change in (
        {"body": message["body"] | {"size": 5}},
        {"payload": base64.b64encode(b"other").decode()},
        {"signature": base64.b64encode(bytes(64)).decode()},
        {"signer": party(B, THEIRS).signer},
        {"signer": 7},
        {"payload": "not base64"},
    ):
        with pytest.raises(InputError, match="message"):
            unseal(json.dumps(message | change).encode(), TO_B, "hello")
    for data in (b"", b"[]", b"[" * 10_000, b'{"body":{}}'):
        with pytest.raises(InputError):
            unseal(data, TO_B, "hello")


def test_a_question_cannot_be_passed_on_to_somebody_else(tmp_path: Path) -> None:
    """Asked by A, a peer that means harm could ask B in A's name, pass B's answers on as its own, and learn the count.

    What A signs says whom it is for.
    """
    other = Other(tmp_path)

    def passing_on(step: str, message: bytes) -> bytes:
        answer = unseal(other.post(step, message), TO_A, "welcome" if step == "hello" else "counted")
        body = {k: v for k, v in answer.body.items() if k not in ("payload_sha256", "to")}
        return seal(STRANGER, TO_A, body, answer.payload)

    with pytest.raises(InputError, match="is for somebody else"):
        ask(party(A, OURS), TO_STRANGER, passing_on, nonce="n")
    assert other.records == []
    assert not (tmp_path / "ledger").exists()


def _session(other: Other, consents_from: int = 10) -> tuple[str, Asking]:
    ours = party(A, OURS, consents_from)
    hello = seal(A, TO_B, {**ours.introduction(), "message": "hello", "nonce": "n"})
    said = unseal(other.answerer.hello(hello), TO_A, "welcome")
    return said.text("session"), Asking(list(ours.identifiers))


def _said(step: str, session: str, payload: bytes = b"", **body: Any) -> bytes:
    return seal(A, TO_B, {"message": step, "session": session, **body}, payload)


def test_steps_come_in_their_order_once_each_and_in_time(tmp_path: Path) -> None:
    other = Other(tmp_path, 10, questions=99, identifiers=99_999)
    session, asking = _session(other)
    with pytest.raises(InputError, match="reveal does not follow hello"):
        other.answerer.reveal(_said("reveal", session, asking.request(reveal=True)))
    other.answerer.count(_said("count", session, asking.request(reveal=False)))
    with pytest.raises(InputError, match="count does not follow counted"):
        other.answerer.count(_said("count", session, asking.request(reveal=False)))
    with pytest.raises(InputError, match="reveal does not follow counted"):
        other.answerer.reveal(_said("reveal", session, asking.request(reveal=True)))
    late, asking = _session(other)
    other.now += LIFETIME + timedelta(seconds=1)
    with pytest.raises(InputError, match="no such session"):
        other.answerer.count(_said("count", late, asking.request(reveal=False)))


def test_one_set_cannot_be_counted_and_another_revealed(tmp_path: Path) -> None:
    other = Other(tmp_path, 10)
    session, asking = _session(other)
    other.answerer.count(_said("count", session, asking.request(reveal=False)))
    other.answerer.claim(_said("claim", session, count=20))
    changed = Asking([*asking.tokens[1:], "0" * 64])
    with pytest.raises(InputError, match="another set than the one that was counted"):
        other.answerer.reveal(_said("reveal", session, changed.request(reveal=True)))


def test_a_false_claim_is_found_out_and_recorded(tmp_path: Path) -> None:
    other = Other(tmp_path, 10)
    session, asking = _session(other)
    other.answerer.count(_said("count", session, asking.request(reveal=False)))
    other.answerer.claim(_said("claim", session, count=90))
    other.answerer.reveal(_said("reveal", session, asking.request(reveal=True)))
    with pytest.raises(InputError, match="not what was claimed"):
        other.answerer.common(_said("common", session, "\n".join(asking.tokens[:90]).encode()))
    assert other.records[-1]["kept_its_word"] is False


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"", "not of the size"),
        (b"\xff" * 50, "cannot be read|not of the size|no point"),
        (b"\x12\x21" + b"x" * 33, "not of the size"),
        ((b"\x12\x21" + b"x" * 33) * 120, "no point of the curve"),
        ((b"\x12\x05" + b"x" * 5) * 120, "no point of the curve"),
        (b"x" * 1_000_000, "more than 120 identifiers"),
    ],
)
def test_requests_that_are_none_are_refused(payload: bytes, reason: str, tmp_path: Path) -> None:
    other = Other(tmp_path)
    session, _ = _session(other)
    with pytest.raises(InputError, match=reason):
        other.answerer.count(_said("count", session, payload))


def test_a_request_to_reveal_is_not_answered_as_a_count(tmp_path: Path) -> None:
    other = Other(tmp_path)
    session, asking = _session(other)
    with pytest.raises(InputError, match="not of the size and the kind"):
        other.answerer.count(_said("count", session, asking.request(reveal=True)))


def test_a_set_that_says_yes_to_everything_is_not_believed(tmp_path: Path) -> None:
    """The answering side could send a filter without holes, and have our whole set revealed."""
    from private_set_intersection.python import ServerSetup

    def widened(step: str, answer: bytes) -> bytes:
        if step != "hello":
            return answer
        said = unseal(answer, TO_A, "welcome")
        setup = ServerSetup()
        setup.ParseFromString(said.payload)
        setup.gcs.hash_range = 1
        body = {k: v for k, v in said.body.items() if k != "payload_sha256"}
        return seal(B, TO_A, body, setup.SerializeToString())

    other = Other(tmp_path, 10)
    other.tampered = widened
    with pytest.raises(InputError, match="not made as it was agreed"):
        asked(other, 10)
    other.tampered = lambda step, answer: (
        seal(
            B,
            TO_A,
            {k: v for k, v in unseal(answer, TO_A, "welcome").body.items() if k != "payload_sha256"},
            b"\x0a\x00",
        )
        if step == "hello"
        else answer
    )
    with pytest.raises(InputError, match="not made as it was agreed"):
        asked(other, 10)


def test_commitments_bind_to_a_set_and_tell_nothing_without_their_salt() -> None:
    found = list(tokens(OURS, ABOUT))
    made = commit(found, bytes(32))
    assert made == commit(reversed(found), bytes(32))
    assert made != commit(found, bytes(31) + b"\x01") and made != commit(found[1:], bytes(32))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "peers: 3",
        "peers: [{name: A}]",
        "peers: [{name: A, key: zz}]",
        "[",
        "peers: [{name: A, key: '00', more: 1}]",
    ],
)
def test_a_peers_file_that_is_none_is_refused(text: str, tmp_path: Path) -> None:
    (tmp_path / "peers.yaml").write_text(text)
    with pytest.raises(InputError, match="peer"):
        read_peers(tmp_path / "peers.yaml")
