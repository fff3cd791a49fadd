"""Whatever a log holds, `stillwatch scan` answers clearly: a case that accounts for every row, or where the error is.

The suite runs a few examples; ``STILLWATCH_FUZZ=5000 pytest tests/sources/test_fuzz.py`` runs many.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from stillwatch.cli import TRACEBACK, main
from tests.sources.fuzz import CANONICAL, SECRET, Written, parquet_logs, text_logs

MANY = os.environ.get("STILLWATCH_FUZZ")
FUZZ = settings(
    max_examples=int(MANY or 60), derandomize=not MANY, deadline=None, suppress_health_check=list(HealthCheck)
)
"""The suite draws the same examples each time, a long run others."""
FOLDER = Path(tempfile.mkdtemp(prefix="stillwatch-fuzz-"))


@pytest.fixture(scope="module", autouse=True)
def _folder() -> Iterator[None]:
    yield
    shutil.rmtree(FOLDER)


def scan(written: Written, *more: str) -> tuple[int, str, Path]:
    """Exit status, everything that was printed, and the case of the real command."""
    case = FOLDER / "case"
    shutil.rmtree(case, ignore_errors=True)
    line = ["stillwatch", "scan", str(written.path), "--out", str(case), "--threads", "1", *more]
    line += ["--source", written.source] if written.source else []
    out, old = io.StringIO(), (sys.argv, dict(os.environ))
    sys.argv, os.environ[TRACEBACK] = line, "1"
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            main()
    except SystemExit as exc:
        return int(exc.code or 0), out.getvalue(), case
    finally:
        sys.argv = old[0]
        os.environ.pop(TRACEBACK)
    return 0, out.getvalue(), case


def answers_clearly(written: Written) -> None:
    for mode in ("fail", "quarantine"):
        status, said, case = scan(written, "--on-bad-row", mode)
        assert SECRET not in said
        if status == 2:
            assert said.startswith("stillwatch: ") and "Traceback" not in said and len(said) < 2_000
            assert written.path.name in said or "exchange_id" in said
            assert not case.exists()
            continue
        assert status in (0, 3), said
        exchanges = json.loads((case / "run.json").read_text())["exchanges"]
        assert pq.read_table(case / "accounts.parquet")["exchanges"].to_pylist()
        held = pq.read_table(case / "quarantine.parquet").num_rows if mode == "quarantine" else 0
        if written.records is not None:
            assert exchanges + held == written.records, "a row was neither read nor set aside"


@FUZZ
@given(text_logs(FOLDER))
def test_any_text_log_is_answered_clearly(written: Written) -> None:
    answers_clearly(written)


@FUZZ
@given(parquet_logs(FOLDER))
def test_any_parquet_log_is_answered_clearly(written: Written) -> None:
    answers_clearly(written)


@FUZZ
@given(
    st.binary(max_size=300),
    st.sampled_from(["log.csv", "log.parquet", "log.json", "log.ndjson.gz", "log.jsonl.zst", "log"]),
    st.sampled_from([b"", b"ts,account_id\n", b"PAR1", b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"[", b"{\n"]),
)
def test_any_bytes_are_answered_clearly(content: bytes, name: str, start: bytes) -> None:
    path = FOLDER / name
    path.write_bytes(start + content)
    answers_clearly(Written(path, None, None))
    path.unlink()


@pytest.mark.parametrize("kind", ["accounts", "licences", "prices", "source"])
@FUZZ
@given(data=st.data())
def test_any_table_beside_the_log_is_answered_clearly(kind: str, data: st.DataObject) -> None:
    log = FOLDER / "good.ndjson"
    log.write_text(json.dumps(CANONICAL) + "\n")
    path = FOLDER / ("beside.csv" if kind == "accounts" else "beside.yaml")
    good = {
        "accounts": "account_id,created_at,org_id,payment_fingerprint\na1,2026-01-01,o,p\n",
        "licences": "licences:\n  - {id: l, org_id: o, models: [m], max_exchanges: 1, valid_to: 2027-01-01}\n",
        "prices": "currency: USD\nmodels: {m: {input_per_million: 1, output_per_million: 2}}\n",
        "source": "columns: {ts: ts, account_id: [account_id], prompt: {via: first, of: [prompt]}}\n",
    }[kind].encode()
    for _ in range(data.draw(st.integers(0, 3))):
        at = data.draw(st.integers(0, len(good)))
        good = (
            good[:at]
            + data.draw(st.binary(max_size=3) | st.sampled_from([b"", b"[", b": ", b"\n", b"-1"]))
            + good[at + 1 :]
        )
    path.write_bytes(good)
    status, said, _ = scan(Written(log, None, 1), f"--{kind}", str(path))
    assert status in (0, 2, 3), said
    names = (path.name, log.name) if kind == "source" else (path.name,)
    assert status != 2 or (said.startswith("stillwatch: ") and any(name in said for name in names))
    assert SECRET not in said
