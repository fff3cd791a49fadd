"""Generate each world, scan it with the installed command, score the case, print a Markdown table."""

from __future__ import annotations

import argparse
import shlex
import shutil
import subprocess
import sys
import time
from pathlib import Path

from bench.realtext.score import Score, dump, score, table
from bench.realtext.worlds import WORLDS, generate


def command() -> list[str]:
    """The `stillwatch` beside this interpreter, else the one on the path, else the module."""
    beside = Path(sys.executable).with_name("stillwatch")
    found = str(beside) if beside.exists() else shutil.which("stillwatch")
    return [found] if found else [sys.executable, "-m", "stillwatch.cli"]


def scan(program: list[str], folder: Path, case: Path) -> str:
    """Run the scan; an empty string is success."""
    shutil.rmtree(case, ignore_errors=True)
    line = [*program, "scan", str(folder / "exchanges.parquet"), "--accounts", str(folder / "accounts.parquet")]
    line += ["--licences", str(folder / "licences.yaml"), "--out", str(case), "--quiet"]
    try:
        done = subprocess.run(line, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"no command: {error.strerror}"
    if done.returncode in (0, 3):
        return ""
    return f"exit {done.returncode}: {(done.stderr or done.stdout).strip()[-160:]}".replace("\n", " ").replace("|", "/")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("data", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--worlds", default=",".join(WORLDS))
    parser.add_argument("--seeds", default="1")
    parser.add_argument("--scale", type=float, default=1.0)
    parser.add_argument("--without", default="", help="columns to leave out, separated by commas")
    parser.add_argument("--command", default="", help="how to call stillwatch, when it is not on the path")
    given = parser.parse_args()
    program = shlex.split(given.command) or command()
    without = {name for name in given.without.split(",") if name} - {"ts", "account_id"}
    scores: list[Score] = []
    for world in given.worlds.split(","):
        for seed in map(int, given.seeds.split(",")):
            folder = given.out / f"{world}-{seed}"
            generate(given.data, folder, world, seed, given.scale, without)
            begin = time.perf_counter()
            problem = scan(program, folder, folder / "case")
            seconds = time.perf_counter() - begin
            result = (
                Score(world, seed, note=problem)
                if problem
                else score(world, seed, folder / "truth.parquet", folder / "case")
            )
            result.seconds = seconds
            scores.append(result)
            print(f"{world} {seed}: {problem or 'scored'}", file=sys.stderr)
    (given.out / "scores.json").write_text(dump(scores))
    print(table(scores))


if __name__ == "__main__":
    main()
