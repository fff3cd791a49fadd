"""A process may be killed at any moment: before the commit nothing has happened, after it everything has."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

from tests.state.logs import day, write_log


def test_killed_at_every_step_of_two_commits_nothing_is_lost_or_counted_twice(tmp_path: Path) -> None:
    logs = [write_log(tmp_path / f"{number}.parquet", day(number)) for number in range(2)]
    done = subprocess.run(
        [sys.executable, "-m", "tests.state.dying", str(tmp_path / "state"), *map(str, logs)],
        capture_output=True,
        text=True,
        check=True,
    )
    *deaths, last = [json.loads(line) for line in done.stdout.splitlines()]
    assert last == {"rows": 200, "problems": [], "recovered": False, "kept": "1.parquet"}
    assert len(deaths) >= 30
    assert {d["log"] for d in deaths} == {"0.parquet", "1.parquet"}
    for death in deaths:
        whole = {"0.parquet": ((0, ""), (100, "0.parquet")), "1.parquet": ((100, "0.parquet"), (200, "1.parquet"))}
        assert (death["rows"], death["kept"]) in whole[death["log"]], death
        assert death["problems"] == [] and not death["recovered"]
