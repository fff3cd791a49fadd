"""Many worlds, scanned on all cores: the lab makes and scores them, the scan between is the real command."""

from __future__ import annotations

import hashlib
import multiprocessing
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from stillwatch.lab.generate import generate
from stillwatch.lab.measure import measurement
from stillwatch.lab.scenario import Scenario
from stillwatch.lab.store import Store

T = TypeVar("T")
DETECTOR = ("domain", "kernels", "engine", "sources", "signals", "links", "campaigns", "case")
"""Rooms whose source decides what a scan finds."""


def screen() -> Console:
    """Standard output; wide enough for a table where it is no terminal."""
    found = Console()
    return found if found.is_terminal else Console(width=max(found.width, 120))


class Run(NamedTuple):
    """One world to be made, scanned and scored."""

    key: str
    scenario: Scenario
    seed: int
    without: tuple[str, ...]


@lru_cache(maxsize=1)
def detector_id() -> str:
    """A digest of the detector's source and data files: results of another detector are not mixed with these."""
    digest = hashlib.sha256()
    root = Path(str(files("stillwatch")))
    for room in DETECTOR:
        for path in sorted((root / room).rglob("*")):
            if path.suffix in (".py", ".yaml", ".txt"):
                digest.update(str(path.relative_to(root)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()[:12]


def scan_world(world: Path, case: Path, *options: str) -> int:
    """`stillwatch scan` of a world, the real command; its exit status."""
    from stillwatch.cli import app  # the whole command, which this file is a part of

    args = ["scan", str(world / "exchanges.parquet"), "--out", str(case), *options]
    for option in ("accounts.parquet", "licences.yaml"):
        args += [f"--{option.split('.')[0]}", str(world / option)]
    return int(typer.main.get_command(app).main(args, prog_name="stillwatch", standalone_mode=False) or 0)


def measured(run: Run, scratch: str) -> dict[str, Any]:
    """The record of one run; what goes wrong is part of the record."""
    began = time.perf_counter()
    record: dict[str, Any] = {"key": run.key, "seed": run.seed}
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        world, case = Path(folder) / "world", Path(folder) / "case"
        try:
            record |= generate(run.scenario, run.seed, world, without=run.without)
            scan_world(world, case, "--threads", "1", "--quiet")
            record |= measurement(world, case)
        except Exception as exc:  # one bad point must not stop a night's sweep
            record["error"] = f"{type(exc).__name__}: {exc}"
    return record | {"seconds": round(time.perf_counter() - began, 2)}


def run_all(
    tasks: Sequence[T],
    work: Callable[[T, str], dict[str, Any]],
    store: Store,
    *,
    jobs: int,
    title: str,
    key: Callable[[T], str],
) -> int:
    """Do the tasks that the store does not hold, each result on disk as it comes; returns how many failed."""
    todo = list({key(t): t for t in tasks if key(t) not in store}.values())
    console = Console(stderr=True)
    columns = (TextColumn(title), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    failed = 0
    with (
        tempfile.TemporaryDirectory(dir=store.path.parent, prefix=".scratch-") as scratch,
        Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as bar,
    ):
        shown = bar.add_task(title, total=len(todo))
        if jobs == 1:
            for task in todo:
                failed += _keep(store, work(task, scratch))
                bar.advance(shown)
            return failed
        with ProcessPoolExecutor(jobs, mp_context=multiprocessing.get_context("spawn")) as pool:
            waiting = [pool.submit(work, task, scratch) for task in todo]
            try:
                for done in as_completed(waiting):
                    failed += _keep(store, done.result())
                    bar.advance(shown)
            except (KeyboardInterrupt, BrokenProcessPool):
                pool.shutdown(wait=False, cancel_futures=True)
                raise
    return failed


def _keep(store: Store, record: dict[str, Any]) -> int:
    store.add(record)
    return int("error" in record)
