"""The suite of the standard's text once more, over a real PostgreSQL. Skipped, and said so, where there is none."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine, text

from stillwatch.domain.errors import InputError
from stillwatch.sharing.taxii.database import open_database
from tests.sharing.taxii import test_the_text_of_taxii as suite
from tests.sharing.taxii import test_two_hundred_clients as load
from tests.sharing.taxii.exchange import Exchange, exchange, on_loopback

full = suite.full
for _name, _test in vars(suite).items():
    if _name.startswith("test_"):
        globals()[_name] = _test


def _binaries() -> Path | None:
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    places = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda p: int(p.parts[-3]))
    return places[-1].parent if places else None


def _account() -> str | None:
    """PostgreSQL does not run as root: then as the account that its package made."""
    if os.geteuid() != 0:
        return None
    try:
        return pwd.getpwnam("postgres").pw_name
    except KeyError:
        pytest.skip("PostgreSQL was not run: we are root, and there is no account postgres")


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """A fresh cluster that listens on a socket in its own directory only."""
    binaries = _binaries()
    if binaries is None:
        pytest.skip("PostgreSQL was not run: there is no initdb on this machine")
    account = _account()
    more: dict[str, Any] = {"user": account, "env": {"PATH": str(binaries), "LC_ALL": "C.UTF-8"}} if account else {}
    with tempfile.TemporaryDirectory(prefix="pg", ignore_cleanup_errors=True) as folder:
        if account:
            shutil.chown(folder, account)
        data = Path(folder) / "data"

        def run(*arguments: str) -> None:
            subprocess.run([binaries / arguments[0], *arguments[1:]], check=True, capture_output=True, cwd="/", **more)

        run("initdb", "-D", str(data), "-A", "trust", "-U", "tester", "-N", "-E", "UTF8")
        options = f"-F -c listen_addresses='' -c unix_socket_directories='{folder}' -c max_connections=50"
        run("pg_ctl", "-D", str(data), "-w", "-l", f"{folder}/log", "-o", options, "start")
        try:
            yield f"postgresql://tester@/postgres?host={folder}"
        finally:
            run("pg_ctl", "-D", str(data), "-m", "immediate", "stop")


@pytest.fixture
def fresh(postgresql: str) -> str:
    engine = create_engine(postgresql.replace("postgresql:", "postgresql+psycopg:"))
    with engine.begin() as db:
        db.execute(text("DROP SCHEMA public CASCADE"))
        db.execute(text("CREATE SCHEMA public"))
    engine.dispose()
    return postgresql


@pytest.fixture
def server(tmp_path: Path, fresh: str) -> Iterator[Exchange]:
    with exchange(tmp_path, url=fresh) as found:
        yield found


def test_forty_clients_lose_nothing(tmp_path: Path, fresh: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Many transactions at once: what a reader has passed by never grows behind it."""
    monkeypatch.setattr(load, "CLIENTS", 40)
    with exchange(tmp_path, url=fresh) as made, on_loopback(made.app) as url:
        taken, pages = asyncio.run(load.everybody(url))
    assert taken == [load.ROUNDS * load.OBJECTS] * 40
    for found in pages:
        assert len(found) == len(set(found)) == 40 * load.ROUNDS * load.OBJECTS


def test_a_password_in_the_address_is_not_shown() -> None:
    with pytest.raises(InputError) as caught:
        open_database("postgresql://somebody:hunter2@127.0.0.1:1/x?connect_timeout=2")
    assert "hunter2" not in str(caught.value)
    assert "***" in str(caught.value)
