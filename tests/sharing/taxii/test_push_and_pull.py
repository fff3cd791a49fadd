"""The client: what it sends, what it takes, where it stops. Servers that mean harm are answered by hand."""

from __future__ import annotations

import gzip
import itertools
import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from stillwatch.domain.errors import InputError
from stillwatch.sharing.inbound.bundle import load_bundle, read_bundle, source_of
from stillwatch.sharing.stix.tlp import marking_id
from stillwatch.sharing.taxii import client as client_module
from stillwatch.sharing.taxii import pull as pull_module
from stillwatch.sharing.taxii import push as push_module
from stillwatch.sharing.taxii.client import Client, Credentials
from stillwatch.sharing.taxii.pull import STATE, bundles, pull
from stillwatch.sharing.taxii.push import push
from stillwatch.sharing.taxii.settings import Collection
from tests.sharing.taxii.exchange import BOTH, TAXII, exchange, indicator, on_loopback, settings, stix_id

ALICE, BOB = (Credentials(f"{name}.secret-of-{name}") for name in ("alice", "bob"))
FEED = Collection(id=BOTH, title="Feed", alias="feed", read=("alice", "bob"), write=("alice",))


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    given = settings(collections=(FEED,), max_content_length=20_000)
    with exchange(tmp_path, given) as made, on_loopback(made.app) as address:
        yield address


def bundle(*objects: dict[str, Any]) -> Any:
    text = json.dumps({"type": "bundle", "id": stix_id("bundle", 1), "objects": list(objects)})
    return load_bundle(text.encode(), "test")


def send(url: str, who: Credentials, *objects: dict[str, Any], recipients: tuple[str, ...] = ()) -> Any:
    with Client(url, who) as client:
        return push(client, bundle(*objects), recipients, lambda: None)


def fetch(url: str, folder: Path, since: str | None = None) -> list[Any]:
    with Client(url, BOB) as client:
        return pull(client, folder, since)


