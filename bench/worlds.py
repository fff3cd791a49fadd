"""The lab's generator: exchanges a second on one core, and peak memory against the size of the world.

    python bench/worlds.py [--factors 1,3,11] [--scenario demo]

A factor multiplies the accounts of every honest kind and campaign. Every world is made by a process of its own, written
to disk and thrown away. Prints Markdown; seconds are CPU seconds of that process, start and imports included.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from pathlib import Path

import msgspec
import yaml

from launch import ran
from stillwatch.lab.scenario import Scenario, load


def enlarged(scenario: Scenario, factor: float) -> Scenario:
    """The scenario with ``factor`` times the accounts."""
    return msgspec.structs.replace(
        scenario,
        honest={kind: round(n * factor) for kind, n in scenario.honest.items()},
        campaigns=tuple(msgspec.structs.replace(c, accounts=round(c.accounts * factor)) for c in scenario.campaigns),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--factors", default="1,3,11")
    parser.add_argument("--scenario", default="demo")
    given = parser.parse_args()
    program = [sys.executable, "-m", "stillwatch", "lab", "generate"]
    print("| exchanges | accounts | CPU s | exchanges a CPU second | MiB peak | MiB on disk |")
    print("| ---: | ---: | ---: | ---: | ---: | ---: |")
    for factor in map(float, given.factors.split(",")):
        with tempfile.TemporaryDirectory() as folder:
            path, world = Path(folder) / "scenario.yaml", Path(folder) / "world"
            path.write_text(yaml.safe_dump(msgspec.to_builtins(enlarged(load(given.scenario), factor))), "utf-8")
            done = ran(*program, str(path), "--out", str(world))
            made = json.loads(done.said)
            size = sum(p.stat().st_size for p in world.iterdir())
        cpu, n = done.cpu_seconds, made["exchanges"]
        cells = (f"{n:,}", f"{made['accounts']:,}", f"{cpu:.1f}", f"{n / cpu:,.0f}")
        print(f"| {' | '.join(cells)} | {done.peak_mib:,} | {size / 2**20:,.0f} |", flush=True)


if __name__ == "__main__":
    main()
