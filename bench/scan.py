"""The whole scan, case and report included, against the floor: DuckDB merely decoding and hashing the same columns.

    python bench/scan.py [--exchanges 300000] [--threads 2] [--repeat 3]

One world of the lab's demo, cut to the number of exchanges. The first scan compiles the kernels into an empty cache and
is reported apart; then scan and floor alternate. Prints Markdown: seconds (least of the repeats), peak memory, ratio.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pyarrow.parquet as pq

FLOOR = """
import duckdb, sys
con = duckdb.connect(config={"threads": int(sys.argv[2])})
columns = [r[0] for r in con.execute("DESCRIBE SELECT * FROM read_parquet(?)", [sys.argv[1]]).fetchall()]
parts = ", ".join(f'bit_xor(hash("{c}"))' for c in columns)
con.execute(f"SELECT {parts} FROM read_parquet(?)", [sys.argv[1]]).fetchall()
"""


def timed(line: list[str], **more: str) -> tuple[float, int]:
    """Seconds and peak resident MiB of a command (exit status 0 or 3)."""
    begin = time.perf_counter()
    child = subprocess.Popen(line, env=os.environ | more, stdout=subprocess.DEVNULL)
    _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(line)}: exit {child.returncode}")
    return time.perf_counter() - begin, usage.ru_maxrss // 1024


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--exchanges", type=int, default=300_000)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=3)
    given = parser.parse_args()
    beside = Path(sys.executable).with_name("stillwatch")
    program = str(beside) if beside.exists() else shutil.which("stillwatch") or "stillwatch"
    with tempfile.TemporaryDirectory() as folder:
        world, cache = Path(folder) / "world", Path(folder) / "cache"
        subprocess.run(
            [program, "lab", "generate", "demo", "--out", str(world), "--seed", "7"],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        log = world / "exchanges.parquet"
        table = pq.read_table(log)
        if table.num_rows < given.exchanges:
            raise SystemExit(f"the demo has {table.num_rows:,} exchanges; ask for fewer")
        pq.write_table(table.sort_by("ts").slice(0, given.exchanges), log, compression="zstd")
        size = log.stat().st_size
        del table
        line = [program, "scan", str(log), "--accounts", str(world / "accounts.parquet"), "--quiet"]
        line += ["--licences", str(world / "licences.yaml"), "--threads", str(given.threads), "--out", f"{folder}/case"]
        floor = [sys.executable, "-c", FLOOR, str(log), str(given.threads)]
        first = timed(line, NUMBA_CACHE_DIR=str(cache))
        scans, floors = [], []
        for _ in range(given.repeat):
            scans.append(timed(line, NUMBA_CACHE_DIR=str(cache)))
            floors.append(timed(floor))
        steps = json.loads((Path(folder) / "case" / "run.json").read_text("utf-8"))["timings"]
    seconds, memory = min(s for s, _ in scans), max(m for _, m in scans)
    least = min(s for s, _ in floors)
    print("| what | seconds | MiB peak |\n| --- | --- | --- |")
    print(f"| first scan, kernels compiled into an empty cache | {first[0]:.1f} | {first[1]:,} |")
    print(f"| scan of {given.exchanges:,} exchanges ({size / 2**20:.0f} MiB) | {seconds:.1f} | {memory:,} |")
    print(f"| floor: DuckDB decodes and hashes the same file | {least:.1f} | {max(m for _, m in floors):,} |")
    print(f"\nratio {seconds / least:.1f}; steps: {', '.join(f'{k} {v:.2f}' for k, v in steps.items())}")


if __name__ == "__main__":
    main()