def test_a_bundle_goes_in_parts_that_fit_and_comes_back_whole(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(push_module, "MOST_OBJECTS", 70)
    sent = [indicator(n, description="x" * (n % 7) * 100) for n in range(200)]
    assert send(url, ALICE, *sent)[1:3] == (200, {})
    (done,) = fetch(url, tmp_path / "in")
    assert (done.objects, done.refused, done.problem) == (200, {}, "")
    (file,) = done.files
    assert list(read_bundle(file).objects.values()) == sent


def test_the_next_pull_brings_what_is_new_and_nothing_twice(url: str, tmp_path: Path) -> None:
    folder = tmp_path / "in"
    send(url, ALICE, indicator(1), indicator(2))
    assert [d.objects for d in fetch(url, folder)] == [2]
    assert [d.objects for d in fetch(url, folder)] == [0]
    send(url, ALICE, indicator(2), indicator(3))
    assert [d.objects for d in fetch(url, folder)] == [1]
    assert [d.objects for d in fetch(url, folder, "2000-01-01T00:00:00Z")] == [3]
    found = [set(read_bundle(path).objects) for path in bundles(folder)]
    assert sorted(map(len, found)) == [1, 2, 3]
    assert set(json.loads((folder / STATE).read_text())["added_after"].values()) != {""}


def test_our_own_feed_is_not_pulled(url: str, tmp_path: Path) -> None:
    send(url, ALICE, indicator(1))
    with Client(url, ALICE) as client:
        assert pull(client, tmp_path / "in", None) == []


def test_the_address_may_be_the_server_the_root_or_the_collection(url: str, tmp_path: Path) -> None:
    root = url.replace("taxii2/", "exchange/")
    for n, address in enumerate((url, root, root.rstrip("/"), f"{root}collections/{BOTH}/", f"{root}collections/feed")):
        assert send(address, ALICE, indicator(n)).accepted == 1
        with Client(address, BOB) as client:
            assert [d.objects for d in pull(client, tmp_path / str(n), None)] == [n + 1]


def test_what_the_server_refuses_is_told_by_reason(url: str) -> None:
    send(url, ALICE, indicator(1))
    done = send(url, ALICE, indicator(1, name="other"), indicator(2))
    assert done.accepted == 1
    assert done.failures == {"another object with this id and version is here already": 1}


@pytest.mark.parametrize(
    ("who", "says"), [(Credentials("alice.wrong"), "401"), (Credentials(), "401"), (BOB, "no coll")]
)
def test_who_may_not_write_is_told(url: str, who: Credentials, says: str) -> None:
    with pytest.raises(InputError, match=says):
        send(url, who, indicator(1))


def test_basic_authentication_works(url: str) -> None:
    assert send(url, Credentials("secret-of-alice", "alice"), indicator(1)).accepted == 1


def test_red_is_sent_to_nobody_who_does_not_say_that_it_heeds_labels(url: str) -> None:
    red = indicator(1, object_marking_refs=[marking_id("red")])
    for recipients in ((), ("bob",)):
        with pytest.raises(InputError, match="TLP:RED goes to named recipients only"):
            send(url, ALICE, red, recipients=recipients)
    assert send(url, ALICE, indicator(2, object_marking_refs=[marking_id("amber+strict")])).unheeded


@pytest.mark.parametrize(
    "address",
    [
        "http://example.org/taxii2/",
        "ftp://127.0.0.1/",
        "https://user:pass@example.org/",
        "https://x/?a=b",
        "nothing",
        "",
    ],
)
def test_addresses_that_would_leak_are_refused(address: str) -> None:
    with pytest.raises(InputError):
        Client(address, ALICE)


# -- servers that mean harm -------------------------------------------------------------------------------------------
Answer = Callable[[httpx.Request], httpx.Response]
ROOT = {"title": "t", "versions": [TAXII], "max_content_length": 1000}
ENTRY = {"id": BOTH, "title": "t", "can_read": True, "can_write": False}
STAMP = "2024-01-01T00:00:00.000000Z"


def resource(value: Any, **headers: str) -> httpx.Response:
    return httpx.Response(200, content=json.dumps(value), headers={"content-type": TAXII, **headers})


def against(folder: Path, objects: Answer, **others: Any) -> list[Any]:
    """A pull from a server made of answers."""

    def answer(request: httpx.Request) -> httpx.Response:
        path = request.url.path
        if path in others.get("paths", {}):
            return others["paths"][path]  # type: ignore[no-any-return]
        if path == "/taxii2/":
            return resource({"title": "t", "default": "/r/", "api_roots": ["/r/"]})
        if path == "/r/":
            return resource(ROOT)
        if path == "/r/collections/":
            return resource({"collections": others.get("feeds", [ENTRY])})
        return objects(request)

    with Client("https://partner.example/taxii2/", BOB, httpx.MockTransport(answer)) as client:
        return pull(client, folder, None)


def page(*objects: Any, **more: Any) -> Answer:
    return lambda _: resource({"objects": list(objects), **more}, **{"x-taxii-date-added-last": STAMP})


def test_bad_objects_are_left_out_and_counted_and_the_good_ones_kept(tmp_path: Path) -> None:
    bad = [indicator(2, name="<b>"), indicator(3, pattern="["), "text", {"id": 1}]
    (done,) = against(tmp_path, page(indicator(1), *bad, indicator(1, name="other")))
    assert done.objects == 1
    assert sum(done.refused.values()) == 5
    assert "another object has the same id and version" in done.refused
    assert list(read_bundle(bundles(tmp_path)[0]).objects) == [stix_id("indicator", 1)]


def test_more_than_one_bundle_holds_comes_in_several_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever joins an exchange late has years to fetch. What is kept is not asked for again after a failure."""
    monkeypatch.setattr(pull_module, "DEFAULT", pull_module.DEFAULT._replace(objects=25))
    failing = True

    def objects(request: httpx.Request) -> httpx.Response:
        """Ten at a time, each added a microsecond after the one before."""
        after = request.url.params.get("next", request.url.params.get("added_after", "0"))
        first = int(re.sub(r".*\.0*(\d+)Z", r"\1", after)) + 1
        if failing and first > 50:
            return httpx.Response(503)
        last = first + 9
        more = {"more": True, "next": str(last)} if last < 80 else {}
        stamp = f"2024-01-01T00:00:00.{last:06d}Z"
        listed = [indicator(n) for n in range(first, last + 1)]
        return resource({"objects": listed, **more}, **{"x-taxii-date-added-last": stamp})

    (done,) = against(tmp_path, objects)
    assert (done.objects, len(done.files)) == (40, 2)
    assert "503" in done.problem
    failing = False
    (done,) = against(tmp_path, objects)
    assert (done.objects, len(done.files), done.problem) == (40, 2, "")
    assert {source_of(f) for f in bundles(tmp_path)} == {str(tmp_path / BOTH.replace("-", "")[:16])}
    kept = [o for f in bundles(tmp_path) for o in read_bundle(f).objects]
    assert kept == [stix_id("indicator", n) for n in range(1, 81)]


def test_an_answer_with_more_than_a_bundle_may_hold_is_not_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pull_module, "DEFAULT", pull_module.DEFAULT._replace(objects=25))
    (done,) = against(tmp_path, page(*(indicator(n) for n in range(1, 27))))
    assert "more than a bundle may" in done.problem
    assert bundles(tmp_path) == []


def test_rings_keep_one_feed_out_and_not_the_others(tmp_path: Path) -> None:
    def grouping(number: int, other: int) -> dict[str, Any]:
        base = {k: v for k, v in indicator(number).items() if not k.startswith(("pattern", "valid"))}
        refs = [stix_id("grouping", other)]
        return base | {"type": "grouping", "id": stix_id("grouping", number), "context": "x", "object_refs": refs}

    other = BOTH.replace("91a7b528", "11111111")

    def objects(request: httpx.Request) -> httpx.Response:
        ring = [grouping(1, 2), grouping(2, 1)]
        return page(*(ring if BOTH in request.url.path else [indicator(5)]))(request)

    done = against(tmp_path, objects, feeds=[ENTRY, ENTRY | {"id": other}])
    assert [(d.objects, bool(d.problem)) for d in done] == [(0, True), (1, False)]
    assert list(json.loads((tmp_path / STATE).read_text())["added_after"]) == [
        f"https://partner.example/r/collections/{other}/"
    ]


@pytest.mark.parametrize(
    ("answer", "says"),
    [
        (lambda _: httpx.Response(200, content=b"<html>", headers={"content-type": "text/html"}), "not TAXII"),
        (lambda _: httpx.Response(200, content=b"{", headers={"content-type": TAXII}), "not JSON"),
        (lambda _: httpx.Response(200, content=b"[" * 100_000, headers={"content-type": TAXII}), "nested|JSON"),
        (lambda _: httpx.Response(302, headers={"location": "https://evil.example/"}), "302"),
        (lambda _: httpx.Response(500, content=b'{"title": "\x1b[2J"}'), "500"),
        (lambda _: httpx.Response(500, content=b'{"title": "T", "description": "d"}'), "500: T: d"),
        (page(more=True, objects=[]), "not where"),
        (page(indicator(1), more=True, next="same"), "not where"),
        (lambda _: resource({"objects": {}}), "not a list"),
        (lambda _: resource([]), "not a TAXII resource"),
    ],
)
def test_answers_that_cannot_be_taken_are_told_and_nothing_is_kept(tmp_path: Path, answer: Answer, says: str) -> None:
    (done,) = against(tmp_path, answer)
    assert done.objects == 0
    assert re.search(says, done.problem), done.problem
    assert "\x1b" not in done.problem
    assert bundles(tmp_path) == []


def test_an_answer_without_end_is_cut_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(client_module, "DEFAULT", client_module.DEFAULT._replace(bytes=100_000))
    given = 0

    def endless() -> Iterator[bytes]:
        nonlocal given
        while given < 10_000_000:
            given += 10_000
            yield b" " * 10_000

    (done,) = against(tmp_path, lambda _: httpx.Response(200, content=endless(), headers={"content-type": TAXII}))
    assert "larger than 100,000 bytes" in done.problem
    assert given <= 200_000


def test_an_answer_that_drips_is_not_waited_for(tmp_path: Path) -> None:
    seconds = itertools.count(step=50.0)

    def dripping() -> Iterator[bytes]:
        for _ in range(1000):
            yield b" "

    with (
        Client(
            "https://partner.example/taxii2/",
            BOB,
            httpx.MockTransport(lambda _: httpx.Response(200, content=dripping(), headers={"content-type": TAXII})),
            clock=lambda: next(seconds),
        ) as client,
        pytest.raises(InputError, match="did not come within 600 seconds"),
    ):
        pull(client, tmp_path, None)
    assert next(seconds) < 1000


def test_a_packed_answer_is_not_unpacked(tmp_path: Path) -> None:
    bomb = gzip.compress(b" " * 50_000_000)

    def packed(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, content=iter([bomb]), headers={"content-type": TAXII, "content-encoding": "gzip"})

    (done,) = against(tmp_path, packed)
    assert "packed" in done.problem


def test_a_root_at_another_server_gets_no_secret(tmp_path: Path) -> None:
    elsewhere = resource({"title": "t", "api_roots": ["https://evil.example/r/"]})
    with pytest.raises(InputError, match="another server"):
        against(tmp_path, page(), paths={"/taxii2/": elsewhere})


def test_a_collection_id_cannot_lead_elsewhere(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no id"):
        against(tmp_path, page(), feeds=[ENTRY | {"id": "../../admin"}])


def test_a_state_that_is_not_ours_is_not_guessed_at(tmp_path: Path) -> None:
    (tmp_path / STATE).write_text("{}x")
    with pytest.raises(InputError, match="not a state of ours"):
        against(tmp_path, page())


def test_a_server_that_is_not_there_is_told() -> None:
    with Client("https://127.0.0.1:1/", BOB) as client, pytest.raises(InputError, match="cannot be reached"):
        client.feeds()
