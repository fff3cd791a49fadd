"""The big scan: a world of the lab's `scale` scenario, generated and scanned, at several sizes, beside the floor.

    python bench/scale.py [--millions 1 3 4 16] [--threads 2] [--memory 5GiB] [--worlds DIR] [--phases]

The floor is DuckDB that merely decodes and hashes all columns of the same log, in the same run. Seconds are wall
seconds, with the processor seconds of the command beside them, for a shared machine; memory is the peak resident set.
``--worlds`` keeps the worlds (6 GiB for 16 million exchanges) and takes those that are there. Prints Markdown.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

import pyarrow.parquet as pq

from scan import FLOOR

WHOLE = 16.0
"""Million exchanges of the scenario as it is."""
PHASES = (
    "reading", "text pass", "accounts", "templates", "candidates", "communities", "judging", "verdicts", "members",
    "report", "writing",
)  # fmt: skip
"""Steps of a scan in their order."""
EVERY = 0.05
"""Seconds between two looks at a process's memory."""


class Cost(NamedTuple):
    """What a command took."""

    wall: float
    cpu: float
    peak_mib: float
    memory: list[tuple[float, float]]
    """(seconds since the start, resident MiB)."""


def measured(line: list[str]) -> Cost:
    """Run a command (exit status 0 or 3)."""
    begin = time.perf_counter()
    child = subprocess.Popen(line, stdout=subprocess.DEVNULL)
    memory, peak = [], 0
    while True:
        pid, status, used = os.wait4(child.pid, os.WNOHANG)
        if pid:
            break
        # not ru_maxrss, which is never less than what this process had when it made the child
        told = Path(f"/proc/{child.pid}/status").read_text().partition("VmHWM:")[2].split(maxsplit=1)
        peak = int(told[0]) if told else peak
        pages = Path(f"/proc/{child.pid}/statm").read_text().split()
        if len(pages) > 1:
            memory.append((time.perf_counter() - begin, int(pages[1]) * os.sysconf("SC_PAGE_SIZE") / 2**20))
        time.sleep(EVERY)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(line)}: exit {child.returncode}")
    return Cost(time.perf_counter() - begin, used.ru_utime + used.ru_stime, peak / 1024, memory)


def phases(case: Path, cost: Cost, size: int) -> list[str]:
    """Rows of a table: seconds of each step, decoded bytes of the log per second, peak memory."""
    timings = json.loads((case / "run.json").read_text("utf-8"))["timings"]
    steps = [(name, float(timings[name])) for name in PHASES if name in timings]
    before = cost.wall - sum(seconds for _, seconds in steps)  # the program itself is loaded
    out = []
    for (name, seconds), end in zip(steps, accumulate([s for _, s in steps], initial=before), strict=False):
        there = [mib for at, mib in cost.memory if end <= at <= end + seconds]
        rate = f"{size / 2**20 / seconds:,.0f}" if seconds >= 1 else ""
        out.append(f"| {name} | {seconds:.1f} | {rate} | {max(there, default=0):,.0f} |")
    return out


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--millions", type=float, nargs="+", default=[1, 3, 4, 16])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--memory")
    parser.add_argument("--worlds", type=Path)
    parser.add_argument("--phases", action="store_true", help="the steps of the largest scan too")
    given = parser.parse_args()
    program = str(Path(sys.executable).with_name("stillwatch"))
    with tempfile.TemporaryDirectory() as folder:
        case, rows, last = Path(folder) / "case", [], []
        for millions in given.millions:
            world = (given.worlds or Path(folder)) / f"w{millions:g}m"
            made = 0.0
            if not (world / "exchanges.parquet").exists():
                generate = [program, "lab", "generate", "scale", "--set", f"size={millions / WHOLE:g}", "--seed", "1"]
                made = measured([*generate, "--out", str(world)]).wall
            log = world / "exchanges.parquet"
            about = pq.read_metadata(log)
            size = sum(about.row_group(i).total_byte_size for i in range(about.num_row_groups))
            line = [program, "scan", str(log), "--accounts", str(world / "accounts.parquet"), "--quiet"]
            line += ["--licences", str(world / "licences.yaml"), "--threads", str(given.threads), "--out", str(case)]
            scan = measured([*line, *(["--memory", given.memory] if given.memory else [])])
            floor = measured([sys.executable, "-c", FLOOR, str(log), str(given.threads)])
            last = phases(case, scan, size)
            rows.append(
                f"| {about.num_rows:,} | {size / 2**30:.1f} | {made:.0f} | {scan.wall:.1f} | {scan.cpu:.1f} "
                f"| {size / 2**20 / scan.wall:,.0f} | {scan.peak_mib:,.0f} | {floor.wall:.1f} "
                f"| {scan.wall / floor.wall:.1f} |"
            )
            print(rows[-1], file=sys.stderr, flush=True)
    print("| exchanges | GiB decoded | made s | scan s | scan CPU s | MiB/s | peak MiB | floor s | scan over floor |")
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- |")
    print("\n".join(rows))
    if given.phases:
        print("\n| phase | s | MiB/s | peak MiB |\n| --- | --- | --- | --- |")
        print("\n".join(last))


if __name__ == "__main__":
    main()
