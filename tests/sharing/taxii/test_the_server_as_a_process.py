"""`stillwatch share serve` as it is run: what it prints, how it ends, what it refuses to start with."""

from __future__ import annotations

import signal
import socket
import ssl
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.sharing.conftest import refused, stillwatch
from tests.sharing.taxii.certificates import Authority
from tests.sharing.taxii.exchange import TAXII


@pytest.fixture
def place(tmp_path: Path) -> Path:
    stillwatch("share", "setup", tmp_path / "x", "--member", "ann", "--member", "ben")
    return tmp_path / "x"


@contextmanager
def running(place: Path, *options: object) -> Iterator[tuple[subprocess.Popen[str], str]]:
    words = [sys.executable, "-m", "stillwatch", "share", "serve", place / "server.yaml", *options]
    with subprocess.Popen(list(map(str, words)), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            first = process.stdout.readline().strip()
            assert first.startswith("serving http"), process.stderr and process.stderr.read()
            yield process, first.removeprefix("serving ")
        finally:
            process.kill()


def test_it_serves_until_it_is_told_to_end_and_frees_its_port(place: Path) -> None:
    token = (place / "tokens" / "ann.token").read_text().strip()
    with running(place) as (process, url):
        answer = httpx.get(url, headers={"accept": TAXII, "authorization": f"Bearer {token}"}, timeout=30)
        assert answer.status_code == 200
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode in (0, -signal.SIGTERM)
    assert out == ""
    assert "GET /taxii2/ 200" in err
    assert token not in err
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(("127.0.0.1", httpx.URL(url).port or 0))


def test_what_was_stored_is_there_after_a_restart(place: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.json"
    bundle.write_text(
        '{"type":"bundle","id":"bundle--1a2b3c4d-0000-4000-8000-000000000001","objects":[{"type":"identity",'
        '"spec_version":"2.1","id":"identity--1a2b3c4d-0000-4000-8000-000000000001","name":"n",'
        '"created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z"}]}'
    )
    tokens = place / "tokens"
    with running(place) as (_, url):
        done = stillwatch("share", "push", bundle, "--to", url, "--token-file", tokens / "ann.token")
        assert "1 objects are in Feed" in done
    with running(place) as (_, url):
        found = stillwatch(
            "share", "pull", "--from", url, "--out", tmp_path / "in", "--token-file", tokens / "ben.token"
        )
        assert "1 new objects in Feed" in found
        assert not [p for p in place.glob("exchange.sqlite*") if p.stat().st_mode & 0o077], "readable by others"


def test_mutual_tls(place: Path, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    server, ann = authority.issue("localhost"), authority.issue("ann")
    file = place / "server.yaml"
    lines = file.read_text().splitlines()
    at = next(n for n, line in enumerate(lines) if line == "- name: ann")
    file.write_text("\n".join([*lines[: at + 1], f"  certificate: {ann.fingerprint}", *lines[at + 1 :]]))
    options = (
        "--tls-cert", server.certificate, "--tls-key", server.key,
        "--client-ca", authority.certificate, "--require-client-cert",
    )  # fmt: skip
    with running(place, *options) as (_, url):
        assert url.startswith("https://")
        trusted = ("--ca", authority.certificate)
        mine = ("--cert", ann.certificate, "--key", ann.key)
        out = stillwatch("share", "pull", "--from", url, "--out", tmp_path / "in", *trusted, *mine)
        assert "0 new objects in Feed" in out
        token = ("--token-file", place / "tokens" / "ann.token")
        assert "cannot be reached" in refused("share", "pull", "--from", url, "--out", tmp_path / "y", *trusted, *token)
        assert "certificate is not trusted" in refused("share", "pull", "--from", url, "--out", tmp_path / "z", *token)
        old = ssl.create_default_context(cafile=str(authority.certificate))
        old.load_cert_chain(ann.certificate, ann.key)
        old.maximum_version = ssl.TLSVersion.TLSv1_2
        old.set_ciphers("AES128-SHA:@SECLEVEL=0")
        with pytest.raises(httpx.ConnectError), httpx.Client(verify=old) as client:
            client.get(url)


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--hub"], "has no hub"),
        (["--host", "0.0.0.0"], "only over TLS"),
        (["--tls-cert", "x"], "belong together"),
        (["--tls-cert", "x", "--tls-key", "y"], "cannot be used"),
        (["--db", "mysql://x/y"], "neither sqlite"),
        (["--db", "sqlite:////nowhere/at/all.sqlite"], "cannot be opened"),
        (["--db", "::"], "cannot be read"),
    ],
)
def test_it_does_not_start_where_that_would_be_unsafe(place: Path, options: list[str], says: str) -> None:
    assert says in refused("share", "serve", place / "server.yaml", *options)


def test_a_hub_is_not_served_without_its_labels(tmp_path: Path) -> None:
    stillwatch("share", "setup", tmp_path / "x", "--member", "ann", "--hub")
    assert "labels only --hub heeds" in refused("share", "serve", tmp_path / "x" / "server.yaml")


def test_tokens_are_for_their_owner_only_and_nothing_is_overwritten(place: Path, tmp_path: Path) -> None:
    assert place.stat().st_mode & 0o077 == 0
    for path in (place / "tokens").iterdir():
        assert path.stat().st_mode & 0o777 == 0o600
    line = stillwatch("share", "token", "ann", "--out", tmp_path / "new.token")
    assert line.startswith("secret: scrypt$")
    assert (tmp_path / "new.token").read_text().startswith("ann.")
    assert "exists already" in refused("share", "token", "ann", "--out", tmp_path / "new.token")
    assert "exists already" in refused("share", "setup", place, "--member", "x")
