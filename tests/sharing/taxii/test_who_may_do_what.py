"""The permission matrix, the secrets behind it, and the server file that declares both."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Any

import pytest

from stillwatch.domain.errors import InputError
from stillwatch.sharing.taxii import secrets
from stillwatch.sharing.taxii.secrets import Verifier, hashed, is_hash, new_secret
from stillwatch.sharing.taxii.settings import Collection, Member, Settings, read_settings
from stillwatch.sharing.taxii.setup import new_server
from tests.sharing.taxii.exchange import (
    BOTH,
    HASHES,
    TAXII,
    Chance,
    Exchange,
    effects,
    exchange,
    indicator,
    of,
    stix_id,
)

ONE = stix_id("indicator", 1)
READS = ("manifest/", "objects/", f"objects/{ONE}/", f"objects/{ONE}/versions/")
HIDDEN, LISTED = 404, 403


def ask(server: Exchange, what: str, who: str | None) -> int:
    if what == "post":
        return server.post(BOTH, [indicator(2)], who=who).status_code
    if what == "delete":
        return server.request("DELETE", f"{of(BOTH)}objects/{ONE}/", who=who).status_code
    return server.get(of(BOTH) + ("" if what == "collection" else what), who=who).status_code


@pytest.mark.parametrize(("can_read", "can_write", "listed"), list(itertools.product([True, False], repeat=3)))
def test_the_matrix(tmp_path: Path, can_read: bool, can_write: bool, listed: bool) -> None:
    """Every endpoint of a collection under every combination of rights (5.2 to 5.8)."""
    members = tuple(Member(name=n, secret=HASHES[n], organisation="us") for n in ("alice", "bob"))
    rights: dict[str, Any] = {
        "read": ("alice", "bob")[: 2 if can_read else 1],
        "write": ("alice", "bob")[: 2 if can_write else 1],
    }
    given = Settings(title="t", members=members, collections=(Collection(id=BOTH, title="c", listed=listed, **rights),))
    with exchange(tmp_path, given) as server:
        assert server.post(BOTH, [indicator(1)]).status_code == 202
        seen = can_read or can_write or listed
        refused = LISTED if seen else HIDDEN
        assert ask(server, "collection", "bob") == (200 if seen else HIDDEN)
        for page in READS:
            assert ask(server, page, "bob") == (200 if can_read else refused)
        assert ask(server, "post", "bob") == (202 if can_write else refused)
        deleted = 200 if can_read and can_write else 403 if can_read or can_write else 404
        for what in ("collection", *READS, "post", "delete"):
            assert ask(server, what, None) == 401
            assert ask(server, what, "carol") == 401
        assert ask(server, "delete", "bob") == deleted
        assert ask(server, f"objects/{ONE}/", "alice") == (404 if deleted == 200 else 200)


def test_a_secret_is_kept_as_a_hash_that_does_not_repeat() -> None:
    chance = Chance()
    secret = new_secret(chance.bytes)
    one, other = hashed(secret, chance.bytes), hashed(secret, chance.bytes)
    assert one != other
    assert is_hash(one)
    assert secret not in one
    assert len(secret) >= 43
    assert not is_hash(one.replace("$14$", "$30$"))


def test_right_and_wrong_secrets_are_remembered_and_cost_one_hash(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = Chance()
    verifier = Verifier({"alice": hashed("right", chance.bytes, log_n=10)}, chance.bytes)
    counted: list[str] = []
    computed = secrets._scrypt
    monkeypatch.setattr(secrets, "_scrypt", lambda s, *more: (counted.append(s), computed(s, *more))[1])
    for name, secret, right in (("alice", "right", True), ("alice", "wrong", False), ("nobody", "right", False)):
        assert verifier.recall(name, secret) is None
        assert verifier.check(name, secret) is right
        assert [verifier.recall(name, secret) for _ in range(3)] == [right] * 3
    assert counted == ["right", "wrong", "right"]


def test_what_is_remembered_is_bounded() -> None:
    chance = Chance()
    verifier = Verifier({}, chance.bytes)
    verifier._nobody = hashed("x", chance.bytes, log_n=10)
    for n in range(50):
        assert not verifier.check("nobody", str(n))
    assert len(verifier._known) <= secrets.MOST_REMEMBERED
    assert not any(b"nobody" in key for key in verifier._known)


def test_a_token_is_for_its_own_member_only(server: Exchange) -> None:
    for header, status in (
        ("Bearer alice.secret-of-alice", 200), ("bearer alice.secret-of-alice", 200),
        ("Token bob.secret-of-bob", 200), ("Bearer bob.secret-of-alice", 401), ("Bearer secret-of-alice", 401),
        ("Bearer .secret-of-alice", 401), ("Bearer alice.", 401), ("Bearer", 401),
    ):  # fmt: skip
        found = server.get("/taxii2/", who=None, headers={"authorization": header, "accept": TAXII})
        assert found.status_code == status, header


@pytest.mark.parametrize("hub", [True, False])
def test_a_new_server_file_can_be_read_and_its_tokens_fit(tmp_path: Path, hub: bool) -> None:
    made = new_server("A title: with a colon", ["a", "b"], hub, effects())
    file = tmp_path / "server.yaml"
    file.write_text(made.text, "utf-8")
    found = read_settings(file)
    assert (found.title, (found.hub is not None)) == ("A title: with a colon", hub)
    verifier = Verifier({m.name: m.secret for m in found.members}, Chance().bytes)
    for name, token in made.tokens.items():
        assert token.removeprefix(f"{name}.") not in made.text
        assert verifier.check(name, token.removeprefix(f"{name}."))
    for feed in found.collections[:2]:
        assert len(feed.write) == 1
        assert feed.write[0] not in feed.title.split() + feed.alias.split("-")


OTHER = "52892447-4d7e-4f70-b94d-d7f22742ff63"
C = f"{{id: {BOTH}, title: t, alias: x}}"
MIXED = f"""{{title: t, members: [{{name: a}}, {{name: b}}], hub: {{feeds: [x], joined: y}}, collections: [
{{id: {BOTH}, title: t, alias: x, write: [a, b]}}, {{id: {OTHER}, title: u, alias: y}}]}}"""


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("[", "not YAML"),
        ("title: t", "members"),
        ("{title: t, members: [], collections: [], colour: red}", "colour"),
        ("{title: t, members: [{name: A}], collections: []}", "names are a-z"),
        ("{title: t, members: [{name: hub}], collections: []}", "names are a-z"),
        ("{title: t, members: [{name: a}, {name: a}], collections: []}", "one name"),
        ("{title: t, members: [{name: a, secret: plain}], collections: []}", "share token"),
        ("{title: t, members: [{name: a, certificate: xx}], collections: []}", "SHA-256"),
        ("{title: t, members: [], collections: [{id: 5, title: t}]}", "id"),
        ("{title: t, members: [], collections: [{id: 6ba7b810-9dad-11d1-80b4-00c04fd430c8, title: t}]}", "version 4"),
        (f"{{title: t, members: [], collections: [{C}, {C}]}}", "one id or alias"),
        (f"{{title: t, members: [], collections: [{{id: {BOTH}, title: t, read: [z]}}]}}", "not a member"),
        ("{title: t, members: [], collections: [], api_root: taxii2}", "api_root"),
        ("{title: t, members: [], collections: [], page: 0}", "at least 1"),
        (f"{{title: t, members: [], collections: [{C}], hub: {{feeds: [x], joined: x}}}}", "different collections"),
        (f"{{title: t, members: [], collections: [{C}], hub: {{feeds: [], joined: x}}}}", "different collections"),
        (MIXED, "written by members of one organisation"),
    ],
)
def test_a_server_file_that_is_wrong_says_where(tmp_path: Path, text: str, says: str) -> None:
    file = tmp_path / "server.yaml"
    file.write_text(text, "utf-8")
    with pytest.raises(InputError, match=says) as caught:
        read_settings(file)
    assert "server.yaml" in str(caught.value)
