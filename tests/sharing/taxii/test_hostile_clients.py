"""Clients that mean harm: each gets a clear error, or the end of its connection, and the server stays up."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from stillwatch.sharing.taxii import app as app_module
from stillwatch.sharing.taxii import secrets, statuses, wire
from stillwatch.sharing.taxii.body import Bodies
from stillwatch.sharing.taxii.endpoints import MOST_LOGINS
from stillwatch.sharing.taxii.store import Page, Store
from stillwatch.sharing.taxii.turns import MOST_ANSWERS
from tests.sharing.taxii.exchange import BOTH, TAXII, Exchange, exchange, indicator, of, on_loopback, settings, stix_id

ALICE = "Basic " + base64.b64encode(b"alice:secret-of-alice").decode()
POST = of(BOTH) + "objects/"


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """On loopback, with little patience for bodies."""
    monkeypatch.setattr(app_module, "DRAIN_S", 0.2)
    usual = Bodies.__init__.__kwdefaults__ or {}
    monkeypatch.setattr(Bodies.__init__, "__kwdefaults__", usual | {"in_flight": 1 << 20, "wait_s": 2.0})
    with exchange(tmp_path, settings(max_content_length=100_000)) as made, on_loopback(made.app) as url:
        yield url


def head(method: str, path: str, *more: str, who: str | None = ALICE, kind: str = TAXII) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: x", f"Accept: {TAXII}", f"Content-Type: {kind}", *more]
    lines += [f"Authorization: {who}"] if who else []
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


class Wire:
    """A raw connection."""

    def __init__(self, url: str) -> None:
        address = httpx.URL(url)
        self.socket = socket.create_connection((address.host, address.port or 80), timeout=20)

    def __enter__(self) -> Wire:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, data: bytes) -> bool:
        """Whether the other side still takes it."""
        try:
            self.socket.sendall(data)
        except OSError:
            return False
        return True

    def rest(self) -> bytes:
        """All that comes until the connection ends."""
        data = bytearray()
        with contextlib.suppress(ConnectionResetError):
            while chunk := self.socket.recv(65536):
                data += chunk
        return bytes(data)

    def answer(self) -> tuple[int, dict[str, Any]]:
        """Status and resource, once the server has closed the connection; 0 when it said nothing."""
        data = self.rest()
        if not data:
            return 0, {}
        top, _, body = data.partition(b"\r\n\r\n")
        return int(top.split()[1]), json.loads(body)


def is_up(url: str) -> bool:
    answer = httpx.get(url, headers={"accept": TAXII, "authorization": ALICE}, timeout=20)
    return answer.status_code == 200


def test_a_claim_of_a_gigabyte_is_refused_before_it_is_read(live: str) -> None:
    with Wire(live) as wire_:
        wire_.send(head("POST", POST, "Content-Length: 1073741824", "Expect: 100-continue"))
        status, found = wire_.answer()
    assert (status, found["http_status"]) == (413, "413")
    assert "100000 bytes" in found["description"]
    assert is_up(live)


@pytest.mark.parametrize("length", ["-1", "1e9", "0x10", "12 12", "9" * 5000])
def test_a_length_that_is_none_ends_the_connection(live: str, length: str) -> None:
    with Wire(live) as wire_:
        wire_.send(head("POST", POST, f"Content-Length: {length}"))
        address = wire_.socket
        data = address.recv(65536)
    assert data == b"" or data.split()[1] in (b"400", b"413")
    assert is_up(live)


def test_a_body_without_end_is_cut_off(live: str) -> None:
    with Wire(live) as wire_:
        wire_.send(head("POST", POST, "Transfer-Encoding: chunked"))
        chunk = b"ffff\r\n" + b"[" * 0xFFFF + b"\r\n"
        sent = 0
        while sent < 1000 and wire_.send(chunk):
            sent += 1
    assert sent < 1000
    assert is_up(live)


def test_a_body_without_end_of_somebody_unknown_is_cut_off(live: str) -> None:
    with Wire(live) as wire_:
        wire_.send(head("POST", POST, "Transfer-Encoding: chunked", who=None))
        sent = 0
        while sent < 1000 and wire_.send(b"ffff\r\n" + b"[" * 0xFFFF + b"\r\n"):
            sent += 1
    assert sent < 1000
    assert is_up(live)


def test_a_body_that_does_not_come_is_not_waited_for(live: str) -> None:
    with Wire(live) as wire_:
        wire_.send(head("POST", POST, "Content-Length: 5000") + b'{"objects"')
        status, found = wire_.answer()
    assert (status, found["title"]) == (408, "Request Timeout")
    assert is_up(live)


@pytest.mark.parametrize("start", [b"", b"GET / HTTP/1.1\r\nX: "])
def test_a_head_that_does_not_come_is_not_waited_for(live: str, start: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as impatient:
        impatient.setattr(wire, "HEAD_S", 0.2)
        with Wire(live) as wire_:
            wire_.send(start)
            assert wire_.answer() == (0, {})
    assert is_up(live)


def test_a_second_head_that_does_not_come_is_not_waited_for(live: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with Wire(live) as wire_, monkeypatch.context() as impatient:
        wire_.send(head("GET", "/taxii2/"))
        answer = b""
        while not answer.endswith(b"}"):
            answer += wire_.socket.recv(65536)
        assert b" 200 " in answer
        impatient.setattr(wire, "HEAD_S", 0.2)
        wire_.send(b"GET /taxii2/ HT")
        assert wire_.answer() == (0, {})
    assert is_up(live)


def test_a_body_that_ends_early_leaves_nothing(live: str) -> None:
    body = json.dumps({"objects": [indicator(1)]}).encode()
    with Wire(live) as wire_:
        wire_.send(head("POST", POST, f"Content-Length: {len(body) + 50}") + body)
        wire_.socket.shutdown(socket.SHUT_WR)
        wire_.answer()
    found = httpx.get(live.replace("/taxii2/", POST), headers={"accept": TAXII, "authorization": ALICE})
    assert found.json() == {}


@pytest.mark.parametrize(
    "text", [b"GET / HTTP/9\r\n\r\n", b"\x16\x03\x01\x02\x00" * 100, b"GET /\r\n" + b"a: b\r\n" * 20000 + b"\r\n"]
)
def test_what_is_no_http_ends_the_connection(live: str, text: bytes) -> None:
    with Wire(live) as wire_:
        wire_.send(text)
        with contextlib.suppress(ConnectionResetError):
            assert wire_.socket.recv(65536)[9:12] in (b"", b"400", b"431")
    assert is_up(live)


def test_more_bodies_than_memory_are_asked_to_come_back(live: str) -> None:
    """One megabyte for all; eleven bodies of 100,000 bytes do not fit at once."""
    wires = [Wire(live) for _ in range(11)]
    for wire_ in wires:
        wire_.send(head("POST", POST, "Content-Length: 100000") + b"[")
    statuses = sorted(wire_.answer()[0] for wire_ in wires)
    for wire_ in wires:
        wire_.socket.close()
    assert statuses[0] == 408
    assert statuses[-1] == 503
    assert is_up(live)


def test_who_reads_slowly_holds_little_memory_and_keeps_nobody_out(tmp_path: Path) -> None:
    """A member asks for page after page and takes none of them; only some are made at a time, and others are served."""
    made = 0
    with exchange(tmp_path) as server:
        objects = [indicator(n, description="x" * 60_000) for n in range(100)]
        assert server.post(BOTH, objects).json()["failure_count"] == 0
        real = Store.page

        def counted(self: Store, *given: Any) -> Page:
            nonlocal made
            page = real(self, *given)
            made += bool(page.rows)
            return page

        with pytest.MonkeyPatch.context() as patch, on_loopback(server.app) as url, contextlib.ExitStack() as stack:
            patch.setattr(Store, "page", counted)
            for _ in range(40):
                slow = stack.enter_context(Wire(url))
                slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                assert slow.send(head("GET", POST))
            address = url.replace("/taxii2/", POST)
            with httpx.Client(headers={"accept": TAXII}, auth=("bob", "secret-of-bob"), timeout=30) as client:
                for _ in range(3):
                    assert len(client.get(address).json()["objects"]) == 100
            assert made <= MOST_ANSWERS + 3
            stack.close()
            with httpx.Client(headers={"accept": TAXII}, auth=("alice", "secret-of-alice"), timeout=30) as client:
                assert client.get(address).status_code == 200


def test_a_full_collection_takes_nothing_more_until_something_is_deleted(tmp_path: Path) -> None:
    with exchange(tmp_path, settings(quota=10_000)) as server:
        found = server.post(BOTH, [indicator(n, description="x" * 2_000) for n in range(6)]).json()
        assert (found["success_count"], found["failure_count"]) == (4, 2)
        assert {f["message"] for f in found["failures"]} == {"the collection is full"}
        assert server.post(BOTH, [indicator(0, description="x" * 2_000)]).json()["failure_count"] == 0, "it is there"
        assert server.request("DELETE", f"{POST}{stix_id('indicator', 0)}/").status_code == 200
        for _ in range(2):
            assert server.post(BOTH, [indicator(9, description="x" * 2_000)]).json()["failure_count"] == 0
        assert server.post(BOTH, [indicator(8, description="x" * 2_000)]).json()["failure_count"] == 1


def test_statuses_do_not_fill_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(statuses, "MOST_KEPT", 3)
    monkeypatch.setattr(statuses, "MOST_LISTED", 5)
    names = []
    with exchange(tmp_path) as server:
        for _ in range(5):
            server.clock.now += 1_000_000
            found = server.post(BOTH, [indicator() for _ in range(7)]).json()
            assert len(found["successes"]) == 7
            names.append(found["id"])
        kept = [server.get(f"/exchange/status/{name}/") for name in names]
    assert [k.status_code for k in kept] == [404, 404, 200, 200, 200]
    assert [(k.json()["success_count"], len(k.json()["successes"])) for k in kept[2:]] == [(7, 5)] * 3


def test_an_answer_that_is_not_taken_is_given_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app_module, "REQUEST_S", 1.0)
    given_up = threading.Event()
    handler = logging.Handler()
    handler.emit = lambda record: given_up.set() if "TimeoutError" in record.getMessage() else None  # type: ignore
    logging.getLogger("stillwatch.taxii").addHandler(handler)
    with exchange(tmp_path) as server:
        server.post(BOTH, [indicator(n, description="x" * 60_000) for n in range(100)])
        with on_loopback(server.app) as url, Wire(url) as slow:
            assert slow.send(head("GET", POST))
            assert given_up.wait(30)
            taken = slow.rest()
    logging.getLogger("stillwatch.taxii").removeHandler(handler)
    assert taken.startswith(b"HTTP/1.1 200")
    assert len(taken) < 6_000_000


def test_answers_that_are_not_taken_do_not_hold_a_connection_for_ever(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A client asks and asks and takes nothing."""
    monkeypatch.setattr(app_module, "REQUEST_S", 1.0)
    monkeypatch.setattr(wire, "CLOSING_S", 0.5)
    lost = threading.Event()
    real = wire.Connection.connection_lost
    monkeypatch.setattr(wire.Connection, "connection_lost", lambda *given: (real(*given), lost.set()))
    with exchange(tmp_path) as server, on_loopback(server.app) as url, Wire(url) as slow:
        slow.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        slow.socket.setblocking(False)
        assert server.post(BOTH, [indicator(1, description="x" * 60_000)]).status_code == 202
        ask = head("GET", POST) * 100
        for _ in range(3000):
            with contextlib.suppress(BlockingIOError, ConnectionError):
                slow.socket.send(ask)
            if lost.wait(0.01):
                break
    assert lost.is_set()


