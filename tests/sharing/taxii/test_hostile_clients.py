"""Clients that mean harm: each gets a clear error, or the end of its connection, and the server stays up."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from stillwatch.sharing.taxii import app as app_module
from stillwatch.sharing.taxii import secrets, wire
from stillwatch.sharing.taxii.body import Bodies
from stillwatch.sharing.taxii.endpoints import MOST_LOGINS
from tests.sharing.taxii.exchange import BOTH, TAXII, Exchange, exchange, indicator, of, on_loopback, settings, stix_id

ALICE = "Basic " + base64.b64encode(b"alice:secret-of-alice").decode()
POST = of(BOTH) + "objects/"


@pytest.fixture
def live(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """On loopback, with little patience."""
    monkeypatch.setattr(wire, "HEAD_S", 1.5)
    monkeypatch.setattr(app_module, "DRAIN_S", 0.2)
    monkeypatch.setattr(Bodies.__init__, "__kwdefaults__", {"in_flight": 1 << 20, "wait_s": 0.3})
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

    def answer(self) -> tuple[int, dict[str, Any]]:
        """Status and resource, once the server has closed the connection; 0 when it said nothing."""
        data = b""
        try:
            while chunk := self.socket.recv(65536):
                data += chunk
        except ConnectionResetError:
            pass
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
def test_a_head_that_does_not_come_is_not_waited_for(live: str, start: bytes) -> None:
    with Wire(live) as wire_:
        began = time.monotonic()
        wire_.send(start)
        assert wire_.answer() == (0, {})
        assert time.monotonic() - began < 15
    assert is_up(live)


def test_a_second_head_that_does_not_come_is_not_waited_for(live: str) -> None:
    with Wire(live) as wire_:
        wire_.send(head("GET", "/taxii2/"))
        assert b"200" in wire_.socket.recv(65536)
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
