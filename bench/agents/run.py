"""Generate worlds, scan each with the command, print one table: `python -m bench.agents.run DATA --out DIR`."""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path

from bench.agents.catalogue import WORLDS
from bench.agents.score import HEADER, Score, line, score


def scan(command: Path, world: Path, case: Path) -> tuple[int, float, float]:
    """Run the command as a user would; returns exit status, seconds and CPU seconds."""
    arguments = [
        str(command), "scan", str(world / "exchanges.parquet"), "--accounts", str(world / "accounts.parquet"),
        "--licences", str(world / "licences.yaml"), "--out", str(case), "--quiet",
    ]  # fmt: skip
    before, began = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    status = subprocess.run(arguments, check=False).returncode
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return status, time.monotonic() - began, cpu


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--worlds", default=",".join(WORLDS))
    parser.add_argument("--seeds", default="1", help="seeds, separated by commas")
    parser.add_argument("--scale", default="1.0")
    parser.add_argument("--without", default="")
    parser.add_argument("--command", type=Path, default=Path(sys.executable).parent / "stillwatch")
    given = parser.parse_args()
    results: list[Score] = []
    log = given.out / "results.jsonl"
    given.out.mkdir(parents=True, exist_ok=True)
    for seed in given.seeds.split(","):
        for name in given.worlds.split(","):
            world, case = given.out / f"{name}-{seed}", given.out / f"{name}-{seed}-case"
            make = [sys.executable, "-m", "bench.agents.worlds", str(given.data), "--out", str(world), "--world", name]
            subprocess.run([*make, "--seed", seed, "--scale", given.scale, "--without", given.without], check=True)
            status, wall, cpu = scan(given.command, world, case)
            print(f"{name} seed {seed}: exit {status}, {wall:.1f} s, {cpu:.1f} CPU s", flush=True)
            if status not in (0, 3):
                continue
            result = score(world, case)
            results.append(result)
            with log.open("a", encoding="utf-8") as file:
                file.write(
                    json.dumps({"seed": seed, "exit": status, "cpu": cpu, **asdict(result)}, ensure_ascii=False) + "\n"
                )
            print(line(result), flush=True)
    print(HEADER)
    for result in results:
        print(line(result))


if __name__ == "__main__":
    main()
