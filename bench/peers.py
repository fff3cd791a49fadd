"""Stillwatch beside other methods on the same world: what each finds, what it costs.

``python bench/peers.py`` (needs ``pip install 'stillwatch[peers]'``). Every method runs in a process of its own with
one thread; CPU seconds and peak memory are the kernel's figures for that process. Compiled kernels are warmed up first.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, NamedTuple

from stillwatch.lab.evaluate import evaluate
from stillwatch.lab.generate import generate
from stillwatch.lab.peers import PEERS
from stillwatch.lab.scenario import dials, load
from stillwatch.lab.settings import parse_dials

ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
WARM = {"days": 0.5, "honest": {"chat": 40}, "campaigns.0.accounts": 20}


class Outcome(NamedTuple):
    """What one method cost; ``error`` is empty when it came to an end."""

    cpu_seconds: float
    peak_mb: float
    error: str


LAUNCHER = """
import json, os, subprocess, sys
child = subprocess.Popen(sys.argv[2:], stdout=open(sys.argv[1], "wb"), stderr=subprocess.STDOUT)
_, status, used = os.wait4(child.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), used.ru_utime + used.ru_stime, used.ru_maxrss / 1024]))
"""
"""A parent of few megabytes: Linux counts the memory of whoever starts a process into that process's peak."""


def measured(command: list[str], log: Path) -> Outcome:
    """Run a command and read its resource use from the kernel."""
    launch = [sys.executable, "-I", "-S", "-c", LAUNCHER, str(log), *command]
    told = subprocess.run(launch, env={**os.environ, **ONE_THREAD}, capture_output=True, check=True)
    status, cpu, peak = json.loads(told.stdout)
    lines = log.read_text("utf-8", "replace").strip().splitlines()
    return Outcome(cpu, peak, (lines[-1] if lines else "failed") if status not in (0, 3) else "")


def command(name: str, world: Path, case: Path) -> list[str]:
    """How a method is called on a world."""
    if name != "stillwatch":
        return [sys.executable, "-m", "stillwatch.lab.peers", name, str(world), str(case)]
    files = {"--accounts": "accounts.parquet", "--licences": "licences.yaml"}
    tables = [part for option, file in files.items() for part in (option, str(world / file))]
    scan = [sys.executable, "-m", "stillwatch", "scan", str(world / "exchanges.parquet"), *tables]
    return [*scan, "--out", str(case), "--threads", "1", "--quiet"]


def row(name: str, world: Path, folder: Path) -> dict[str, Any]:
    """One method's line of the comparison."""
    case = folder / name
    cost = measured(command(name, world, case), folder / f"{name}.log")
    line: dict[str, Any] = {"method": name, "cpu_seconds": round(cost.cpu_seconds, 1), "peak_mb": round(cost.peak_mb)}
    if cost.error:
        return line | {"error": cost.error}
    found = evaluate(case, world / "truth.parquet")
    accounts, campaigns = found["accounts"], found["campaigns"]
    return line | {
        "precision": accounts["precision"],
        "recall": accounts["recall"],
        "false_positive_rate": accounts["false_positive_rate"],
        "found": campaigns["recall"]["hits"],
        "of": campaigns["recall"]["of"],
        "reported": campaigns["reported"],
        "false": len(campaigns["false"]),
        "average_precision": found["ranking"]["average_precision"],
        "b_cubed": found["agreement"]["b_cubed"],
    }


def show(rows: list[dict[str, Any]]) -> str:
    """The comparison as a Markdown table."""
    head = "| method | precision | recall | honest named | campaigns found | groups: false of all | average precision "
    lines = [head + "| CPU s | peak MB |", "|---|---|---|---|---|---|---|---|---|"]
    for r in rows:
        cost = f"| {r['cpu_seconds']:.1f} | {r['peak_mb']:,} |"
        if "error" in r:
            lines.append(f"| {r['method']} | {r['error']} | | | | | {cost}")
            continue
        rate, exact = (
            r["false_positive_rate"],
            "–" if r["average_precision"] is None else f"{r['average_precision']:.2f}",
        )
        shares = f"{_percent(r['precision'])} | {_percent(r['recall'])} | {rate['hits']:,} of {rate['of']:,}"
        groups = f"{r['found']} of {r['of']} | {r['false']} of {r['reported']}"
        lines.append(f"| {r['method']} | {shares} | {groups} | {exact} {cost}")
    return "\n".join(lines)


def _percent(share: dict[str, Any]) -> str:
    return "–" if share["value"] is None else f"{100 * share['value']:.1f} %"


def main() -> None:
    """Make the world, run every method, print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scenario", default="demo", help="a shipped scenario or a YAML file")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--set", action="append", default=[], metavar="DIAL=VALUE")
    parser.add_argument("--world", type=Path, help="a world that exists, instead of making one")
    parser.add_argument("--only", action="append", choices=["stillwatch", *PEERS], help="these methods")
    parser.add_argument("--json", type=Path, help="also write the figures here")
    given = parser.parse_args()
    names = given.only or ["stillwatch", *PEERS]
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        world = given.world or folder / "world"
        if given.world is None:
            counts = generate(dials(load(given.scenario), parse_dials(given.set)), given.seed, world)
            print(f"{given.scenario}, seed {given.seed}: " + ", ".join(f"{v:,} {k}" for k, v in counts.items()))
        if "stillwatch" in names:
            generate(dials(load("power-base"), WARM), 1, folder / "warm")
            measured(command("stillwatch", folder / "warm", folder / "warm-case"), folder / "warm.log")
        rows = [row(name, world, folder) for name in names]
    print(show(rows))
    if given.json:
        given.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")


if __name__ == "__main__":
    main()