def test_guessing_secrets_does_not_keep_those_out_who_have_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Guesses wait for two threads of their own, and beyond a few are sent away; a known member passes them by."""
    computing, go_on = threading.Event(), threading.Event()
    with exchange(tmp_path) as made:
        assert made.get("/taxii2/").status_code == 200
        computed = secrets._scrypt

        def slowly(*arguments: Any) -> bytes:
            computing.set()
            assert go_on.wait(30)
            return computed(*arguments)

        monkeypatch.setattr(secrets, "_scrypt", slowly)

        async def storm() -> tuple[list[int], int]:
            transport = httpx.ASGITransport(app=made.app)
            async with httpx.AsyncClient(transport=transport, base_url="https://x", headers={"accept": TAXII}) as http:

                async def guess(number: int) -> int:
                    header = {"authorization": f"Bearer alice.guess-{number}"}
                    return (await http.get("/taxii2/", headers=header)).status_code

                guesses = [asyncio.create_task(guess(n)) for n in range(2 * MOST_LOGINS)]
                await asyncio.to_thread(computing.wait, 30)
                async with asyncio.timeout(25):
                    while sum(g.done() for g in guesses) < MOST_LOGINS:
                        await asyncio.sleep(0)
                known = await http.get("/taxii2/", headers={"authorization": ALICE})
                go_on.set()
                return await asyncio.gather(*guesses), known.status_code

        statuses, known = asyncio.run(storm())
    assert known == 200
    assert set(statuses) == {401, 503}
    assert statuses.count(401) == MOST_LOGINS


# -- content ----------------------------------------------------------------------------------------------------------
def post(server: Exchange, body: bytes) -> httpx.Response:
    return server.request("POST", POST, content=body, headers={"content-type": TAXII})


@pytest.mark.parametrize("depth", [30, 5_000, 1_000_000])
def test_deep_nesting_is_refused(server: Exchange, depth: int) -> None:
    body = b'{"objects":[{"x":' + b"[" * depth + b"]" * depth + b"}]}"
    answer = post(server, body)
    assert (answer.status_code, "nested deeper" in answer.json()["description"]) == (422, True)
    assert server.get("/taxii2/").status_code == 200


@pytest.mark.parametrize(
    "body",
    [
        b'{"objects":[{"id":1,"id":2}]}', b'{"objects":[NaN]}', b'{"objects":[1e999]}', b'{"objects":["\\ud800"]}',
        b'{"objects":[' + b"9" * 5000 + b"]}", b'\xef\xbb\xbf{"objects":[]}',
        b'{"objects":[' + b"0," * 4_000_001 + b"0]}", b'{"objects":["\x00"]}',
    ],
)  # fmt: skip
def test_json_that_means_different_things_to_different_readers_is_refused(server: Exchange, body: bytes) -> None:
    answer = post(server, body)
    assert answer.status_code in (202, 422)
    assert answer.status_code == 422 or answer.json()["success_count"] == 0


@pytest.mark.parametrize(
    "change",
    [
        {"name": "<script>alert(1)</script>"}, {"name": "a\x1b[2Jb"}, {"name": "a\u202eb"}, {"pattern": "[" * 5000},
        {"pattern": "[a:b = 'c'"}, {"pattern": "x" * 40_000}, {"id": "indicator--1"}, {"id": "../../etc/passwd"},
        {"id": 5}, {"type": "malware"}, {"modified": "yesterday"}, {"created": "2025-01-01T00:00:00.000Z"},
        {"spec_version": "3.0"}, {"labels": ["<b>"]}, {"created_by_ref": "identity"}, {"description": "x" * 70_000},
        {"extensions": []}, {"confidence": 10**15}, {"revoked": "yes"}, {"valid_from": None},
    ],
)  # fmt: skip
def test_an_object_that_is_wrong_fails_alone_and_says_why(server: Exchange, change: dict[str, Any]) -> None:
    body = json.dumps({"objects": [indicator(1) | change, indicator(2)]}).encode()
    answer = post(server, body)
    if answer.status_code == 422:  # the bounds on texts hold for the whole body
        assert "characters" in answer.json()["description"]
        return
    found = answer.json()
    assert (found["success_count"], found["failure_count"]) == (1, 1)
    message = found["failures"][0]["message"]
    assert message
    assert "script" not in message
    assert server.ids(POST) == [stix_id("indicator", 2)]


def test_duplicate_ids_in_one_envelope(server: Exchange) -> None:
    found = server.post(BOTH, [indicator(1), indicator(1), indicator(1, name="other")]).json()
    assert (found["success_count"], found["failure_count"]) == (2, 1)
    assert len(server.get(POST + "?match[version]=all").json()["objects"]) == 1


def test_one_member_cannot_rewrite_or_revoke_what_another_said(server: Exchange) -> None:
    server.post(BOTH, [indicator(1)])
    later = indicator(1, modified="2025-01-01T00:00:00.000Z", revoked=True)
    found = server.post(BOTH, [later], who="bob").json()
    assert found["failures"][0]["message"] == "the object was published by another member"
    assert server.request("DELETE", f"{POST}{stix_id('indicator', 1)}/", who="bob").status_code == 403
    assert server.post(BOTH, [later]).json()["failure_count"] == 0


@pytest.mark.parametrize(
    "path", ["/%00/", "/..%2f..%2fetc/passwd/", "/exchange/collections/%F0%9F%98%80/", "/x/" * 5000]
)
def test_strange_paths_are_404(server: Exchange, path: str) -> None:
    assert server.get(path).status_code == 404


def test_a_failure_inside_is_a_500_that_shows_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with exchange(tmp_path) as made:
        made.engine.dispose()
        (tmp_path / "exchange.sqlite").write_bytes(b"not a database, secret-xq" * 1000)
        with caplog.at_level(logging.INFO):
            answer = made.get(POST)
    assert answer.status_code == 500
    assert answer.json() == {
        "title": "Internal Server Error",
        "description": "The server failed.",
        "http_status": "500",
    }
    assert "secret-xq" not in caplog.text


def test_no_secret_and_no_query_reaches_the_log(server: Exchange, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.DEBUG, "stillwatch.taxii"):
        server.get(POST + "?match[id]=" + stix_id("indicator", 7))
        server.post(BOTH, [indicator(8)])
        server.get("/taxii2/", who=None, headers={"authorization": "Bearer alice.wrong-secret"})
        server.get("/a%0Ab/")
    assert len(caplog.records) == 4
    for text in ("secret", "wrong", "indicator--", "\nb", "alice"):
        assert text not in caplog.text
