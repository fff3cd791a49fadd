"""The same scan on DuckDB and on Spark: seconds, processor seconds, memory; and whether the cases are the same.

    python bench/spark.py WORLD [--master local[2]] [--master local-cluster[2,1,2048]] [--driver-memory 4g]

WORLD is a folder of the lab's. CPU and memory are those of all processes of the command (driver, JVMs, Python workers),
read from /proc every fifth of a second; memory is proportional set size, so shared pages count once. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

TICKS = os.sysconf("SC_CLK_TCK")
SAME = ("accounts.parquet", "campaigns.json", "evidence.parquet")


class Cost(NamedTuple):
    """What one command took."""

    wall: float
    cpu: float
    peak_mib: float
    of_python_mib: float
    """The driver's own process, where the population is."""


def _tree(root: int) -> set[int]:
    parents = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = status.read_text().rsplit(")", 1)[1].split()
        except OSError:
            continue
        parents[int(status.parent.name)] = int(fields[1])
    found = {root}
    while more := {pid for pid, parent in parents.items() if parent in found} - found:
        found |= more
    return found


def _pss(pid: int) -> int:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0


def measured(line: list[str], environment: dict[str, str]) -> Cost:
    """Run a command (exit status 0 or 3) and watch everything that it starts."""
    begin = time.perf_counter()
    child = subprocess.Popen(line, env=os.environ | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    spent: dict[int, float] = {}
    peak = own = 0
    while child.poll() is None:
        memory = 0
        for pid in _tree(child.pid):
            try:
                stat = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
                pss = _pss(pid)
            except OSError:
                continue
            spent[pid] = (int(stat[11]) + int(stat[12])) / TICKS
            memory += pss
            own = max(own, pss if pid == child.pid else 0)
        peak = max(peak, memory)
        time.sleep(0.2)
    if child.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(line)}: exit {child.returncode}")
    return Cost(time.perf_counter() - begin, sum(spent.values()), peak / 1024, own / 1024)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("world", type=Path)
    parser.add_argument("--master", action="append", default=None)
    parser.add_argument("--driver-memory", default="4g")
    given = parser.parse_args()
    program = str(Path(sys.executable).with_name("stillwatch"))
    line = [program, "scan", *map(str, sorted(given.world.glob("exchanges*.parquet"))), "--quiet"]
    line += ["--accounts", str(given.world / "accounts.parquet")]
    line += ["--licences", str(given.world / "licences.yaml")]
    print("| engine | wall s | CPU s | peak MiB, all | driver's Python | text pass s | population s | the rest s |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- |")
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "PYSPARK_SUBMIT_ARGS": f"--driver-memory {given.driver_memory} pyspark-shell",
            "SPARK_WORKER_DIR": f"{folder}/work",
            "SPARK_LOCAL_DIRS": f"{folder}/local",
        }
        for number, engine in enumerate(["duckdb", *(f"spark:{m}" for m in given.master or ["local[2]"])]):
            case = Path(folder) / str(number)
            cost = measured([*line, "--out", str(case), "--engine", engine], environment)
            for file in SAME:
                if (case / file).read_bytes() != (Path(folder) / "0" / file).read_bytes():
                    raise SystemExit(f"{engine}: {file} is not what DuckDB found")
            steps = json.loads((case / "run.json").read_text("utf-8"))["timings"]
            text, population = steps["text pass"], steps["accounts"] + steps["templates"]
            print(
                f"| {engine} | {cost.wall:.1f} | {cost.cpu:.1f} | {cost.peak_mib:,.0f} | {cost.of_python_mib:,.0f} "
                f"| {text:.1f} | {population:.1f} | {cost.wall - text - population:.1f} |",
                flush=True,
            )
        exchanges = json.loads((Path(folder) / "0" / "run.json").read_text("utf-8"))["exchanges"]
    print(f"\n{exchanges:,} exchanges; the cases are the same, byte by byte.")


if __name__ == "__main__":
    main()
